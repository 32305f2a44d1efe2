//! Planning: attribute decisions with all their fields, their histories, and the metadata.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::acts::modified;
use signoff_tests::people::request_id;
use signoff_tests::reads::when;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as MetadataKind;
use wire::{AttributeDecision, DecisionInput, DecisionType, Payload, VersionMetadata};

fn full(decision_type: DecisionType, reason: &str) -> AttributeDecision {
    AttributeDecision {
        attribute_id: build::attribute_id(1),
        attribute_name: "Reference Number".to_owned(),
        is_key: true,
        attribute_data: Some(build::object("line_item", "1")),
        decision_type: decision_type.into(),
        decision_reason: reason.to_owned(),
        decision_metadata: Some(build::object("model", "rules of thumb")),
        modification_history: vec![],
    }
}

fn payload(attribute: AttributeDecision) -> Payload {
    Payload { kind: Some(Kind::AttributeDecision(attribute)) }
}

fn input(attribute: AttributeDecision) -> DecisionInput {
    DecisionInput {
        item_key: attribute.attribute_id.clone(),
        source: wire::RecommendationSource::Llm.into(),
        recommendation_reason: "the regulator asks for it".to_owned(),
        recommendation_metadata: Some(build::object("temperature", "0")),
        payload: Some(payload(attribute)),
    }
}

fn attribute_of(decision: &wire::Decision) -> AttributeDecision {
    match decision.payload.clone().unwrap().kind.unwrap() {
        Kind::AttributeDecision(attribute) => attribute,
        other => panic!("{other:?}"),
    }
}

fn metadata(text: &str) -> VersionMetadata {
    let planning_metadata = Some(build::object("cycle", text));
    let kind = MetadataKind::Planning(wire::PlanningMetadata { planning_metadata });
    VersionMetadata { kind: Some(kind) }
}

#[tokio::test]
async fn every_field_goes_in_and_comes_out() {
    for decision_type in [DecisionType::Include, DecisionType::Exclude, DecisionType::Modify] {
        let stage = Stage::of(Phase::PLANNING).await;
        let attribute = full(decision_type, "why");
        let draft = stage.tester.create(&stage.here, vec![input(attribute.clone())]).await.unwrap();
        let decision = stage.tester.decision(&draft, &build::attribute_id(1)).await;
        assert_eq!(decision.payload, Some(payload(attribute)));
        assert_eq!(decision.effective_payload, decision.payload);
        assert_eq!(decision.source(), wire::RecommendationSource::Llm);
        assert_eq!(decision.original_source(), wire::RecommendationSource::Llm);
        assert_eq!(decision.recommendation_reason, "the regulator asks for it");
        assert_eq!(decision.recommendation_metadata, Some(build::object("temperature", "0")));
        assert_eq!((decision.recommended_by, decision.recommended_at), (10, draft.created_at));
        assert_eq!((decision.version_id, decision.version_number), (draft.version_id.clone(), 1));
        assert_eq!(decision.introduced_in_version_id, draft.version_id);
    }
}

#[tokio::test]
async fn fields_that_are_left_out_stay_out() {
    let stage = Stage::of(Phase::PLANNING).await;
    let bare = AttributeDecision {
        attribute_id: build::attribute_id(1),
        attribute_name: "Bank ID".to_owned(),
        decision_type: DecisionType::Exclude.into(),
        ..Default::default()
    };
    let input = DecisionInput {
        recommendation_metadata: None,
        recommendation_reason: String::new(),
        ..input(bare.clone())
    };
    let draft = stage.tester.create(&stage.here, vec![input]).await.unwrap();
    let decision = stage.tester.decision(&draft, &build::attribute_id(1)).await;
    assert_eq!(decision.payload, Some(payload(bare)));
    assert_eq!(
        (decision.recommendation_metadata, decision.recommendation_reason.as_str()),
        (None, "")
    );
}

