//! Which test executions are covered when Observation Management is sealed or its status told, and
//! sealing it though it was never started.

use shared::{ErrorReason, Holder, PhaseState};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::refusals::refusal;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;
use wire::{Severity, Verdict};

use crate::observations::accepted;

const HERE: Phase = Phase::OBSERVATION_MANAGEMENT;
const REPORT: i32 = 9;

/// Executions that nobody looks up: a seal does not.
fn elsewhere(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(build::execution_id).collect()
}

/// What a seal says is missing, for these executions. The status says the same.
async fn unmet(stage: &Stage, executions: Vec<String>) -> Vec<shared::Unmet> {
    let told = stage.tester.status_covering(&stage.here, executions.clone()).await;
    let sealed = stage.seal_covering(1, executions).await.unwrap();
    assert_eq!(told.unmet, sealed.unmet);
    assert_eq!(sealed.rests_on.is_empty(), !sealed.unmet.is_empty());
    if sealed.unmet.is_empty() {
        stage.release(&stage.here, REPORT, 1).await;
    }
    sealed.unmet
}

/// Which of these executions are not covered.
async fn uncovered(stage: &Stage, executions: Vec<String>) -> Vec<String> {
    unmet(stage, executions).await.into_iter().map(|one| one.subject).collect()
}

