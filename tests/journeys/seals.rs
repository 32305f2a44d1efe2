//! Sealing what others rest on, and releasing it.

use shared::{ErrorReason, Holder, PhaseState};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;

const PLANNING: i32 = 1;
const PROFILING: i32 = 2;
const SCOPING: i32 = 3;

#[tokio::test]
async fn a_sealed_phase_takes_no_change_until_it_is_released() {
    let stage = Stage::of(Phase::PLANNING).await;
    let approved = stage.approved(1).await;
    let head = stage.tester.verify(stage.workflow).await.records;
    let sealed = stage.seal(&[PLANNING], PROFILING, 4).await.unwrap();
    assert_eq!(sealed.unmet, []);
    let [rests_on] = <[_; 1]>::try_from(sealed.rests_on).unwrap();
    assert_eq!((rests_on.phase, rests_on.version_id), (PLANNING, approved.version_id.clone()));
    let trail = stage.tester.trail_of(stage.workflow).await;
    let told = rests_on.trail_head.unwrap();
    assert_eq!((told.sequence, &told.hash), (head + 1, &trail.last().unwrap().hash));

    let status = stage.tester.status(&stage.here).await;
    assert_eq!(status.state(), PhaseState::Sealed);
    assert_eq!(status.holders, [Holder { phase: PROFILING, attempt: 4 }]);
    let revised = stage.tester.revise(&stage.here, vec![]).await;
    let refused = refusal(revised, Code::FailedPrecondition, ErrorReason::PhaseSealed);
    assert!(refused.message().contains("Data Profiling rests on it"), "{}", refused.message());

    let still = stage.release(&stage.here, PROFILING, 3).await;
    assert_eq!(still.state(), PhaseState::Sealed, "held by a later attempt");
    let other = stage.release(&stage.here, SCOPING, 9).await;
    assert_eq!(other.state(), PhaseState::Sealed, "held by somebody else");
    let free = stage.release(&stage.here, PROFILING, 4).await;
    assert_eq!((free.state(), free.holders.len()), (PhaseState::Complete, 0));
    stage.tester.revise(&stage.here, vec![]).await.unwrap();
}

#[tokio::test]
async fn no_method_changes_a_sealed_phase() {
    let stage = Stage::of(Phase::PLANNING).await;
    let approved = stage.approved(1).await;
    let decision = stage.tester.decisions(&approved).await.remove(0);
    stage.seal(&[PLANNING], PROFILING, 1).await.unwrap();
    let lead = &stage.lead;
    let payload = build::payload(Phase::PLANNING, 0, "x");
    let reviews = vec![signoff_tests::acts::approved(&decision)];
    let answers = [
        stage.tester.create(&stage.here, vec![]).await.map(drop),
        stage.tester.revise(&stage.here, vec![]).await.map(drop),
        stage.tester.add(&approved, build::items(Phase::PLANNING, 5..6)).await.map(drop),
        stage.tester.edit(&approved, &decision, payload, "x").await.map(drop),
        stage.tester.remove(&approved, &[&decision], "x").await.map(drop),
        stage.tester.submit(&approved).await.map(drop),
        stage.tester.withdraw(&approved).await.map(drop),
        lead.rule(&approved, reviews).await.map(drop),
        lead.confirm(&approved, &[&decision]).await.map(drop),
        lead.approve(&approved).await.map(drop),
        lead.reject(&approved, "x").await.map(drop),
        lead.delete(&approved, "x").await.map(drop),
    ];
    for answer in answers {
        refusal(answer, Code::FailedPrecondition, ErrorReason::PhaseSealed);
    }
}

#[tokio::test]
async fn a_later_attempt_takes_a_seal_over_and_an_earlier_one_does_not() {
    let stage = Stage::of(Phase::PLANNING).await;
    stage.approved(1).await;
    stage.seal(&[PLANNING], PROFILING, 2).await.unwrap();
    stage.seal(&[PLANNING], PROFILING, 3).await.unwrap();
    let late = stage.seal(&[PLANNING], PROFILING, 2).await;
    refusal(late, Code::FailedPrecondition, ErrorReason::AttemptSuperseded);
    let status = stage.tester.status(&stage.here).await;
    assert_eq!(status.holders, [Holder { phase: PROFILING, attempt: 3 }]);
}

