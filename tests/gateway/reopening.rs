//! Phases that are taken up again: what becomes stale, and how the work goes on.

use signoff_contract::feed::v1::{Source, TrailRecord};
use signoff_contract::gateway::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, PhaseState};
use signoff_tests::lanes::{LOBS, OWNERS};
use signoff_tests::office::samples;
use signoff_tests::refusals::{refusal, unmet};
use signoff_tests::{House, Office, build};
use signoff_workflow::Phase;
use tonic::Code;
use wire::GateCommand;

/// The records of an action, in the order of the chain.
fn of(trail: &[TrailRecord], action: &str) -> Vec<TrailRecord> {
    trail.iter().filter(|record| record.action == action).cloned().collect()
}

#[tokio::test]
async fn what_rests_on_a_reopened_phase_is_stale_nearest_first() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::TEST_EXECUTION).await;
    let answer = office.reopen(Phase::SCOPING).await.unwrap();
    // Observation Management was never started, and Finalize was not either.
    assert_eq!(answer.stale, [4, 5, 6, 7]);
    let reopened = answer.phase_status.unwrap();
    assert_eq!((reopened.stale, reopened.reopening), (false, 0));
    assert_eq!(reopened.holders, []);

    let versioning = office.trail(Source::Versioning).await;
    let audit = office.trail(Source::Audit).await;
    let marked = |trail: &[TrailRecord]| -> Vec<i32> {
        of(trail, "phase.marked_stale").iter().map(|record| record.phase).collect()
    };
    assert_eq!(marked(&versioning), [4, 9, 8]);
    assert_eq!(marked(&audit), [5, 6, 7]);
    let begun = of(&versioning, "phase.reopen_begun");
    assert_eq!(begun.len(), 1);
    assert_eq!((begun[0].phase, begun[0].reason.as_str()), (3, "an attribute was forgotten"));
    let ended = of(&versioning, "phase.reopened");
    assert_eq!(ended.len(), 1);
    let steps = ["phase.reopen_begun", "phase.marked_stale", "phase.reopened"];
    let records = versioning.iter().chain(&audit);
    for record in records.filter(|record| steps.contains(&record.action.as_str())) {
        assert_eq!(record.actor_user_id, 12, "it counts for who asked for it");
        assert_eq!(record.actor_subject, "signoff-gateway");
        assert_eq!(record.acting_service, "signoff-gateway");
        assert!(record.sequence >= begun[0].sequence || record.source() == Source::Audit);
    }
    assert!(office.verify(Source::Versioning).await.intact);
    assert!(office.verify(Source::Audit).await.intact);
}

#[tokio::test]
async fn a_stale_phase_takes_no_change_until_it_is_reaffirmed() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::REQUEST_INFO).await;
    let begun = office.status(Phase::DATA_OWNER_ID).await;
    office.reopen(Phase::SAMPLE_SELECTION).await.unwrap();
    let assign = || office.lanes.assign(LOBS[0], 555);
    let case = office.lanes.cases_of(LOBS[0]).await.remove(0);
    refusal(assign().await, Code::FailedPrecondition, ErrorReason::PhaseStale);
    let submitted = office.lanes.submit(OWNERS[0], &[case]).await;
    refusal(submitted, Code::FailedPrecondition, ErrorReason::PhaseStale);
    // Starting it is no way round that.
    let started = office.start(Phase::DATA_OWNER_ID).await;
    let started = refusal(started, Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);
    assert!(unmet(&started)[0].1.contains("is stale"), "{started:?}");

    // What was reopened can be changed now, and has to be complete before anything goes on.
    office.approve(Phase::SAMPLE_SELECTION, samples(3..4)).await;
    let status = office.reaffirm(Phase::DATA_OWNER_ID).await.unwrap();
    assert!(!status.stale);
    assert_eq!((status.started_by, status.started_at), (begun.started_by, begun.started_at));
    let current = office.status(Phase::SAMPLE_SELECTION).await;
    assert_eq!(status.rests_on[0].version_id, current.current_version_id);
    assert_eq!(current.state(), PhaseState::Sealed);
    // Its own change is possible again, the next phase's is not yet.
    let refused = assign().await.unwrap_err();
    assert_ne!(signoff_tests::refusals::reason(&refused), "PHASE_STALE");
    assert!(office.status(Phase::REQUEST_INFO).await.stale);
    office.reaffirm(Phase::REQUEST_INFO).await.unwrap();
    assert_eq!(office.plan().await.unwrap().added, 2);
}

#[tokio::test]
async fn a_stale_phase_is_reaffirmed_after_the_one_before_it() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::SAMPLE_SELECTION).await;
    office.start(Phase::DATA_OWNER_ID).await.unwrap();
    office.reopen(Phase::DATA_PROFILING).await.unwrap();
    let early = office.reaffirm(Phase::SAMPLE_SELECTION).await;
    let early = refusal(early, Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);
    assert!(unmet(&early).iter().any(|(subject, _)| subject == "scoping"), "{early:?}");
    for phase in [Phase::SCOPING, Phase::SAMPLE_SELECTION, Phase::DATA_OWNER_ID] {
        office.reaffirm(phase).await.unwrap();
        assert!(!office.status(phase).await.stale);
    }
    let again = office.reaffirm(Phase::SCOPING).await;
    refusal(again, Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);
}