#[tokio::test]
async fn where_every_test_passed_the_phase_is_sealed_unopened() {
    let stage = Stage::closed(HERE).await;
    let state = async || stage.tester.status(&stage.here).await.state();
    let new = stage.tester.status(&stage.here).await;
    assert_eq!((new.state(), new.unmet.len()), (PhaseState::NotStarted, 1));
    let sealed = stage.seal_covering(1, vec![]).await.unwrap();
    assert_eq!((sealed.unmet.len(), sealed.rests_on[0].phase), (0, HERE.number()));
    assert_eq!(sealed.rests_on[0].version_id, "");
    assert!(sealed.rests_on[0].trail_head.is_some());
    let held = stage.tester.status(&stage.here).await;
    assert_eq!((held.state(), held.unmet.len()), (PhaseState::Sealed, 0));
    assert_eq!(held.holders, [Holder { phase: REPORT, attempt: 1 }]);

    // Who rests on it rests on nothing having been observed: it is not opened.
    let begun = stage.begin(&stage.here).await;
    let status = refusal(begun, Code::FailedPrecondition, ErrorReason::PhaseSealed);
    assert!(status.message().contains("Finalize Test Report rests on it"), "{status:?}");
    let created = stage.tester.create(&stage.here, vec![]).await;
    refusal(created, Code::FailedPrecondition, ErrorReason::PhaseNotStarted);
    stage.release(&stage.here, REPORT, 1).await;
    assert_eq!(state().await, PhaseState::NotStarted);
    let attempt = stage.begin(&stage.here).await.unwrap();
    stage.seal_covering(2, vec![]).await.unwrap();
    let late = stage.open(&stage.here, attempt, vec![]).await;
    refusal(late, Code::FailedPrecondition, ErrorReason::PhaseSealed);

    // Reopened, it is held by nobody, and opens.
    let reopening = stage.reopen(HERE).await;
    assert_eq!(reopening, 1);
    let attempt = stage.begin(&stage.here).await.unwrap();
    stage.open(&stage.here, attempt, vec![]).await.unwrap();
    stage.draft(1).await;
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn what_is_not_covered_is_named_with_what_to_do() {
    let stage = Stage::closed(HERE).await;
    let missing = unmet(&stage, [elsewhere(2..3), elsewhere(1..2)].concat()).await;
    assert_eq!(missing.len(), 2);
    assert_eq!((missing[0].phase, &missing[0].subject), (HERE.number(), &build::execution_id(2)));
    let what = &missing[1].what;
    assert!(what.contains(&build::execution_id(1)) && what.contains("approved"), "{what}");
    assert!(stage.tester.trail_of(stage.workflow).await.is_empty(), "nothing was sealed");
    let many = unmet(&stage, elsewhere(0..1_500)).await;
    assert_eq!(many.len(), 1_001);
    assert_eq!(many[1_000].what, "500 more test executions have no observation");
}

#[tokio::test]
async fn the_state_is_told_as_far_as_the_service_knows() {
    let stage = Stage::closed(HERE).await;
    let status = async || {
        let status = stage.tester.status(&stage.here).await;
        (status.state(), status.unmet.len(), status.completed_at.is_some())
    };
    stage.gateway.clone().open_phase(stage.workflow, HERE).await;
    assert_eq!(status().await, (PhaseState::InProgress, 1, false), "nothing was closed yet");
    let submitted = stage.submitted(1).await;
    assert_eq!(status().await, (PhaseState::InProgress, 2, false));
    let rejected = stage.owner.reject(&submitted, "no").await.unwrap();
    assert_eq!(status().await, (PhaseState::Complete, 0, false), "closed, and nothing open");
    stage.tester.delete(&rejected, "by mistake").await.unwrap();
    assert_eq!(status().await, (PhaseState::InProgress, 1, false));
    let submitted = stage.submitted(1).await;
    stage.approve_all(&submitted).await;
    assert_eq!(status().await, (PhaseState::Complete, 0, true));
    stage.seal_covering(1, vec![]).await.unwrap();
    assert_eq!(status().await, (PhaseState::Sealed, 0, true));
    let revised = stage.tester.revise(&stage.here, vec![]).await;
    refusal(revised, Code::FailedPrecondition, ErrorReason::PhaseSealed);
}

#[tokio::test]
async fn the_state_is_told_as_it_is_to_one_who_knows_what_must_be_covered() {
    let stage = Stage::closed(HERE).await;
    let status = async |required: &[String]| {
        let status = stage.tester.status_covering(&stage.here, required.to_vec()).await;
        (status.state(), status.unmet.len(), status.completed_at.is_some())
    };
    let (nothing, never) = ([], elsewhere(1..3));
    assert_eq!(status(&nothing).await, (PhaseState::Complete, 0, false), "nothing is left to do");
    assert_eq!(status(&never).await, (PhaseState::NotStarted, 2, false));
    let stage = Stage::of(HERE).await;
    let status = async |required: &[String]| {
        let status = stage.tester.status_covering(&stage.here, required.to_vec()).await;
        (status.state(), status.unmet.len(), status.completed_at.is_some())
    };
    let tested = stage.tested(2, 0).await.concluded;
    assert_eq!(status(&nothing).await, (PhaseState::Complete, 0, false));
    assert_eq!(status(&tested).await, (PhaseState::InProgress, 2, false));
    let items = vec![build::observed("a", &tested[..1])];
    let draft = stage.tester.create(&stage.here, items).await.unwrap();
    assert_eq!(status(&nothing).await, (PhaseState::InProgress, 1, false), "a version is open");
    let submitted = stage.tester.submit(&draft).await.unwrap();
    stage.approve_all(&submitted).await;
    assert_eq!(status(&tested[..1]).await, (PhaseState::Complete, 0, true));
    assert_eq!(status(&tested).await, (PhaseState::InProgress, 1, false));
    let told = stage.tester.status_covering(&stage.here, tested.clone()).await;
    assert_eq!((&told.unmet[0].subject, told.unmet[0].of_gate), (&tested[1], false));
    stage.seal_covering(1, tested[..1].to_vec()).await.unwrap();
    assert_eq!(status(&tested[..1]).await, (PhaseState::Sealed, 0, true));
    assert_eq!(status(&tested).await, (PhaseState::InProgress, 1, false), "it was sealed on less");
}

#[tokio::test]
async fn approved_changed_and_accepted_observations_cover_once_their_version_is_closed() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(9, 0).await;
    let items = vec![
        build::observed("approved", &tested.these(&[1, 2])),
        build::observed("changed", &tested.these(&[3, 4])),
        build::observed("accepted", &tested.these(&[5])),
        build::observed("rejected", &tested.these(&[6])),
    ];
    let draft = stage.tester.create(&stage.here, items).await.unwrap();
    let all = [1, 2, 3, 4, 5, 6, 7, 8];
    let open = unmet(&stage, tested.these(&all)).await;
    assert_eq!(open.len(), 9, "a draft covers nothing, and is open");
    assert_eq!(open[0].subject, draft.version_id);

    let submitted = stage.tester.submit(&draft).await.unwrap();
    let decisions = stage.tester.decisions(&submitted).await;
    let changed = build::finding(&tested.these(&[3, 7]), Severity::Low);
    let reviews = vec![
        approved(&decisions[0]),
        modified(&decisions[1], changed, "another test showed it"),
        accepted(&decisions[2], "a known limitation"),
        rejected(&decisions[3], "say more"),
    ];
    stage.owner.rule(&submitted, reviews).await.unwrap();
    stage.tester.confirm(&submitted, &[&decisions[1]]).await.unwrap();
    assert_eq!(
        uncovered(&stage, tested.these(&all)).await.len(),
        9,
        "a submitted version covers nothing"
    );
    let approved = stage.owner.approve(&submitted).await.unwrap();
    assert_eq!(uncovered(&stage, tested.these(&all)).await, tested.these(&[4, 6, 8]));
    assert!(uncovered(&stage, tested.these(&[1, 2, 3, 5, 7])).await.is_empty());
    let sealed = stage.seal_covering(1, tested.these(&[7])).await.unwrap();
    assert_eq!(sealed.rests_on[0].version_id, approved.version_id);
}

