//! Phases that are taken up again although others rest on them.

use shared::{ErrorReason, Foundation, Holder, PhaseState};
use signoff_contract::feed::v1::TrailRecord;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::refusals::refusal;
use signoff_tests::{Person, Stage, build, world};
use signoff_workflow::{Phase, Role};
use tonic::Code;
use wire::Verdict;

const FULL: [Phase; 4] =
    [Phase::PLANNING, Phase::DATA_PROFILING, Phase::SCOPING, Phase::SAMPLE_SELECTION];
const SAMPLES: Phase = Phase::SAMPLE_SELECTION;
const OBSERVATIONS: Phase = Phase::OBSERVATION_MANAGEMENT;
const REPORT: Phase = Phase::FINALIZE_TEST_REPORT;
const OWNERS: i32 = 5;

/// One more approved version in a phase, with an item that has this number.
async fn approve_one(stage: &Stage, phase: Phase, number: u32) -> wire::Version {
    let here = stage.in_phase(phase);
    let items = build::items(phase, number..number + 1);
    let draft = if stage.tester.versions(&here).await.is_empty() {
        stage.tester.create(&here, items).await.unwrap()
    } else {
        stage.tester.revise(&here, items).await.unwrap()
    };
    finish(stage, &draft).await
}

/// Has a draft submitted, ruled on and approved.
async fn finish(stage: &Stage, draft: &wire::Version) -> wire::Version {
    let submitted = stage.tester.submit(draft).await.unwrap();
    let planning = submitted.scope.as_ref().unwrap().phase == Phase::PLANNING.number();
    let approver = if planning { &stage.lead } else { &stage.owner };
    if submitted.counts.unwrap().pending > 0 {
        approver.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    }
    approver.approve(&submitted).await.unwrap()
}

/// Phases 1 to 4, each approved, and sealed by the one after it.
async fn up_to_samples() -> Stage {
    let stage = Stage::of(Phase::PLANNING).await;
    approve_one(&stage, Phase::PLANNING, 0).await;
    for pair in FULL.windows(2) {
        stage.open_on(pair[0], pair[1]).await;
        approve_one(&stage, pair[1], 0).await;
    }
    stage
}

/// All phases of this service, the last one open on the others: phases 5 to 7 are kept elsewhere.
async fn up_to_the_report() -> Stage {
    let stage = up_to_samples().await;
    stage.seal(&[SAMPLES.number()], OWNERS, 3).await.unwrap();
    stage.gateway.clone().open_phase(stage.workflow, OBSERVATIONS).await;
    approve_one(&stage, OBSERVATIONS, 1).await;
    open_the_report(&stage).await;
    stage
}

/// Opens or reaffirms the last phase.
async fn open_the_report(stage: &Stage) -> shared::PhaseStatus {
    let here = stage.in_phase(REPORT);
    let attempt = stage.begin_again(&here).await.unwrap();
    let sealed = stage.seal_covering(attempt, vec![]).await.unwrap();
    assert_eq!(sealed.unmet, []);
    let elsewhere = |phase| Foundation { phase, ..Default::default() };
    let rests_on = [5, 6, 7].map(elsewhere).into_iter().chain(sealed.rests_on).collect();
    stage.open(&here, attempt, rests_on).await.unwrap()
}

fn closed<T: std::fmt::Debug>(answer: Result<T, tonic::Status>, reason: ErrorReason) -> String {
    refusal(answer, Code::FailedPrecondition, reason).message().to_owned()
}

