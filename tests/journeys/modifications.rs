//! Rule 11: "accepted as changed by me", and the tester's confirmation.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::reads::when;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::{Stage, build};
use signoff_workflow::{Phase, Role};
use tonic::Code;
use wire::{Decision, DecisionState, RecommendationSource, Verdict, Version};

const KEY: &str = "S-000000";

/// A submitted version of two items, of which the report owner changed one and approved one.
async fn changed() -> (Stage, Version, Decision) {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    let decision = stage.tester.decision(&submitted, KEY).await;
    let mut change = modified(&decision, build::sample(KEY, "as changed"), "typo");
    change.notes = "see the ledger".to_owned();
    stage.owner.rule(&submitted, vec![change]).await.unwrap();
    let version = stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    let decision = stage.tester.decision(&version, KEY).await;
    (stage, version, decision)
}

#[tokio::test]
async fn a_change_is_kept_beside_the_original() {
    let (_, version, decision) = changed().await;
    assert_eq!(decision.state(), DecisionState::Modified);
    assert_eq!(decision.payload, Some(build::sample(KEY, "as drawn")));
    assert_eq!(decision.modified_payload, Some(build::sample(KEY, "as changed")));
    assert_eq!(decision.effective_payload, decision.modified_payload);
    assert_eq!(
        (decision.modification_reason.as_str(), decision.notes.as_str()),
        ("typo", "see the ledger")
    );
    assert_eq!((decision.decided_by, decision.confirmed_by, decision.confirmed_at), (20, 0, None));
    let counts = version.counts.unwrap();
    assert_eq!(
        (counts.modified, counts.unconfirmed, counts.approved, counts.pending),
        (1, 1, 1, 0)
    );
}

#[tokio::test]
async fn an_unconfirmed_change_blocks_approval_as_a_pending_decision_does() {
    let (stage, version, decision) = changed().await;
    let status = refusal(
        stage.owner.approve(&version).await,
        Code::FailedPrecondition,
        ErrorReason::DecisionsPending,
    );
    assert!(status.message().contains("1 modifications"), "{}", status.message());
    stage.tester.confirm(&version, &[&decision]).await.unwrap();
    stage.owner.approve(&version).await.unwrap();
}

#[tokio::test]
async fn a_confirmed_change_counts_as_approved_and_is_carried() {
    let (stage, version, decision) = changed().await;
    let confirmed = stage.tester.confirm(&version, &[&decision]).await.unwrap();
    let counts = confirmed.counts.unwrap();
    assert_eq!((counts.modified, counts.unconfirmed), (1, 0));
    let now = stage.tester.decision(&confirmed, KEY).await;
    assert_eq!((now.confirmed_by, now.decided_by), (10, 20));
    assert!(when(now.confirmed_at) >= when(now.decided_at));
    assert_eq!(now.notes, "see the ledger");
    stage.owner.approve(&version).await.unwrap();

    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let counts = draft.counts.unwrap();
    assert_eq!((counts.total, counts.carried, counts.modified, counts.unconfirmed), (2, 2, 1, 0));
    let carried = stage.tester.decision(&draft, KEY).await;
    assert_eq!(carried.state(), DecisionState::Modified);
    assert_eq!(carried.source(), RecommendationSource::CarriedForward);
    assert_eq!(carried.payload, Some(build::sample(KEY, "as drawn")));
    assert_eq!(carried.effective_payload, Some(build::sample(KEY, "as changed")));
    assert_eq!((carried.confirmed_by, carried.decided_by), (10, 20));
}

#[tokio::test]
async fn an_unconfirmed_change_is_not_carried() {
    let (stage, version, _) = changed().await;
    stage.owner.reject(&version, "no time").await.unwrap();
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let keys: Vec<_> =
        stage.tester.decisions(&draft).await.into_iter().map(|one| one.item_key).collect();
    assert_eq!(keys, ["S-000001"]);
    let back = stage.tester.add(&draft, build::inputs(0..1)).await.unwrap();
    assert_eq!(back.version.unwrap().counts.unwrap().pending, 1);
    let back = stage.tester.decision(&draft, KEY).await;
    assert_eq!(back.previous_decision_id, "", "it was changed, not rejected");
}

#[tokio::test]
async fn the_reviewer_does_not_confirm_their_own_change() {
    let (stage, version, decision) = changed().await;
    let owner_alone = stage.owner.confirm(&version, &[&decision]).await;
    refusal(owner_alone, Code::PermissionDenied, ErrorReason::RoleMissing);
    let in_both_roles = stage.person(20, &[Role::Tester, Role::ReportOwner]);
    let status = refusal(
        in_both_roles.confirm(&version, &[&decision]).await,
        Code::PermissionDenied,
        ErrorReason::MakerIsChecker,
    );
    assert_eq!(fields(&status), [decision.decision_id.as_str()]);
    stage.lead.confirm(&version, &[&decision]).await.unwrap();
}

