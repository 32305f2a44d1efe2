//! Scoping: decisions with all their fields, and totals that are derived.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::acts::{modified, rejected};
use signoff_tests::people::request_id;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as MetadataKind;
use wire::{
    DecisionInput, Payload, RiskRating, ScopingDecision, Verdict, Version, VersionMetadata,
};

fn scoping(number: u32, is_in_scope: bool, risk: RiskRating) -> Payload {
    Payload {
        kind: Some(Kind::ScopingDecision(ScopingDecision {
            attribute_id: build::attribute_id(number),
            is_in_scope,
            scoping_rationale: "material".to_owned(),
            risk_rating: risk.into(),
        })),
    }
}

fn input(number: u32, is_in_scope: bool) -> DecisionInput {
    DecisionInput {
        item_key: build::attribute_id(number),
        source: wire::RecommendationSource::Manual.into(),
        payload: Some(scoping(number, is_in_scope, RiskRating::Low)),
        ..Default::default()
    }
}

/// The derived total of all attributes, and of those in scope.
fn totals(version: &Version) -> (i32, i32) {
    match version.metadata.clone().unwrap().kind.unwrap() {
        MetadataKind::Scoping(scoping) => (scoping.total_attributes, scoping.scoped_attributes),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_field_goes_in_and_comes_out() {
    let stage = Stage::of(Phase::SCOPING).await;
    let payloads = [
        scoping(0, true, RiskRating::High),
        scoping(1, false, RiskRating::Medium),
        scoping(2, true, RiskRating::Low),
        scoping(3, false, RiskRating::Unspecified),
    ];
    let inputs = payloads.iter().zip(0..).map(|(payload, number)| DecisionInput {
        payload: Some(payload.clone()),
        ..input(number, true)
    });
    let draft = stage.tester.create(&stage.here, inputs.collect()).await.unwrap();
    let listed = stage.tester.decisions(&draft).await;
    let listed: Vec<_> = listed.into_iter().map(|one| one.payload.unwrap()).collect();
    assert_eq!(listed, payloads);
}

#[tokio::test]
async fn the_criteria_are_kept_and_given_totals_are_ignored() {
    let stage = Stage::of(Phase::SCOPING).await;
    let metadata = |total_attributes, scoped_attributes| VersionMetadata {
        kind: Some(MetadataKind::Scoping(wire::ScopingMetadata {
            scoping_criteria: Some(build::object("threshold", "1 %")),
            total_attributes,
            scoped_attributes,
        })),
    };
    let request = wire::CreateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        metadata: Some(metadata(999, 998)),
        decisions: vec![input(0, true), input(1, false)],
        ..Default::default()
    };
    let draft = stage.tester.call(request).await.unwrap().version.unwrap();
    assert_eq!(draft.metadata, Some(metadata(2, 1)));
}

#[tokio::test]
async fn totals_follow_edits_and_removals() {
    let stage = Stage::of(Phase::SCOPING).await;
    let inputs = vec![input(0, true), input(1, false), input(2, true)];
    let draft = stage.tester.create(&stage.here, inputs).await.unwrap();
    assert_eq!(totals(&draft), (3, 2));
    let decision = stage.tester.decision(&draft, &build::attribute_id(1)).await;
    let into_scope = scoping(1, true, RiskRating::High);
    stage.tester.edit(&draft, &decision, into_scope, "").await.unwrap();
    assert_eq!(totals(&stage.tester.get(&draft).await.unwrap()), (3, 3));
    let gone = stage.tester.decision(&draft, &build::attribute_id(0)).await;
    let left = stage.tester.remove(&draft, &[&gone], "").await.unwrap();
    assert_eq!(totals(&left), (2, 2));
    let more = stage.tester.add(&draft, vec![input(7, false)]).await.unwrap();
    assert_eq!(totals(&more.version.unwrap()), (3, 2));
}

#[tokio::test]
async fn totals_follow_the_reviewers_changes() {
    let stage = Stage::of(Phase::SCOPING).await;
    let inputs = vec![input(0, true), input(1, true)];
    let draft = stage.tester.create(&stage.here, inputs).await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
    let decision = stage.tester.decision(&draft, &build::attribute_id(0)).await;
    let change = modified(&decision, scoping(0, false, RiskRating::Low), "immaterial");
    let changed = stage.owner.rule(&draft, vec![change]).await.unwrap();
    assert_eq!(totals(&changed), (2, 1), "the effective payload counts");
    let back = stage.owner.rule(&draft, vec![rejected(&decision, "no")]).await.unwrap();
    assert_eq!(totals(&back), (2, 2), "without the change, the item as it was put forward");
}

#[tokio::test]
async fn totals_of_the_next_version_are_those_of_what_is_carried() {
    let stage = Stage::of(Phase::SCOPING).await;
    let inputs = vec![input(0, true), input(1, true), input(2, false), input(3, true)];
    let draft = stage.tester.create(&stage.here, inputs).await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
    let all = stage.tester.decisions(&draft).await;
    let reviews = vec![
        modified(&all[0], scoping(0, false, RiskRating::Low), "immaterial"),
        rejected(&all[1], "no"),
    ];
    stage.owner.rule(&draft, reviews).await.unwrap();
    stage.owner.rule_rest(&draft, Verdict::Approved).await.unwrap();
    stage.tester.confirm(&draft, &[&all[0]]).await.unwrap();
    let approved = stage.owner.approve(&draft).await.unwrap();
    assert_eq!(totals(&approved), (4, 2));
    let next = stage.tester.revise(&stage.here, vec![input(8, true)]).await.unwrap();
    assert_eq!(totals(&next), (4, 2), "three carried, one of them in scope, and the new one");
    let older = stage.tester.delete(&next, "no").await.unwrap();
    assert_eq!(totals(&older), (4, 2));
    let again = stage.tester.revise_from(&approved, vec![]).await.unwrap();
    assert_eq!(totals(&again), (3, 1));
}
