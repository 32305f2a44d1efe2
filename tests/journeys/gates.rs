//! Opening, fencing, sealing and releasing phases.

use shared::{ErrorReason, Foundation, PhaseState};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::reads::when;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;
use tonic_types::StatusExt as _;

const PLANNING: i32 = 1;
const PROFILING: i32 = 2;

fn on(phase: i32) -> Foundation {
    Foundation { phase, ..Default::default() }
}

#[tokio::test]
async fn a_phase_that_was_not_opened_takes_no_change() {
    for phase in [Phase::PLANNING, Phase::DATA_PROFILING, Phase::SCOPING, Phase::SAMPLE_SELECTION] {
        let stage = Stage::closed(phase).await;
        let created = stage.tester.create(&stage.here, build::items(phase, 0..1)).await;
        let status = refusal(created, Code::FailedPrecondition, ErrorReason::PhaseNotStarted);
        assert!(status.message().contains("start it first"), "{}", status.message());
        let revised = stage.tester.revise(&stage.here, vec![]).await;
        refusal(revised, Code::FailedPrecondition, ErrorReason::PhaseNotStarted);
        let state = stage.tester.status(&stage.here).await;
        assert_eq!(state.state(), PhaseState::NotStarted);
        assert!(stage.tester.trail_of(stage.workflow).await.is_empty());
    }
}

#[tokio::test]
async fn opening_says_by_whom_when_and_on_what() {
    let stage = Stage::closed(Phase::DATA_PROFILING).await;
    let attempt = stage.begin(&stage.here).await.unwrap();
    let begun = stage.tester.status(&stage.here).await;
    assert_eq!((attempt, begun.attempt, begun.state()), (1, 1, PhaseState::NotStarted));
    let foundation = Foundation {
        phase: PLANNING,
        version_id: uuid::Uuid::now_v7().to_string(),
        trail_head: Some(shared::TrailHead { sequence: 7, hash: vec![3; 32] }),
    };
    let opened = stage.open(&stage.here, attempt, vec![foundation.clone()]).await.unwrap();
    assert_eq!(opened.state(), PhaseState::InProgress);
    assert_eq!((opened.started_by, opened.rests_on.as_slice()), (1, &[foundation][..]));
    assert!(opened.started_at.is_some());
    assert_eq!(stage.tester.status(&stage.here).await, opened);
    stage.draft(1).await;
}

#[tokio::test]
async fn a_phase_that_is_open_is_not_begun_again() {
    let stage = Stage::of(Phase::PLANNING).await;
    let again = stage.begin(&stage.here).await;
    refusal(again, Code::FailedPrecondition, ErrorReason::PhaseAlreadyOpen);
}

#[tokio::test]
async fn a_later_attempt_ends_the_earlier_one() {
    let stage = Stage::closed(Phase::PLANNING).await;
    assert_eq!(stage.begin(&stage.here).await.unwrap(), 1);
    assert_eq!(stage.begin(&stage.here).await.unwrap(), 2);
    let late = stage.open(&stage.here, 1, vec![]).await;
    let status = refusal(late, Code::FailedPrecondition, ErrorReason::AttemptSuperseded);
    assert_eq!(status.get_details_error_info().unwrap().metadata["current_attempt"], "2");
    let early = stage.open(&stage.here, 3, vec![]).await;
    refusal(early, Code::FailedPrecondition, ErrorReason::AttemptSuperseded);
    stage.open(&stage.here, 2, vec![]).await.unwrap();
}

#[tokio::test]
async fn opening_again_by_the_same_attempt_changes_nothing() {
    let stage = Stage::closed(Phase::PLANNING).await;
    let attempt = stage.begin(&stage.here).await.unwrap();
    let opened = stage.open(&stage.here, attempt, vec![]).await.unwrap();
    let records = stage.tester.trail_of(stage.workflow).await.len();
    assert_eq!(stage.open(&stage.here, attempt, vec![]).await.unwrap(), opened);
    assert_eq!(stage.tester.trail_of(stage.workflow).await.len(), records);
}

#[tokio::test]
async fn a_fenced_attempt_is_dead_for_ever_and_a_live_one_lives() {
    let stage = Stage::closed(Phase::PLANNING).await;
    let attempt = stage.begin(&stage.here).await.unwrap();
    assert!(stage.fence(&stage.here, attempt).await);
    let late = stage.open(&stage.here, attempt, vec![]).await;
    refusal(late, Code::FailedPrecondition, ErrorReason::AttemptSuperseded);
    let next = stage.begin(&stage.here).await.unwrap();
    assert!(next > attempt);
    stage.open(&stage.here, next, vec![]).await.unwrap();
    assert!(!stage.fence(&stage.here, next).await, "it is open by this attempt");
    assert!(stage.fence(&stage.here, attempt).await, "the earlier one stays dead");
    stage.draft(1).await;
}

