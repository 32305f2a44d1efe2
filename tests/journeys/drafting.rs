//! Rules 3, 9 and 10: what changes in a draft, what it must say, and keys that are there already.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::acts::{approved, rejected};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{faults, fields, refusal, total};
use signoff_tests::{Stage, build};
use signoff_workflow::{Phase, Role};
use tonic::Code;
use wire::version_metadata::Kind;
use wire::{DecisionState, RecommendationSource, Verdict};

const KEY: &str = "S-000000";

#[tokio::test]
async fn an_edit_of_a_carried_item_needs_a_reason_and_makes_it_pending() {
    let stage = Stage::samples().await;
    let first = stage.approved(2).await;
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let carried = stage.tester.decision(&draft, KEY).await;
    let payload = build::sample(KEY, "corrected");
    let without = stage.tester.edit(&draft, &carried, payload.clone(), "").await;
    let status = refusal(without, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["modification_reason"]);
    assert_eq!(stage.tester.get(&draft).await.unwrap(), draft);

    let editor = stage.person(11, &[Role::Tester]);
    let edited = editor.edit(&draft, &carried, payload.clone(), "typo").await.unwrap();
    assert_eq!(edited.state(), DecisionState::Pending);
    assert_eq!(edited.source(), RecommendationSource::Tester);
    assert_eq!((edited.recommended_by, edited.edited_by), (10, 11));
    assert!(edited.edited_at.is_some());
    assert_eq!(edited.modification_reason, "typo");
    assert_eq!(edited.payload, Some(payload));
    assert_eq!(edited.introduced_in_version_id, draft.version_id);
    assert_eq!((edited.carried_from_version_id.as_str(), edited.decided_by), ("", 0));
    let counts = stage.tester.get(&draft).await.unwrap().counts.unwrap();
    assert_eq!((counts.total, counts.pending, counts.approved, counts.carried), (2, 1, 1, 1));
    let before = stage.tester.decision(&first, KEY).await;
    assert_eq!(before.payload, carried.payload, "version 1 stays as it was");
    assert_eq!(before.state(), DecisionState::Approved);
}

#[tokio::test]
async fn an_edit_of_an_item_that_nobody_ruled_on_needs_no_reason() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let decision = stage.tester.decision(&draft, KEY).await;
    let edited =
        stage.tester.edit(&draft, &decision, build::sample(KEY, "corrected"), "").await.unwrap();
    assert_eq!((edited.modification_reason.as_str(), edited.edited_by), ("", 10));
}

#[tokio::test]
async fn an_edit_of_an_item_that_was_ruled_on_needs_a_reason_after_a_withdrawal() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    let decision = stage.tester.decision(&submitted, KEY).await;
    stage.owner.rule(&submitted, vec![rejected(&decision, "not of this period")]).await.unwrap();
    let draft = stage.tester.withdraw(&submitted).await.unwrap();
    let payload = build::sample(KEY, "corrected");
    let without = stage.tester.edit(&draft, &decision, payload.clone(), "").await;
    refusal(without, Code::InvalidArgument, ErrorReason::ValidationFailed);
    let edited = stage.tester.edit(&draft, &decision, payload, "as asked").await.unwrap();
    assert_eq!((edited.state(), edited.notes.as_str()), (DecisionState::Pending, ""));
}

#[tokio::test]
async fn a_withdrawn_version_keeps_its_rulings() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(3).await;
    let decision = stage.tester.decision(&submitted, KEY).await;
    stage.owner.rule(&submitted, vec![rejected(&decision, "no")]).await.unwrap();
    let draft = stage.tester.withdraw(&submitted).await.unwrap();
    assert_eq!(draft.counts.unwrap().rejected, 1);
    let again = stage.tester.submit(&draft).await.unwrap();
    let ruled = stage.tester.decision(&again, KEY).await;
    assert_eq!((ruled.state(), ruled.notes.as_str()), (DecisionState::Rejected, "no"));
}

#[tokio::test]
async fn a_ruling_may_be_changed_until_the_version_closes() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(1).await;
    let decision = stage.tester.decision(&submitted, KEY).await;
    stage.owner.rule(&submitted, vec![rejected(&decision, "no")]).await.unwrap();
    let counts =
        stage.owner.rule(&submitted, vec![approved(&decision)]).await.unwrap().counts.unwrap();
    assert_eq!((counts.approved, counts.rejected, counts.total), (1, 0, 1));
    stage.owner.approve(&submitted).await.unwrap();
    let late = stage.owner.rule(&submitted, vec![rejected(&decision, "no")]).await;
    refusal(late, Code::FailedPrecondition, ErrorReason::VersionState);
}