#[tokio::test]
async fn an_id_is_the_same_in_either_case() {
    let stage = Stage::of(Phase::PLANNING).await;
    let mut attribute = full(DecisionType::Include, "why");
    attribute.attribute_id = attribute.attribute_id.to_uppercase();
    let draft = stage.tester.create(&stage.here, vec![input(attribute)]).await.unwrap();
    let decision = stage.tester.decision(&draft, &build::attribute_id(1)).await;
    assert_eq!(attribute_of(&decision).attribute_id, build::attribute_id(1));
    let again = stage.tester.add(&draft, vec![input(full(DecisionType::Include, "again"))]).await;
    assert_eq!(again.unwrap_err().code(), tonic::Code::AlreadyExists);
}

#[tokio::test]
async fn the_history_tells_every_change_oldest_first() {
    let stage = Stage::of(Phase::PLANNING).await;
    let key = build::attribute_id(1);
    let first = full(DecisionType::Include, "why");
    let draft = stage.tester.create(&stage.here, vec![input(first)]).await.unwrap();
    let decision = stage.tester.decision(&draft, &key).await;
    assert_eq!(attribute_of(&decision).modification_history, []);
    let edited = full(DecisionType::Exclude, "not needed");
    let edit = stage.lead.edit(&draft, &decision, payload(edited), "see memo").await.unwrap();
    let [change] = <[_; 1]>::try_from(attribute_of(&edit).modification_history).unwrap();
    assert_eq!(
        (change.version_number, change.modified_by, change.reason.as_str()),
        (1, 12, "see memo")
    );
    assert_eq!(change.changed_fields, ["decision_reason", "decision_type"]);
    assert_eq!(when(change.modified_at), when(edit.edited_at));

    stage.tester.submit(&draft).await.unwrap();
    let renamed = AttributeDecision {
        attribute_name: "Reference No.".to_owned(),
        ..full(DecisionType::Exclude, "not needed")
    };
    let review = modified(&decision, payload(renamed), "as in the form");
    stage.lead.rule(&draft, vec![review]).await.unwrap();
    stage.tester.confirm(&draft, &[&decision]).await.unwrap();
    let approved = stage.lead.approve(&draft).await.unwrap();
    let next = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    for version in [&approved, &next] {
        let decision = stage.tester.decision(version, &key).await;
        let history = attribute_of(&decision).modification_history;
        let told: Vec<_> = history
            .iter()
            .map(|one| (one.version_number, one.modified_by, one.reason.as_str()))
            .collect();
        assert_eq!(told, [(1, 12, "see memo"), (1, 12, "as in the form")]);
        assert_eq!(history[1].changed_fields, ["attribute_name"]);
    }
}

#[tokio::test]
async fn metadata_is_kept_inherited_and_replaced() {
    let stage = Stage::of(Phase::PLANNING).await;
    let request = wire::CreateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        metadata: Some(metadata("first")),
        phase_data: Some(build::object("k", "v")),
        decisions: build::items(Phase::PLANNING, 0..1),
        ..Default::default()
    };
    let first = stage.tester.call(request).await.unwrap().version.unwrap();
    assert_eq!(first.metadata, Some(metadata("first")));
    stage.tester.submit(&first).await.unwrap();
    stage.approve_all(&stage.tester.get(&first).await.unwrap()).await;
    let second = stage.next(vec![]).await;
    assert_eq!(second.metadata, Some(metadata("first")), "inherited");
    assert_eq!(second.phase_data, Some(build::object("k", "v")), "inherited");
    let request = wire::ReviseVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        notes: "another quarter".to_owned(),
        metadata: Some(metadata("third")),
        ..Default::default()
    };
    let third = stage.tester.call(request).await.unwrap().version.unwrap();
    assert_eq!(third.metadata, Some(metadata("third")), "replaced");
    assert_eq!(third.creation_notes, "another quarter");
    assert_eq!(stage.tester.get(&second).await.unwrap().metadata, Some(metadata("first")));
}

#[tokio::test]
async fn a_version_without_metadata_answers_the_empty_kind_of_its_phase() {
    let stage = Stage::of(Phase::PLANNING).await;
    let draft = stage.draft(0).await;
    let kind = MetadataKind::Planning(wire::PlanningMetadata::default());
    assert_eq!(draft.metadata, Some(VersionMetadata { kind: Some(kind) }));
}
