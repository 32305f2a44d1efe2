//! Data Profiling: rules with all their fields, and the metadata.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::acts::modified;
use signoff_tests::people::request_id;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as MetadataKind;
use wire::{DecisionInput, Payload, ProfilingRule, RuleType, VersionMetadata};

fn rule(rule_type: RuleType, expression: &str) -> Payload {
    Payload {
        kind: Some(Kind::ProfilingRule(ProfilingRule {
            rule_type: rule_type.into(),
            rule_definition: Some(build::object("expression", expression)),
            attribute_id: build::attribute_id(3),
        })),
    }
}

fn input(key: &str, payload: Payload) -> DecisionInput {
    let source = wire::RecommendationSource::Automated.into();
    let payload = Some(payload);
    DecisionInput { item_key: key.to_owned(), source, payload, ..Default::default() }
}

#[tokio::test]
async fn every_field_goes_in_and_comes_out() {
    let stage = Stage::of(Phase::DATA_PROFILING).await;
    let rules = [
        ("limit/≥0", rule(RuleType::Validation, "limit >= 0")),
        ("trim", rule(RuleType::Transformation, "trim(name)")),
        ("nulls", rule(RuleType::QualityCheck, "null_rate < 0.01")),
    ];
    let inputs = rules.iter().map(|(key, payload)| input(key, payload.clone())).collect();
    let draft = stage.tester.create(&stage.here, inputs).await.unwrap();
    for (key, payload) in rules {
        let decision = stage.tester.decision(&draft, key).await;
        assert_eq!(decision.payload, Some(payload));
        assert_eq!(decision.original_source(), wire::RecommendationSource::Automated);
    }
}

#[tokio::test]
async fn several_rules_of_one_attribute_are_several_items() {
    let stage = Stage::of(Phase::DATA_PROFILING).await;
    let payload = rule(RuleType::Validation, "x > 0");
    let inputs = vec![input("a", payload.clone()), input("b", payload.clone())];
    let draft = stage.tester.create(&stage.here, inputs).await.unwrap();
    assert_eq!(draft.counts.unwrap().total, 2);
}

#[tokio::test]
async fn a_rule_may_be_edited_and_changed_though_its_payload_names_no_key() {
    let stage = Stage::of(Phase::DATA_PROFILING).await;
    let draft = stage
        .tester
        .create(&stage.here, vec![input("a", rule(RuleType::Validation, "1"))])
        .await
        .unwrap();
    let decision = stage.tester.decision(&draft, "a").await;
    let edited = rule(RuleType::QualityCheck, "2");
    let edited = stage.tester.edit(&draft, &decision, edited.clone(), "").await.unwrap();
    assert_eq!(edited.payload, Some(rule(RuleType::QualityCheck, "2")));
    stage.tester.submit(&draft).await.unwrap();
    let change = modified(&decision, rule(RuleType::QualityCheck, "3"), "stricter");
    stage.owner.rule(&draft, vec![change]).await.unwrap();
    let now = stage.tester.decision(&draft, "a").await;
    assert_eq!(now.effective_payload, Some(rule(RuleType::QualityCheck, "3")));
}

#[tokio::test]
async fn metadata_is_kept_inherited_and_updated() {
    let metadata = |table: &str| VersionMetadata {
        kind: Some(MetadataKind::DataProfiling(wire::DataProfilingMetadata {
            source_data_reference: Some(build::object("table", table)),
            profiling_parameters: Some(build::object("sampling", "none")),
        })),
    };
    let stage = Stage::of(Phase::DATA_PROFILING).await;
    let request = wire::CreateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        metadata: Some(metadata("accounts")),
        decisions: build::items(Phase::DATA_PROFILING, 0..1),
        ..Default::default()
    };
    let first = stage.tester.call(request).await.unwrap().version.unwrap();
    assert_eq!(first.metadata, Some(metadata("accounts")));
    let request = wire::UpdateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        version_id: first.version_id.clone(),
        metadata: Some(metadata("accounts_v2")),
        ..Default::default()
    };
    let first = stage.tester.call(request).await.unwrap().version.unwrap();
    assert_eq!(first.metadata, Some(metadata("accounts_v2")));
    let submitted = stage.tester.submit(&first).await.unwrap();
    stage.approve_all(&submitted).await;
    let next = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    assert_eq!(next.metadata, Some(metadata("accounts_v2")));
}