#[tokio::test]
async fn a_rejected_version_covers_and_a_deleted_one_does_not() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(9, 0).await;
    let items = vec![
        build::observed("approved", &tested.these(&[1])),
        build::observed("accepted", &tested.these(&[2])),
        build::observed("proposed", &tested.these(&[3])),
        build::observed("pending", &tested.these(&[4])),
    ];
    let draft = stage.tester.create(&stage.here, items).await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let decisions = stage.tester.decisions(&submitted).await;
    let changed = build::finding(&tested.these(&[3]), Severity::Low);
    let reviews = vec![
        approved(&decisions[0]),
        accepted(&decisions[1], "a known limitation"),
        modified(&decisions[2], changed, "unconfirmed"),
    ];
    stage.owner.rule(&submitted, reviews).await.unwrap();
    let rejected = stage.owner.reject(&submitted, "say more").await.unwrap();
    let all = [1, 2, 3, 4];
    assert_eq!(
        uncovered(&stage, tested.these(&all)).await,
        tested.these(&[3, 4]),
        "no approved version needed"
    );
    stage.tester.delete(&rejected, "by mistake").await.unwrap();
    assert_eq!(uncovered(&stage, tested.these(&all)).await, tested.these(&all));
}

#[tokio::test]
async fn what_earlier_versions_covered_stays_covered() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(9, 0).await;
    let items = vec![
        build::observed("kept", &tested.these(&[1])),
        build::observed("removed", &tested.these(&[2])),
        build::observed("accepted", &tested.these(&[3])),
        build::observed("edited", &tested.these(&[4])),
    ];
    let draft = stage.tester.create(&stage.here, items).await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let decisions = stage.tester.decisions(&submitted).await;
    stage.owner.rule(&submitted, vec![accepted(&decisions[2], "known")]).await.unwrap();
    stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    stage.owner.reject(&submitted, "say more").await.unwrap();

    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let removed = stage.tester.decision(&draft, "removed").await;
    stage.tester.remove(&draft, &[&removed], "twice").await.unwrap();
    let edited = stage.tester.decision(&draft, "edited").await;
    let payload = build::finding(&tested.these(&[5]), Severity::Low);
    stage.tester.edit(&draft, &edited, payload, "another test").await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
    stage.owner.rule_rest(&draft, Verdict::Approved).await.unwrap();
    let all = [1, 2, 3, 4, 5];
    let open = uncovered(&stage, tested.these(&all)).await;
    assert_eq!(open, [draft.version_id.clone(), tested.concluded[5].clone()]);
    stage.owner.approve(&draft).await.unwrap();
    assert!(uncovered(&stage, tested.these(&all)).await.is_empty());

    // Without the version in which they stood, what only it covered is covered no more.
    let first = stage.tester.versions(&stage.here).await.pop().unwrap();
    stage.tester.delete(&first, "by mistake").await.unwrap();
    assert_eq!(uncovered(&stage, tested.these(&all)).await, tested.these(&[2, 3, 4]));
}

#[tokio::test]
async fn a_ruling_that_was_replaced_in_its_own_version_covers_nothing() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(9, 0).await;
    let items =
        vec![build::observed("a", &tested.these(&[1])), build::observed("b", &tested.these(&[2]))];
    let draft = stage.tester.create(&stage.here, items).await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let all = stage.tester.decisions(&submitted).await;
    let first = vec![approved(&all[0]), accepted(&all[1], "known")];
    stage.owner.rule(&submitted, first).await.unwrap();
    let then = vec![rejected(&all[0], "no"), rejected(&all[1], "no")];
    stage.owner.rule(&submitted, then).await.unwrap();
    stage.owner.reject(&submitted, "say more").await.unwrap();
    assert_eq!(uncovered(&stage, tested.these(&[1, 2])).await, tested.these(&[1, 2]));
}