#[tokio::test]
async fn a_phase_is_reopened_changed_and_what_rests_on_it_reaffirmed() {
    let stage = up_to_the_report().await;
    let samples = stage.in_phase(SAMPLES);
    let (observations, report) = (stage.in_phase(OBSERVATIONS), stage.in_phase(REPORT));
    let before = stage.tester.status(&samples).await;
    assert_eq!(before.holders, [Holder { phase: OWNERS, attempt: 3 }]);
    let told = closed(stage.tester.revise(&samples, vec![]).await, ErrorReason::PhaseSealed);
    assert!(told.contains("Data Owner ID rests on it: reopen it first"), "{told}");

    // The mark: neither changes nor new seals, and the old ones stay.
    let reopening = stage.begin_reopen(&samples).await.unwrap();
    let marked = stage.tester.status(&samples).await;
    assert_eq!((reopening, marked.reopening, &marked.holders), (1, 1, &before.holders));
    assert_eq!(marked.state(), PhaseState::InProgress);
    closed(stage.tester.revise(&samples, vec![]).await, ErrorReason::PhaseReopening);
    let refused = stage.seal(&[SAMPLES.number()], OWNERS, 4).await.unwrap();
    let what = "Sample Selection is being reopened: wait until that is done";
    assert_eq!((refused.rests_on.len(), refused.unmet[0].what.as_str()), (0, what));

    // Everything downstream is stale.
    stage.mark_downstream(SAMPLES, reopening).await;
    for here in [&observations, &report] {
        let status = stage.tester.status(here).await;
        assert_eq!((status.stale, status.state()), (true, PhaseState::InProgress));
    }
    let told = closed(stage.tester.create(&report, vec![]).await, ErrorReason::PhaseStale);
    assert!(told.contains("since Sample Selection was reopened: reaffirm it first"), "{told}");
    let begun = stage.begin(&report).await;
    closed(begun, ErrorReason::PhaseStale);

    // The end: nobody holds it, and it changes.
    let free = stage.finish_reopen(&samples, reopening).await;
    assert_eq!((free.reopening, free.holders.len(), free.stale), (0, 0, false));
    approve_one(&stage, SAMPLES, 7).await;

    // Observation Management is mended, reaffirmed, and rested on again.
    let attempt = 1;
    closed(stage.tester.revise(&observations, vec![]).await, ErrorReason::PhaseSealed);
    assert!(stage.fence(&report, attempt).await, "the report is stale: its hold is dead");
    stage.release(&observations, REPORT.number(), attempt).await;
    let draft = stage.tester.revise(&observations, vec![]).await.unwrap();
    let adding = stage.tester.add(&draft, build::items(OBSERVATIONS, 2..3)).await;
    closed(adding, ErrorReason::PhaseStale);
    let attempt = stage.begin_again(&observations).await.unwrap();
    let reaffirmed = stage.open(&observations, attempt, vec![]).await.unwrap();
    assert_eq!((reaffirmed.stale, reaffirmed.state()), (false, PhaseState::InProgress));
    let attempt = stage.begin_again(&report).await.unwrap();
    let open = stage.seal_covering(attempt, vec![]).await.unwrap();
    assert_eq!(open.unmet[0].subject, draft.version_id, "its draft is open");
    finish(&stage, &draft).await;
    let again = open_the_report(&stage).await;
    assert_eq!((again.stale, again.state()), (false, PhaseState::InProgress));
    stage.tester.create(&report, vec![]).await.unwrap();
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn after_the_first_phase_was_reopened_the_others_are_reaffirmed_in_their_order() {
    let stage = up_to_samples().await;
    stage.reopen(Phase::PLANNING).await;
    for pair in FULL.windows(2) {
        let status = stage.tester.status(&stage.in_phase(pair[1])).await;
        assert!(status.stale, "phase {}", status.phase);
        assert!(status.unmet[0].what.contains("is stale since Planning was reopened"));
    }
    let planned = approve_one(&stage, Phase::PLANNING, 1).await;

    // Scoping first: what it rests on is stale itself.
    let scoping = stage.in_phase(Phase::SCOPING);
    let attempt = stage.begin_again(&scoping).await.unwrap();
    let refused = stage.seal(&[2], 3, attempt).await.unwrap();
    assert!(refused.unmet[0].what.contains("reaffirm it"), "{:?}", refused.unmet);
    for pair in FULL.windows(2) {
        let reaffirmed = stage.open_on(pair[0], pair[1]).await;
        assert_eq!((reaffirmed.stale, reaffirmed.unmet.len()), (false, 0));
    }
    let profiling = stage.tester.status(&stage.in_phase(Phase::DATA_PROFILING)).await;
    assert_eq!(profiling.state(), PhaseState::Sealed);
    assert_eq!(profiling.rests_on[0].version_id, planned.version_id, "on what is there now");
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn whoever_meets_a_mark_finishes_it_and_crossing_calls_change_nothing() {
    let stage = up_to_samples().await;
    let scoping = stage.in_phase(Phase::SCOPING);
    // Two at once: the same reopening.
    assert_eq!(stage.begin_reopen(&scoping).await.unwrap(), 1);
    assert_eq!(stage.begin_reopen(&scoping).await.unwrap(), 1);
    for never in [2, i64::MAX] {
        let status = stage.finish_reopen(&scoping, never).await;
        assert_eq!((status.reopening, status.holders.len()), (1, 1), "another reopening");
    }
    stage.mark_downstream(Phase::SCOPING, 1).await;
    stage.mark_downstream(Phase::SCOPING, 1).await;
    stage.finish_reopen(&scoping, 1).await;
    stage.open_on(Phase::SCOPING, SAMPLES).await;
    // The other one, late: everything is over.
    let late = stage.mark_stale(&stage.in_phase(SAMPLES), Phase::SCOPING, 1).await.unwrap();
    assert!(!late.stale, "it was reaffirmed since, and what rests on it would not be marked");
    let kept = stage.finish_reopen(&scoping, 1).await;
    assert_eq!(kept.holders.len(), 1, "a hold of a later attempt stays");
    // The next reopening has the next number.
    assert_eq!(stage.reopen(Phase::SCOPING).await, 2);
    assert!(stage.tester.status(&stage.in_phase(SAMPLES)).await.stale);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn a_reopening_that_is_under_way_is_joined_also_by_another_replica() {
    let stage = up_to_samples().await;
    let scoping = stage.in_phase(Phase::SCOPING);
    stage.begin_reopen(&scoping).await.unwrap();
    // Whoever began it is gone; so is everything that its process knew.
    let (address, shutdown) = stage.world.replica().await;
    let channel = world::connect(address).await;
    let key = &stage.world.key;
    let tester = Person::new(key, channel, 10, Some(stage.workflow), &[Role::Tester]);
    closed(tester.revise(&scoping, vec![]).await, ErrorReason::PhaseReopening);
    assert_eq!(tester.status(&scoping).await.reopening, 1);
    shutdown.cancel();
    // Upstream, another one begins meanwhile: the mark stays, though the phase is stale now.
    stage.reopen(Phase::PLANNING).await;
    let status = stage.tester.status(&scoping).await;
    assert_eq!((status.stale, status.reopening), (true, 1));
    assert_eq!(stage.begin_reopen(&scoping).await.unwrap(), 1);
    stage.mark_downstream(Phase::SCOPING, 1).await;
    let status = stage.finish_reopen(&scoping, 1).await;
    assert_eq!((status.stale, status.reopening), (true, 0));
    stage.tester.revise(&scoping, vec![]).await.unwrap();
}

#[tokio::test]
async fn only_what_was_opened_or_is_held_and_is_not_stale_is_reopened() {
    let stage = Stage::closed(Phase::PLANNING).await;
    closed(stage.begin_reopen(&stage.here).await, ErrorReason::PhaseNotStarted);
    stage.begin(&stage.here).await.unwrap();
    closed(stage.begin_reopen(&stage.here).await, ErrorReason::PhaseNotStarted);
    let stage = up_to_samples().await;
    stage.reopen(Phase::PLANNING).await;
    let told =
        closed(stage.begin_reopen(&stage.in_phase(Phase::SCOPING)).await, ErrorReason::PhaseStale);
    assert!(told.contains("since Planning was reopened"), "{told}");
    // What is open and held by nobody may be reopened: there is nothing to lift.
    assert_eq!(stage.reopen(Phase::PLANNING).await, 2);
}

#[tokio::test]
async fn a_mark_ends_the_attempt_that_is_under_way_and_leaves_unopened_what_was_not_opened() {
    let stage = up_to_samples().await;
    stage.reopen(SAMPLES).await;
    let observations = stage.in_phase(OBSERVATIONS);
    let status = stage.tester.status(&observations).await;
    assert_eq!((status.stale, status.attempt), (false, 1));
    assert_eq!(status.state(), PhaseState::NotStarted);
    let attempt = stage.begin(&observations).await.unwrap();
    let reopening = stage.begin_reopen(&stage.in_phase(SAMPLES)).await.unwrap();
    stage.mark_downstream(SAMPLES, reopening).await;
    let late = stage.open(&observations, attempt, vec![]).await;
    closed(late, ErrorReason::AttemptSuperseded);
}

#[tokio::test]
async fn no_change_but_a_revision_is_made_in_a_stale_phase() {
    let stage = up_to_samples().await;
    let samples = stage.in_phase(SAMPLES);
    let approved = stage.tester.current(&samples).await.unwrap();
    let decision = stage.tester.decisions(&approved).await.remove(0);
    stage.reopen(Phase::SCOPING).await;
    let draft = stage.tester.revise(&samples, build::inputs(9..10)).await.unwrap();
    let reviews = vec![signoff_tests::acts::approved(&decision)];
    let payload = build::sample("S-000000", "x");
    let answers = [
        stage.tester.create(&samples, vec![]).await.map(drop),
        stage.tester.add(&draft, build::inputs(11..12)).await.map(drop),
        stage.tester.edit(&draft, &decision, payload, "x").await.map(drop),
        stage.tester.remove(&draft, &[&decision], "x").await.map(drop),
        stage.tester.submit(&draft).await.map(drop),
        stage.tester.withdraw(&draft).await.map(drop),
        stage.owner.rule(&draft, reviews).await.map(drop),
        stage.tester.confirm(&draft, &[&decision]).await.map(drop),
        stage.owner.approve(&draft).await.map(drop),
        stage.owner.reject(&draft, "x").await.map(drop),
        stage.tester.delete(&draft, "x").await.map(drop),
    ];
    for answer in answers {
        closed(answer, ErrorReason::PhaseStale);
    }
    // It need not be complete to be reaffirmed.
    stage.open_on(Phase::SCOPING, SAMPLES).await;
    finish(&stage, &draft).await;
    assert_eq!(stage.tester.status(&samples).await.state(), PhaseState::Complete);
}

#[tokio::test]
async fn a_reopening_is_in_the_trail_with_its_reason() {
    let stage = up_to_samples().await;
    let from = stage.tester.trail_of(stage.workflow).await.len();
    stage.reopen(Phase::SCOPING).await;
    let trail = stage.tester.trail_of(stage.workflow).await;
    let said = |record: &TrailRecord| (record.action.clone(), record.phase, record.reason.clone());
    let expected = [
        ("phase.reopen_begun", 3, "an attribute was forgotten"),
        ("phase.marked_stale", 4, ""),
        ("phase.marked_stale", 9, ""),
        ("phase.marked_stale", 8, ""),
        ("phase.reopened", 3, ""),
    ]
    .map(|(action, phase, reason)| (action.to_owned(), phase, reason.to_owned()));
    assert_eq!(trail[from..].iter().map(said).collect::<Vec<_>>(), expected);
    // Joining a reopening adds no record.
    stage.begin_reopen(&stage.in_phase(Phase::SCOPING)).await.unwrap();
    stage.begin_reopen(&stage.in_phase(Phase::SCOPING)).await.unwrap();
    assert_eq!(stage.tester.trail_of(stage.workflow).await.len(), from + 6);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}
