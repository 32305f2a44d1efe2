//! Sample Selection: samples with all their fields, and sizes that are derived.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;
use signoff_tests::{Stage, build};
use wire::payload::Kind;
use wire::version_metadata::Kind as MetadataKind;
use wire::{
    DecisionInput, Payload, RecommendationSource, Sample, SampleSelectionMetadata, SampleType,
    Version, VersionMetadata,
};

fn selection(version: &Version) -> SampleSelectionMetadata {
    match version.metadata.clone().unwrap().kind.unwrap() {
        MetadataKind::SampleSelection(selection) => selection,
        other => panic!("{other:?}"),
    }
}

fn from(source: RecommendationSource, number: u32) -> DecisionInput {
    let source = source.into();
    DecisionInput { source, ..build::inputs(number..number + 1).remove(0) }
}

async fn create(
    stage: &Stage,
    selection: SampleSelectionMetadata,
    decisions: Vec<DecisionInput>,
) -> Version {
    let kind = Some(MetadataKind::SampleSelection(selection));
    let request = wire::CreateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        metadata: Some(VersionMetadata { kind }),
        decisions,
        ..Default::default()
    };
    stage.tester.call(request).await.unwrap().version.unwrap()
}

#[tokio::test]
async fn every_field_goes_in_and_comes_out() {
    let stage = Stage::samples().await;
    let samples = [
        (SampleType::Population, String::new()),
        (SampleType::Targeted, build::attribute_id(70)),
        (SampleType::RiskBased, build::attribute_id(71)),
    ];
    let payloads =
        samples.into_iter().zip(0..).map(|((sample_type, lob_id), number): (_, u32)| Payload {
            kind: Some(Kind::Sample(Sample {
                sample_identifier: format!("Konto Nr. {number} – “A/B”"),
                sample_data: Some(build::object("balance", "17.20")),
                sample_type: sample_type.into(),
                lob_id,
            })),
        });
    let payloads: Vec<Payload> = payloads.collect();
    let inputs = payloads.iter().zip(0..).map(|(payload, number): (_, u32)| DecisionInput {
        item_key: format!("Konto Nr. {number} – “A/B”"),
        source: RecommendationSource::Tester.into(),
        payload: Some(payload.clone()),
        ..Default::default()
    });
    let draft = stage.tester.create(&stage.here, inputs.collect()).await.unwrap();
    let listed = stage.tester.decisions(&draft).await;
    let listed: Vec<_> = listed.into_iter().map(|one| one.payload.unwrap()).collect();
    assert_eq!(listed, payloads);
}

#[tokio::test]
async fn the_criteria_target_and_methods_are_kept() {
    let stage = Stage::samples().await;
    let told = SampleSelectionMetadata {
        selection_criteria: Some(build::object("balance", "> 0")),
        target_sample_size: 25,
        actual_sample_size: 999,
        generation_methods: vec!["stratified".to_owned(), "by hand".to_owned()],
    };
    let draft = create(&stage, told.clone(), build::inputs(0..3)).await;
    let kept = SampleSelectionMetadata { actual_sample_size: 3, ..told };
    assert_eq!(selection(&draft), kept);
    let submitted = stage.tester.submit(&draft).await.unwrap();
    stage.approve_all(&submitted).await;
    let next = stage.tester.revise(&stage.here, build::inputs(3..5)).await.unwrap();
    assert_eq!(selection(&next), SampleSelectionMetadata { actual_sample_size: 5, ..kept });
}

#[tokio::test]
async fn target_and_methods_that_were_left_open_are_derived() {
    let stage = Stage::samples().await;
    let inputs = vec![from(RecommendationSource::Llm, 0), from(RecommendationSource::Tester, 1)];
    let draft = stage.tester.create(&stage.here, inputs).await.unwrap();
    let derived = selection(&draft);
    assert_eq!((derived.target_sample_size, derived.actual_sample_size), (2, 2));
    assert_eq!(derived.generation_methods, ["tester", "llm"]);
    let more =
        vec![from(RecommendationSource::Manual, 2), from(RecommendationSource::Automated, 3)];
    let more = stage.tester.add(&draft, more).await.unwrap().version.unwrap();
    let derived = selection(&more);
    assert_eq!((derived.target_sample_size, derived.actual_sample_size), (4, 4));
    assert_eq!(derived.generation_methods, ["tester", "llm", "manual", "automated"]);
}

#[tokio::test]
async fn the_size_follows_what_is_carried_and_removed() {
    let stage = Stage::samples().await;
    stage.approved(3).await;
    let draft = stage.tester.revise(&stage.here, build::inputs(3..4)).await.unwrap();
    assert_eq!(selection(&draft).actual_sample_size, 4);
    let gone = stage.tester.decision(&draft, "S-000000").await;
    let left = stage.tester.remove(&draft, &[&gone], "wrong").await.unwrap();
    assert_eq!(selection(&left).actual_sample_size, 3);
}

#[tokio::test]
async fn sources_are_told_apart_and_kept_when_carried() {
    let stage = Stage::samples().await;
    let sources = [
        RecommendationSource::Tester,
        RecommendationSource::Llm,
        RecommendationSource::Manual,
        RecommendationSource::Automated,
    ];
    let inputs = sources.into_iter().zip(0..).map(|(source, number)| from(source, number));
    let draft = stage.tester.create(&stage.here, inputs.collect()).await.unwrap();
    let listed = stage.tester.decisions(&draft).await;
    assert_eq!(listed.iter().map(wire::Decision::source).collect::<Vec<_>>(), sources);
    let submitted = stage.tester.submit(&draft).await.unwrap();
    stage.approve_all(&submitted).await;
    let next = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    for (decision, source) in stage.tester.decisions(&next).await.iter().zip(sources) {
        assert_eq!(decision.source(), RecommendationSource::CarriedForward);
        assert_eq!(decision.original_source(), source);
    }
}

#[tokio::test]
async fn free_form_data_keeps_its_shape() {
    let stage = Stage::samples().await;
    let data = serde_json::json!({
        "text": "ä\u{1F600}\u{7}", "whole": 3, "below": -7, "large": 9_007_199_254_740_992_i64,
        "broken": 0.1, "huge": 1e300, "tiny": 5e-324, "none": null, "yes": true,
        "list": [1, [2, {"a": []}]], "empty": {}, "": "no name",
    });
    let data = signoff_contract::convert::json_to_wire(&data).unwrap();
    let payload = Payload {
        kind: Some(Kind::Sample(Sample {
            sample_identifier: "S".to_owned(),
            sample_data: Some(data),
            sample_type: SampleType::Targeted.into(),
            lob_id: String::new(),
        })),
    };
    let input = DecisionInput { payload: Some(payload.clone()), ..build::input("S", "") };
    let draft = stage.tester.create(&stage.here, vec![input]).await.unwrap();
    assert_eq!(stage.tester.decision(&draft, "S").await.payload, Some(payload));
}