#[tokio::test]
async fn removing_carried_or_decided_items_needs_a_reason() {
    let stage = Stage::samples().await;
    stage.approved(1).await;
    let draft = stage.tester.revise(&stage.here, build::inputs(1..2)).await.unwrap();
    let carried = stage.tester.decision(&draft, KEY).await;
    let own = stage.tester.decision(&draft, "S-000001").await;
    let both = stage.tester.remove(&draft, &[&carried, &own], "").await;
    let status = refusal(both, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["reason"]);
    let left = stage.tester.remove(&draft, &[&own], "").await.unwrap();
    assert_eq!(left.counts.unwrap().total, 1);
    let left = stage.tester.remove(&draft, &[&carried], "not of this period").await.unwrap();
    assert_eq!(left.counts.unwrap(), wire::VersionCounts::default());
}

#[tokio::test]
async fn what_was_removed_is_gone_and_may_come_back() {
    let stage = Stage::samples().await;
    stage.approved(2).await;
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let carried = stage.tester.decision(&draft, KEY).await;
    stage.tester.remove(&draft, &[&carried], "wrong").await.unwrap();
    let again = stage.tester.remove(&draft, &[&carried], "wrong").await;
    let status = refusal(again, Code::NotFound, ErrorReason::NotFound);
    assert_eq!(fields(&status), [carried.decision_id.as_str()]);
    stage.tester.add(&draft, vec![build::input(KEY, "once more")]).await.unwrap();
    let back = stage.tester.decision(&draft, KEY).await;
    assert_eq!(
        (back.state(), back.source()),
        (DecisionState::Pending, RecommendationSource::Tester)
    );
    assert_eq!(back.payload, Some(build::sample(KEY, "once more")));
    assert_eq!(back.previous_decision_id, "", "it was removed, not rejected");
}

#[tokio::test]
async fn every_duplicate_is_named_and_nothing_is_added() {
    let stage = Stage::samples().await;
    stage.approved(2).await;
    let draft = stage.tester.revise(&stage.here, build::inputs(5..6)).await.unwrap();
    let mixed = ["S-000009", "S-000000", "S-000009", "S-000005", "S-000008", "S-000001"]
        .map(|key| build::input(key, "again"));
    let status = refusal(
        stage.tester.add(&draft, mixed.to_vec()).await,
        Code::AlreadyExists,
        ErrorReason::ItemExists,
    );
    assert_eq!(
        faults(&status),
        [
            "decisions[1].item_key: S-000000 is in the version already",
            "decisions[2].item_key: S-000009 is there twice in this call",
            "decisions[3].item_key: S-000005 is in the version already",
            "decisions[5].item_key: S-000001 is in the version already",
        ]
    );
    assert_eq!(total(&status), 4);
    assert_eq!(stage.tester.get(&draft).await.unwrap(), draft);
}

#[tokio::test]
async fn of_many_duplicates_fifty_are_named_and_all_are_counted() {
    let stage = Stage::samples().await;
    let draft = stage.draft(80).await;
    let status = refusal(
        stage.tester.add(&draft, build::inputs(0..80)).await,
        Code::AlreadyExists,
        ErrorReason::ItemExists,
    );
    assert_eq!((fields(&status).len(), total(&status)), (50, 80));
}

#[tokio::test]
async fn a_key_that_was_rejected_comes_back_linked_to_its_rejection() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    let decision = stage.tester.decision(&submitted, KEY).await;
    stage.owner.rule(&submitted, vec![rejected(&decision, "not of this period")]).await.unwrap();
    stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    stage.owner.reject(&submitted, "one more, please").await.unwrap();

    let draft =
        stage.tester.revise(&stage.here, vec![build::input(KEY, "of this one")]).await.unwrap();
    let back = stage.tester.decision(&draft, KEY).await;
    assert_eq!(back.previous_decision_id, decision.decision_id);
    assert_eq!((back.state(), back.notes.as_str()), (DecisionState::Pending, ""));
    let lineage = stage.tester.lineage(&draft, &back).await;
    let earlier = lineage.last().unwrap().decision.clone().unwrap();
    assert_eq!(earlier.decision_id, decision.decision_id);
    assert_eq!((earlier.notes.as_str(), earlier.payload), ("not of this period", decision.payload));
    let other = stage.tester.decision(&draft, "S-000001").await;
    assert_eq!(other.previous_decision_id, "");
}

