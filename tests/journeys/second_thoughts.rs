//! Minds that change: what two agreed on, one does not undo; what was said stays readable.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::people::request_id;
use signoff_tests::refusals::refusal;
use signoff_tests::{Stage, build};
use signoff_workflow::{Phase, Role};
use tonic::Code;
use wire::{Decision, DecisionState, Verdict, Version};

const KEY: &str = "S-000000";

/// A submitted second version that carries a change of the report owner's, which a tester confirmed.
async fn carried_change() -> (Stage, Version, Decision) {
    let stage = Stage::samples().await;
    let first = stage.submitted(1).await;
    let decision = stage.tester.decision(&first, KEY).await;
    let change = modified(&decision, build::sample(KEY, "agreed"), "typo");
    stage.owner.rule(&first, vec![change]).await.unwrap();
    stage.tester.confirm(&first, &[&decision]).await.unwrap();
    stage.owner.approve(&first).await.unwrap();
    let second = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    stage.tester.submit(&second).await.unwrap();
    let decision = stage.tester.decision(&second, KEY).await;
    (stage, second, decision)
}

#[tokio::test]
async fn approving_after_a_rejection_brings_the_confirmed_change_back() {
    let (stage, version, decision) = carried_change().await;
    stage.owner.rule(&version, vec![rejected(&decision, "by mistake")]).await.unwrap();
    let counts =
        stage.owner.rule(&version, vec![approved(&decision)]).await.unwrap().counts.unwrap();
    assert_eq!((counts.modified, counts.unconfirmed, counts.approved), (1, 0, 0));
    let now = stage.tester.decision(&version, KEY).await;
    assert_eq!(now.state(), DecisionState::Modified);
    assert_eq!(now.effective_payload, Some(build::sample(KEY, "agreed")));
    assert_eq!(now.confirmed_by, 10);
}

#[tokio::test]
async fn taking_a_second_change_back_keeps_the_confirmed_first() {
    let (stage, version, decision) = carried_change().await;
    let again = modified(&decision, build::sample(KEY, "alone"), "a digit");
    stage.owner.rule(&version, vec![again]).await.unwrap();
    stage.owner.rule(&version, vec![approved(&decision)]).await.unwrap();
    let now = stage.tester.decision(&version, KEY).await;
    assert_eq!(now.effective_payload, Some(build::sample(KEY, "agreed")));
    stage.owner.approve(&version).await.unwrap();
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn an_edit_ends_what_was_agreed_on_the_content_before() {
    let (stage, version, decision) = carried_change().await;
    stage.tester.withdraw(&version).await.unwrap();
    let edit = build::sample(KEY, "edited");
    stage.tester.edit(&version, &decision, edit.clone(), "a new month").await.unwrap();
    stage.tester.submit(&version).await.unwrap();
    stage.owner.rule(&version, vec![rejected(&decision, "no")]).await.unwrap();
    stage.owner.rule(&version, vec![approved(&decision)]).await.unwrap();
    let now = stage.tester.decision(&version, KEY).await;
    assert_eq!((now.state(), now.effective_payload), (DecisionState::Approved, Some(edit)));
}

#[tokio::test]
async fn what_a_reviewer_said_stays_readable_when_it_is_replaced() {
    let stage = Stage::samples().await;
    let version = stage.submitted(1).await;
    let decision = stage.tester.decision(&version, KEY).await;
    stage.owner.rule(&version, vec![rejected(&decision, "not of this period")]).await.unwrap();
    stage.tester.withdraw(&version).await.unwrap();
    stage.tester.edit(&version, &decision, build::sample(KEY, "better"), "as asked").await.unwrap();
    stage.tester.submit(&version).await.unwrap();
    stage.owner.rule(&version, vec![approved(&decision)]).await.unwrap();

    let request = wire::GetLineageRequest {
        scope: Some(stage.here.clone()),
        decision_id: decision.decision_id,
        ..Default::default()
    };
    let rulings = stage.tester.call(request).await.unwrap().rulings;
    let said: Vec<_> = rulings
        .iter()
        .map(|one| (one.state(), one.notes.as_str(), one.replaced_in_version_number))
        .collect();
    assert_eq!(
        said,
        [(DecisionState::Approved, "", 0), (DecisionState::Rejected, "not of this period", 1)]
    );
    assert_eq!(rulings[1].decided_by, 20);
}

#[tokio::test]
async fn whoever_ever_submitted_a_version_does_not_approve_it() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let both = stage.person(31, &[Role::Tester, Role::ReportOwner]);
    both.submit(&draft).await.unwrap();
    stage.lead.withdraw(&draft).await.unwrap();
    stage.lead.submit(&draft).await.unwrap();
    stage.owner.rule_rest(&draft, Verdict::Approved).await.unwrap();
    refusal(both.approve(&draft).await, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    stage.owner.approve(&draft).await.unwrap();
}

#[tokio::test]
async fn in_planning_whoever_put_something_forward_approves_it_as_its_maker() {
    let stage = Stage::of(Phase::PLANNING).await;
    let draft = stage.lead.create(&stage.here, vec![]).await.unwrap();
    stage.tester.add(&draft, vec![build::item(Phase::PLANNING, 0)]).await.unwrap();
    stage.lead.submit(&draft).await.unwrap();
    stage.tester.rule_rest(&draft, Verdict::Approved).await.unwrap();
    assert!(stage.tester.approve(&draft).await.unwrap().self_approved);
}

#[tokio::test]
async fn a_tester_changes_nothing_by_a_review_that_is_the_approvers() {
    let stage = Stage::of(Phase::SCOPING).await;
    let version = stage.submitted(1).await;
    stage.owner.rule_rest(&version, Verdict::Approved).await.unwrap();
    let before = stage.tester.get(&version).await.unwrap();
    let refused = stage.tester.rule_rest(&version, Verdict::Approved).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    // The approver's own, with nothing left to rule on, changes nothing either.
    let again = stage.owner.rule_rest(&version, Verdict::Approved).await.unwrap();
    assert_eq!(again, before);
    assert_eq!(stage.tester.get(&version).await.unwrap(), before);
}

#[tokio::test]
async fn a_history_has_only_what_led_there() {
    let stage = Stage::of(Phase::PLANNING).await;
    let first = stage.approved(1).await;
    let key = build::key(Phase::PLANNING, 0);
    let change = |draft: Version, content: &'static str, reason: &'static str| {
        let (stage, key) = (&stage, &key);
        async move {
            let carried = stage.tester.decision(&draft, key).await;
            let payload = build::attribute(key, content);
            stage.tester.edit(&draft, &carried, payload, reason).await.unwrap()
        }
    };
    let given_up = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    change(given_up.clone(), "wrong", "given up").await;
    stage.tester.delete(&given_up, "a wrong way").await.unwrap();
    let third = stage.tester.revise_from(&first, vec![]).await.unwrap();
    let decision = change(third.clone(), "right", "kept").await;
    let Some(wire::payload::Kind::AttributeDecision(attribute)) = decision.payload.unwrap().kind
    else {
        panic!("an attribute")
    };
    let reasons: Vec<_> =
        attribute.modification_history.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["kept"]);
}

#[tokio::test]
async fn an_attempt_that_was_never_given_out_cannot_be_fenced() {
    let stage = Stage::closed(Phase::PLANNING).await;
    let fence = wire::FenceRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        attempt: i64::MAX,
    };
    let refused = stage.gateway.call(fence).await;
    refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(stage.begin(&stage.here).await.unwrap(), 1);
}