#[tokio::test]
async fn a_phase_opens_on_exactly_what_it_rests_on() {
    let stage = Stage::closed(Phase::SCOPING).await;
    let attempt = stage.begin(&stage.here).await.unwrap();
    let cases: [(&[i32], &[&str]); 4] = [
        (&[], &["rests_on"]),
        (&[PLANNING], &["rests_on", "rests_on"]),
        (&[PROFILING, PLANNING], &["rests_on"]),
        (&[PROFILING, PROFILING], &["rests_on"]),
    ];
    for (named, at_fault) in cases {
        let rests_on = named.iter().copied().map(on).collect();
        let answer = stage.open(&stage.here, attempt, rests_on).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), at_fault, "{named:?}");
    }
    assert_eq!(stage.tester.status(&stage.here).await.state(), PhaseState::NotStarted);
    stage.open(&stage.here, attempt, vec![on(PROFILING)]).await.unwrap();
}

#[tokio::test]
async fn the_status_follows_the_work() {
    let stage = Stage::closed(Phase::SAMPLE_SELECTION).await;
    let status = async || stage.tester.status(&stage.here).await;
    let new = status().await;
    assert_eq!((new.phase, new.attempt, new.reopening, new.stale), (4, 0, 0, false));
    assert_eq!(new.versioning_type(), shared::VersioningType::Full);
    assert_eq!((new.approval_required, new.approver_role()), (true, shared::Role::ReportOwner));
    assert_eq!((new.started_at, new.started_by, new.completed_at), (None, 0, None));
    assert_eq!(new.progress, Some(shared::Progress { done: 0, total: 0 }));

    stage.gateway.clone().open_phase(stage.workflow, stage.phase).await;
    let submitted = stage.submitted(3).await;
    let first = stage.tester.decision(&submitted, "S-000000").await;
    stage.owner.rule(&submitted, vec![signoff_tests::acts::approved(&first)]).await.unwrap();
    let working = status().await;
    assert_eq!(working.state(), PhaseState::InProgress);
    assert_eq!(
        (working.open_version_id, working.current_version_id.as_str()),
        (submitted.version_id.clone(), "")
    );
    assert_eq!(working.progress, Some(shared::Progress { done: 1, total: 3 }));

    let approved = stage.approve_all(&stage.tester.get(&submitted).await.unwrap()).await;
    let done = status().await;
    assert_eq!(done.state(), PhaseState::Complete);
    assert_eq!((done.open_version_id.as_str(), done.current_version_id), ("", approved.version_id));
    assert_eq!(when(done.completed_at), when(approved.reviewed_at));
    assert_eq!((done.progress, done.unmet), (Some(shared::Progress { done: 3, total: 3 }), vec![]));

    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let again = status().await;
    assert_eq!((again.state(), again.completed_at), (PhaseState::InProgress, None));
    assert_eq!(again.open_version_id, draft.version_id);
}

#[tokio::test]
async fn four_phases_are_opened_one_after_the_other_each_on_what_is_sealed() {
    let stage = Stage::of(Phase::PLANNING).await;
    stage.approved(1).await;
    let phases = [Phase::PLANNING, Phase::DATA_PROFILING, Phase::SCOPING, Phase::SAMPLE_SELECTION];
    for pair in phases.windows(2) {
        let (below, above) = (pair[0], pair[1]);
        let here = stage.in_phase(above);
        let attempt = stage.begin(&here).await.unwrap();
        let sealed = stage.seal(&[below.number()], above.number(), attempt).await.unwrap();
        let opened = stage.open(&here, attempt, sealed.rests_on.clone()).await.unwrap();
        assert_eq!(opened.rests_on, sealed.rests_on);
        let draft = stage.tester.create(&here, build::items(above, 0..1)).await.unwrap();
        stage.tester.submit(&draft).await.unwrap();
        stage.owner.rule_rest(&draft, wire::Verdict::Approved).await.unwrap();
        stage.owner.approve(&draft).await.unwrap();
    }
    for phase in &phases[..3] {
        let status = stage.tester.status(&stage.in_phase(*phase)).await;
        assert_eq!(status.state(), PhaseState::Sealed);
    }
    assert!(stage.tester.verify(stage.workflow).await.intact);
}