#[tokio::test]
async fn rejected_and_pending_items_are_not_carried() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(3).await;
    let all = stage.tester.decisions(&submitted).await;
    let reviews = vec![approved(&all[0]), rejected(&all[1], "no")];
    stage.owner.rule(&submitted, reviews).await.unwrap();
    stage.owner.reject(&submitted, "no").await.unwrap();
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let kept = stage.tester.decisions(&draft).await;
    assert_eq!(kept.len(), 1);
    let kept = &kept[0];
    assert_eq!((kept.item_key.as_str(), kept.state()), (KEY, DecisionState::Approved));
    assert_eq!(kept.source(), RecommendationSource::CarriedForward);
    assert_eq!(kept.original_source(), RecommendationSource::Tester);
    assert_eq!(kept.carried_from_version_id, submitted.version_id);
    assert_eq!(kept.carried_from_decision_id, all[0].decision_id);
    assert_ne!(kept.decision_id, all[0].decision_id);
    assert_eq!((kept.decided_by, kept.recommended_by), (20, 10));
}

#[tokio::test]
async fn a_draft_says_what_it_is_told_and_keeps_the_rest() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let update = |notes: Option<&str>, data: Option<&str>| wire::UpdateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        version_id: draft.version_id.clone(),
        notes: notes.map(str::to_owned),
        phase_data: data.map(|text| build::object("k", text)),
        ..Default::default()
    };
    let told = stage.tester.call(update(Some("why"), Some("one"))).await.unwrap().version.unwrap();
    assert_eq!(
        (told.creation_notes.as_str(), told.phase_data),
        ("why", Some(build::object("k", "one")))
    );
    assert_ne!(told.etag, draft.etag);
    let told = stage.tester.call(update(None, Some("two"))).await.unwrap().version.unwrap();
    assert_eq!(
        (told.creation_notes.as_str(), told.phase_data),
        ("why", Some(build::object("k", "two")))
    );
    let told = stage.tester.call(update(Some(""), None)).await.unwrap().version.unwrap();
    assert_eq!(
        (told.creation_notes.as_str(), told.phase_data),
        ("", Some(build::object("k", "two")))
    );
}

#[tokio::test]
async fn metadata_is_changed_field_by_field() {
    let stage = Stage::of(Phase::SAMPLE_SELECTION).await;
    let draft = stage.draft(1).await;
    let update = |size: i32, methods: &[&str], paths: &[&str]| wire::UpdateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        version_id: draft.version_id.clone(),
        metadata: Some(wire::VersionMetadata {
            kind: Some(Kind::SampleSelection(wire::SampleSelectionMetadata {
                target_sample_size: size,
                generation_methods: methods.iter().map(|of| (*of).to_owned()).collect(),
                ..Default::default()
            })),
        }),
        notes: Some(format!("size {size}")),
        update_mask: (!paths.is_empty()).then(|| prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..Default::default()
    };
    let told = async |request: wire::UpdateVersionRequest| {
        let version = stage.tester.call(request).await.unwrap().version.unwrap();
        let Kind::SampleSelection(told) = version.metadata.unwrap().kind.unwrap() else {
            panic!("other metadata")
        };
        (told.target_sample_size, told.generation_methods, version.creation_notes)
    };
    let stratified = || vec!["stratified".to_owned()];
    let first = told(update(25, &["stratified"], &[])).await;
    assert_eq!(first, (25, stratified(), "size 25".to_owned()));
    let second = told(update(30, &[], &[])).await;
    assert_eq!(second, (30, stratified(), "size 30".to_owned()), "what is unset stays");
    let size = "metadata.sample_selection.target_sample_size";
    let third = told(update(35, &["random"], &[size])).await;
    assert_eq!(third, (35, stratified(), "size 30".to_owned()), "what is not named stays");
    let fourth = told(update(0, &[], &["metadata.sample_selection.generation_methods"])).await;
    assert_eq!(fourth.0, 35);
    assert_eq!(fourth.1, ["tester"], "what is named and unset is emptied: the sources are told");
    let fifth = told(wire::UpdateVersionRequest { notes: None, ..update(40, &[], &["*"]) }).await;
    assert_eq!(fifth, (40, vec!["tester".to_owned()], String::new()));
}

#[tokio::test]
async fn an_item_never_changes_its_key() {
    for phase in [Phase::PLANNING, Phase::SCOPING, Phase::SAMPLE_SELECTION] {
        let stage = Stage::of(phase).await;
        let draft = stage.draft(2).await;
        let decision = stage.tester.decision(&draft, &build::key(phase, 0)).await;
        let other = build::payload(phase, 1, "another's");
        let status = refusal(
            stage.tester.edit(&draft, &decision, other, "").await,
            Code::InvalidArgument,
            ErrorReason::ValidationFailed,
        );
        assert_eq!(fields(&status), ["payload"]);
    }
}

#[tokio::test]
async fn ruling_on_the_rest_where_nothing_is_left_changes_nothing() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    let ruled = stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    let before = stage.tester.verify(stage.workflow).await;
    assert_eq!(stage.owner.rule_rest(&submitted, Verdict::Rejected).await.unwrap(), ruled);
    assert_eq!(stage.tester.verify(stage.workflow).await, before);
}