#[tokio::test]
async fn only_what_waits_for_it_can_be_confirmed() {
    let (stage, version, decision) = changed().await;
    let plain = stage.tester.decision(&version, "S-000001").await;
    for what in [vec![&plain], vec![&decision, &plain]] {
        let status = stage.tester.confirm(&version, &what).await;
        let status = refusal(status, Code::FailedPrecondition, ErrorReason::VersionState);
        assert!(status.message().starts_with("1 decision has no change"), "{}", status.message());
    }
    stage.tester.confirm(&version, &[&decision]).await.unwrap();
    let twice = stage.tester.confirm(&version, &[&decision]).await;
    refusal(twice, Code::FailedPrecondition, ErrorReason::VersionState);
}

#[tokio::test]
async fn a_reviewer_may_take_a_change_back() {
    let (stage, version, decision) = changed().await;
    let counts =
        stage.owner.rule(&version, vec![approved(&decision)]).await.unwrap().counts.unwrap();
    assert_eq!((counts.approved, counts.modified, counts.unconfirmed), (2, 0, 0));
    let now = stage.tester.decision(&version, KEY).await;
    assert_eq!((now.state(), now.modified_payload), (DecisionState::Approved, None));
    assert_eq!(now.effective_payload, Some(build::sample(KEY, "as drawn")));
    stage.owner.rule(&version, vec![rejected(&decision, "neither")]).await.unwrap();
    let now = stage.tester.decision(&version, KEY).await;
    assert_eq!((now.state(), now.notes.as_str()), (DecisionState::Rejected, "neither"));
}

#[tokio::test]
async fn a_second_change_takes_the_place_of_the_first_and_waits_again() {
    let (stage, version, decision) = changed().await;
    stage.tester.confirm(&version, &[&decision]).await.unwrap();
    let again = modified(&decision, build::sample(KEY, "once more"), "a digit");
    let counts = stage.owner.rule(&version, vec![again]).await.unwrap().counts.unwrap();
    assert_eq!((counts.modified, counts.unconfirmed), (1, 1));
    let now = stage.tester.decision(&version, KEY).await;
    assert_eq!(now.effective_payload, Some(build::sample(KEY, "once more")));
    assert_eq!((now.modification_reason.as_str(), now.confirmed_by), ("a digit", 0));
}

#[tokio::test]
async fn a_change_may_not_move_an_item_to_another_key() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    let all = stage.tester.decisions(&submitted).await;
    let reviews = vec![
        approved(&all[0]),
        modified(&all[1], build::sample("S-000777", "another's"), "no reason"),
    ];
    let status = refusal(
        stage.owner.rule(&submitted, reviews).await,
        Code::InvalidArgument,
        ErrorReason::ValidationFailed,
    );
    assert_eq!(fields(&status), ["reviews[1].modified_payload"]);
    assert_eq!(stage.tester.get(&submitted).await.unwrap(), submitted);
}

#[tokio::test]
async fn editing_a_carried_change_begins_from_the_item_itself() {
    let (stage, version, decision) = changed().await;
    stage.tester.confirm(&version, &[&decision]).await.unwrap();
    stage.owner.approve(&version).await.unwrap();
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let carried = stage.tester.decision(&draft, KEY).await;
    let edited = stage
        .tester
        .edit(&draft, &carried, build::sample(KEY, "edited"), "a new month")
        .await
        .unwrap();
    assert_eq!((edited.state(), edited.modified_payload), (DecisionState::Pending, None));
    assert_eq!(edited.effective_payload, Some(build::sample(KEY, "edited")));
    let old = stage.tester.decision(&version, KEY).await;
    assert_eq!(old.effective_payload, Some(build::sample(KEY, "as changed")));
}

#[tokio::test]
async fn in_planning_a_tester_may_confirm_their_own_change() {
    let stage = Stage::of(Phase::PLANNING).await;
    let submitted = stage.submitted(1).await;
    let key = build::key(Phase::PLANNING, 0);
    let decision = stage.tester.decision(&submitted, &key).await;
    let change = modified(&decision, build::attribute(&key, "as changed"), "typo");
    stage.tester.rule(&submitted, vec![change]).await.unwrap();
    stage.tester.confirm(&submitted, &[&decision]).await.unwrap();
    stage.tester.approve(&submitted).await.unwrap();
}

#[tokio::test]
async fn approving_again_keeps_a_change_that_two_agreed_on() {
    let (stage, version, decision) = changed().await;
    stage.tester.confirm(&version, &[&decision]).await.unwrap();
    stage.owner.rule(&version, vec![rejected(&decision, "wait")]).await.unwrap();
    stage.owner.rule(&version, vec![approved(&decision)]).await.unwrap();
    let now = stage.tester.decision(&version, KEY).await;
    assert_eq!(now.state(), DecisionState::Modified);
    assert_eq!(now.effective_payload, Some(build::sample(KEY, "as changed")));
    let counts = stage.tester.get(&version).await.unwrap().counts.unwrap();
    assert_eq!((counts.modified, counts.unconfirmed, counts.rejected), (1, 0, 0));
}