#[tokio::test]
async fn a_sealed_phase_is_changed_after_it_was_reopened_only() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::PLANNING).await;
    let here = office.here(Phase::PLANNING);
    let revise = || office.tester().revise(&here, build::items(Phase::PLANNING, 7..8));
    office.start(Phase::DATA_PROFILING).await.unwrap();
    refusal(revise().await, Code::FailedPrecondition, ErrorReason::PhaseSealed);
    let refused = office.tester().call(office.reopen_request(Phase::PLANNING)).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    office.reopen(Phase::PLANNING).await.unwrap();
    revise().await.unwrap();
    // With an open version it is in progress: there is nothing to reopen.
    let again = office.reopen(Phase::PLANNING).await;
    let again = refusal(again, Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);
    assert!(unmet(&again)[0].1.contains("in progress"), "{again:?}");
    let never = office.reopen(Phase::TEST_EXECUTION).await;
    let never = refusal(never, Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);
    assert!(unmet(&never)[0].1.contains("nothing to reopen"), "{never:?}");
}

#[tokio::test]
async fn a_plan_of_older_versions_blocks_the_report() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::TEST_EXECUTION).await;
    assert!(office.explain(Phase::FINALIZE_TEST_REPORT, GateCommand::Start).await.allowed);
    for reopened in [Phase::PLANNING, Phase::SCOPING] {
        office.reopen(reopened).await.unwrap();
        let version = office.approve(reopened, Vec::new()).await;
        let stale = reopened.number() + 1..=7;
        for phase in stale.map(Phase::new) {
            office.reaffirm(phase).await.unwrap();
        }
        assert_eq!(office.status(reopened).await.current_version_id, version.version_id);
        // Everything stands, but what is tested was planned from what was approved before.
        let board = office.board().await;
        let owners = &board.phases[4];
        assert_eq!(owners.state(), PhaseState::InProgress);
        let name = if reopened == Phase::PLANNING { "Planning" } else { "Scoping" };
        assert!(owners.unmet[0].what.contains(name), "{:?}", owners.unmet);
        assert!(!board.steps[8].allowed.contains(&GateCommand::Start.into()));
        let refused = office.start(Phase::FINALIZE_TEST_REPORT).await;
        let refused = refusal(refused, Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);
        let missing = unmet(&refused);
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(missing[0].1.contains("plan the test cases again"), "{missing:?}");
        // Nothing was sealed for it.
        let held = office.status(Phase::TEST_EXECUTION).await.holders;
        assert_eq!(held, []);
        let planned = office.plan().await.unwrap();
        assert_eq!((planned.added, planned.withdrawn), (0, 0));
        assert!(office.explain(Phase::FINALIZE_TEST_REPORT, GateCommand::Start).await.allowed);
    }
    office.start(Phase::FINALIZE_TEST_REPORT).await.unwrap();
}

#[tokio::test]
async fn the_same_request_gets_its_first_answer() {
    let office = Office::of(House::shared().await).await;
    let start = office.start_request(Phase::PLANNING);
    let first = office.tester().call(start.clone()).await.unwrap();
    office.through(Phase::SAMPLE_SELECTION).await;
    assert_eq!(office.tester().call(start.clone()).await.unwrap(), first);
    let other = wire::StartPhaseRequest { scope: Some(office.here(Phase::SCOPING)), ..start };
    reused(office.tester().call(other).await);

    let reopen = office.reopen_request(Phase::DATA_PROFILING);
    let first = office.lead().call(reopen.clone()).await.unwrap();
    assert_eq!(first.stale, [3, 4]);
    let reaffirm = office.reaffirm_request(Phase::SCOPING);
    let affirmed = office.lead().call(reaffirm.clone()).await.unwrap();
    assert_eq!(office.lead().call(reopen.clone()).await.unwrap(), first);
    assert!(!office.status(Phase::SCOPING).await.stale, "it was not reopened again");
    reused(
        office
            .lead()
            .call(wire::ReopenPhaseRequest { reason: "another".to_owned(), ..reopen })
            .await,
    );
    office.reaffirm(Phase::SAMPLE_SELECTION).await.unwrap();
    assert_eq!(office.lead().call(reaffirm.clone()).await.unwrap(), affirmed);
    let here = Some(office.here(Phase::SAMPLE_SELECTION));
    reused(
        office.lead().call(wire::ReaffirmPhaseRequest { scope: here, ..reaffirm.clone() }).await,
    );
    // Somebody else's request is another one, even with the same words.
    reused(office.owner().call(reaffirm).await);
}

/// Expects that the id was used for something else.
#[track_caller]
fn reused<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) {
    refusal(answer, Code::InvalidArgument, ErrorReason::RequestIdReused);
}