#[tokio::test]
async fn a_phase_that_is_not_complete_says_what_to_do() {
    let stage = Stage::closed(Phase::PLANNING).await;
    let unmet = async || {
        let answer = stage.seal(&[PLANNING], PROFILING, 1).await.unwrap();
        assert_eq!(answer.rests_on.is_empty(), !answer.unmet.is_empty());
        let told = stage.tester.status(&stage.here).await.unmet;
        assert_eq!(told, answer.unmet, "the phase's status says the same");
        answer.unmet.into_iter().map(|one| (one.phase, one.subject, one.what)).collect::<Vec<_>>()
    };
    let said = |subject: &str, what: &str| (PLANNING, subject.to_owned(), what.to_owned());
    let none = said("planning", "Planning has no approved version: approve one");
    assert_eq!(
        unmet().await,
        [said("planning", "Planning was not started: start it"), none.clone()]
    );

    stage.gateway.clone().open_phase(stage.workflow, Phase::PLANNING).await;
    assert_eq!(unmet().await, std::slice::from_ref(&none));
    let draft = stage.draft(1).await;
    let open = "version 1 of Planning is draft: approve, reject or delete it";
    assert_eq!(unmet().await, [said(&draft.version_id, open), none]);
    let submitted = stage.tester.submit(&draft).await.unwrap();
    stage.approve_all(&submitted).await;
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let open = "version 2 of Planning is draft: approve, reject or delete it";
    assert_eq!(unmet().await, [said(&draft.version_id, open)]);
    stage.tester.delete(&draft, "not now").await.unwrap();
    assert_eq!(unmet().await, []);
}

#[tokio::test]
async fn several_phases_are_sealed_together_or_not_at_all() {
    let stage = Stage::of(Phase::PLANNING).await;
    stage.approved(1).await;
    let wrong = stage.seal(&[PLANNING, PROFILING], SCOPING, 1).await;
    let status = refusal(wrong, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["holder"], "Scoping does not rest on Planning");
    let twice = stage.seal(&[PLANNING, PLANNING], PROFILING, 1).await;
    let status = refusal(twice, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["phases[1]"]);
    assert_eq!(stage.tester.status(&stage.here).await.state(), PhaseState::Complete);
}

#[tokio::test]
async fn an_incomplete_phase_can_be_asked_again_with_the_same_request() {
    let stage = Stage::of(Phase::PLANNING).await;
    let request = wire::SealRequest {
        scope: Some(stage.here.clone()),
        holder: PROFILING,
        attempt: 1,
        request_id: request_id(),
        ..Default::default()
    };
    assert_eq!(stage.gateway.call(request.clone()).await.unwrap().unmet.len(), 1);
    stage.approved(1).await;
    assert_eq!(stage.gateway.call(request).await.unwrap().unmet, []);
}

/// Planning, approved and sealed by Data Profiling, which is open on it.
async fn resting() -> Stage {
    let stage = Stage::of(Phase::PLANNING).await;
    stage.approved(1).await;
    let profiling = stage.in_phase(Phase::DATA_PROFILING);
    let attempt = stage.begin(&profiling).await.unwrap();
    let sealed = stage.seal(&[PLANNING], PROFILING, attempt).await.unwrap();
    stage.open(&profiling, attempt, sealed.rests_on).await.unwrap();
    stage
}

#[tokio::test]
async fn the_hold_of_an_open_phase_is_not_lifted() {
    let stage = resting().await;
    for up_to_attempt in [1, 99] {
        let (scope, request_id) = (Some(stage.here.clone()), request_id());
        let holder = PROFILING;
        let release = wire::ReleaseSealRequest { scope, holder, up_to_attempt, request_id };
        let refused = stage.gateway.call(release).await;
        refusal(refused, Code::FailedPrecondition, ErrorReason::PhaseSealed);
    }
    assert_eq!(stage.tester.status(&stage.here).await.state(), PhaseState::Sealed);
}

#[tokio::test]
async fn a_seal_is_for_the_holders_current_attempt() {
    let stage = Stage::of(Phase::PLANNING).await;
    stage.approved(1).await;
    let profiling = stage.in_phase(Phase::DATA_PROFILING);
    assert_eq!(stage.begin(&profiling).await.unwrap(), 1);
    assert_eq!(stage.begin(&profiling).await.unwrap(), 2);
    for other in [1, 3, i64::MAX] {
        let refused = stage.seal(&[PLANNING], PROFILING, other).await;
        refusal(refused, Code::FailedPrecondition, ErrorReason::AttemptSuperseded);
    }
    stage.seal(&[PLANNING], PROFILING, 2).await.unwrap();
}
