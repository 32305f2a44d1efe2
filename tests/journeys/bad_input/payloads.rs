//! The fields of the payloads and the metadata of all phases.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::request_id;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use wire::payload::Kind;
use wire::version_metadata::Kind as MetadataKind;
use wire::{
    AttributeDecision, CreateVersionRequest as Create, ProfilingRule, Sample,
    SampleSelectionMetadata, ScopingDecision, VersionMetadata,
};

use super::{Fault, all_are_named, each_is_named, free_form, long};

macro_rules! the {
    ($name:ident, $kind:ident) => {
        fn $name(request: &mut Create) -> &mut $kind {
            match &mut request.decisions[0].payload.as_mut().unwrap().kind {
                Some(Kind::$kind(payload)) => payload,
                other => panic!("{other:?}"),
            }
        }
    };
}

the!(attribute, AttributeDecision);
the!(rule, ProfilingRule);
the!(scoping, ScopingDecision);
the!(sample, Sample);

fn selection(request: &mut Create) -> &mut SampleSelectionMetadata {
    let metadata = request.metadata.get_or_insert_with(|| VersionMetadata {
        kind: Some(MetadataKind::SampleSelection(SampleSelectionMetadata::default())),
    });
    match &mut metadata.kind {
        Some(MetadataKind::SampleSelection(selection)) => selection,
        other => panic!("{other:?}"),
    }
}

fn another_metadata(request: &mut Create) {
    let kind = Some(MetadataKind::FinalizeTestReport(wire::TestReportMetadata::default()));
    request.metadata = Some(VersionMetadata { kind });
}

const ANY: &[Fault<Create>] = &[
    ("metadata", |r| r.metadata = Some(VersionMetadata { kind: None })),
    ("metadata.finalize_test_report", another_metadata),
    ("decisions[0].payload.observation", |r| {
        let kind = Some(Kind::Observation(wire::Observation::default()));
        r.decisions[0].payload = Some(wire::Payload { kind });
    }),
];

const ATTRIBUTE: &[Fault<Create>] = &[
    ("decisions[0].payload.attribute_decision.attribute_id", |r| attribute(r).attribute_id.clear()),
    ("decisions[0].payload.attribute_decision.attribute_id", |r| {
        attribute(r).attribute_id = "x".to_owned();
    }),
    ("decisions[0].payload.attribute_decision.attribute_id", |r| {
        attribute(r).attribute_id = build::attribute_id(999);
    }),
    ("decisions[0].payload.attribute_decision.attribute_name", |r| {
        attribute(r).attribute_name.clear();
    }),
    ("decisions[0].payload.attribute_decision.attribute_name", |r| {
        attribute(r).attribute_name = "n".repeat(256);
    }),
    ("decisions[0].payload.attribute_decision.decision_type", |r| attribute(r).decision_type = 0),
    ("decisions[0].payload.attribute_decision.decision_type", |r| attribute(r).decision_type = 99),
    ("decisions[0].payload.attribute_decision.decision_reason", |r| {
        attribute(r).decision_reason = long();
    }),
    ("decisions[0].payload.attribute_decision.modification_history", |r| {
        attribute(r).modification_history = vec![wire::Modification::default()];
    }),
];

const RULE: &[Fault<Create>] = &[
    ("decisions[0].payload.profiling_rule.rule_type", |r| rule(r).rule_type = 0),
    ("decisions[0].payload.profiling_rule.rule_type", |r| rule(r).rule_type = 99),
    ("decisions[0].payload.profiling_rule.attribute_id", |r| rule(r).attribute_id.clear()),
    ("decisions[0].payload.profiling_rule.attribute_id", |r| rule(r).attribute_id = "x".to_owned()),
];

const SCOPING: &[Fault<Create>] = &[
    ("decisions[0].payload.scoping_decision.attribute_id", |r| scoping(r).attribute_id.clear()),
    ("decisions[0].payload.scoping_decision.attribute_id", |r| {
        scoping(r).attribute_id = build::attribute_id(999);
    }),
    ("decisions[0].payload.scoping_decision.scoping_rationale", |r| {
        scoping(r).scoping_rationale = long();
    }),
    ("decisions[0].payload.scoping_decision.risk_rating", |r| scoping(r).risk_rating = 99),
];

const SAMPLE: &[Fault<Create>] = &[
    ("decisions[0].payload.sample.sample_identifier", |r| sample(r).sample_identifier.clear()),
    ("decisions[0].payload.sample.sample_identifier", |r| {
        sample(r).sample_identifier = "another".to_owned();
    }),
    ("decisions[0].payload.sample.sample_identifier", |r| {
        sample(r).sample_identifier = "n".repeat(256);
    }),
    ("decisions[0].payload.sample.sample_type", |r| sample(r).sample_type = 0),
    ("decisions[0].payload.sample.sample_type", |r| sample(r).sample_type = 99),
    ("decisions[0].payload.sample.lob_id", |r| sample(r).lob_id = "cards".to_owned()),
    ("metadata.sample_selection.target_sample_size", |r| selection(r).target_sample_size = -1),
    ("metadata.sample_selection.target_sample_size", |r| {
        selection(r).target_sample_size = 10_000_001;
    }),
    ("metadata.sample_selection.generation_methods", |r| {
        selection(r).generation_methods = vec!["m".to_owned(); 1_001];
    }),
    ("metadata.sample_selection.generation_methods[1]", |r| {
        selection(r).generation_methods = vec!["m".to_owned(), String::new()];
    }),
    ("metadata.sample_selection.generation_methods[0]", |r| {
        selection(r).generation_methods = vec!["m".repeat(256)];
    }),
];

async fn good(phase: Phase) -> (Stage, Create) {
    let stage = Stage::of(phase).await;
    let good = Create {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        decisions: build::items(phase, 0..2),
        ..Default::default()
    };
    (stage, good)
}

async fn each(phase: Phase, faults: &[Fault<Create>]) {
    let (stage, good) = good(phase).await;
    each_is_named(&stage, &stage.tester, good, &[faults, ANY].concat()).await;
}

#[tokio::test]
async fn each_fault_of_an_attribute_is_named() {
    let (stage, good) = good(Phase::PLANNING).await;
    all_are_named(
        &stage.tester,
        &good,
        &[ATTRIBUTE[1], ATTRIBUTE[4], ATTRIBUTE[6], ATTRIBUTE[7], ATTRIBUTE[8]],
    )
    .await;
    let path = "decisions[0].payload.attribute_decision";
    let tester = &stage.tester;
    free_form(tester, &good, &format!("{path}.attribute_data"), |r, object| {
        attribute(r).attribute_data = Some(object);
    })
    .await;
    free_form(tester, &good, &format!("{path}.decision_metadata"), |r, object| {
        attribute(r).decision_metadata = Some(object);
    })
    .await;
    free_form(tester, &good, "metadata.planning.planning_metadata", |r, object| {
        let planning_metadata = Some(object);
        let kind = Some(MetadataKind::Planning(wire::PlanningMetadata { planning_metadata }));
        r.metadata = Some(VersionMetadata { kind });
    })
    .await;
    each(Phase::PLANNING, ATTRIBUTE).await;
}

#[tokio::test]
async fn each_fault_of_a_rule_is_named() {
    let (stage, good) = good(Phase::DATA_PROFILING).await;
    all_are_named(&stage.tester, &good, &[RULE[1], RULE[3]]).await;
    free_form(
        &stage.tester,
        &good,
        "decisions[0].payload.profiling_rule.rule_definition",
        |r, object| {
            rule(r).rule_definition = Some(object);
        },
    )
    .await;
    free_form(
        &stage.tester,
        &good,
        "metadata.data_profiling.source_data_reference",
        |r, object| {
            r.metadata = Some(VersionMetadata {
                kind: Some(MetadataKind::DataProfiling(wire::DataProfilingMetadata {
                    source_data_reference: Some(object),
                    ..Default::default()
                })),
            });
        },
    )
    .await;
    free_form(&stage.tester, &good, "metadata.data_profiling.profiling_parameters", |r, object| {
        r.metadata = Some(VersionMetadata {
            kind: Some(MetadataKind::DataProfiling(wire::DataProfilingMetadata {
                profiling_parameters: Some(object),
                ..Default::default()
            })),
        });
    })
    .await;
    each(Phase::DATA_PROFILING, RULE).await;
}

#[tokio::test]
async fn each_fault_of_a_scoping_decision_is_named() {
    let (stage, good) = good(Phase::SCOPING).await;
    all_are_named(&stage.tester, &good, &[SCOPING[0], SCOPING[2], SCOPING[3]]).await;
    free_form(&stage.tester, &good, "metadata.scoping.scoping_criteria", |r, object| {
        r.metadata = Some(VersionMetadata {
            kind: Some(MetadataKind::Scoping(wire::ScopingMetadata {
                scoping_criteria: Some(object),
                ..Default::default()
            })),
        });
    })
    .await;
    each(Phase::SCOPING, SCOPING).await;
}

#[tokio::test]
async fn each_fault_of_a_sample_is_named() {
    let (stage, good) = good(Phase::SAMPLE_SELECTION).await;
    all_are_named(&stage.tester, &good, &[SAMPLE[0], SAMPLE[4], SAMPLE[5], SAMPLE[6], SAMPLE[9]])
        .await;
    free_form(&stage.tester, &good, "decisions[0].payload.sample.sample_data", |r, object| {
        sample(r).sample_data = Some(object);
    })
    .await;
    free_form(&stage.tester, &good, "metadata.sample_selection.selection_criteria", |r, object| {
        selection(r).selection_criteria = Some(object);
    })
    .await;
    each(Phase::SAMPLE_SELECTION, SAMPLE).await;
}

#[tokio::test]
async fn the_largest_and_deepest_free_form_data_is_taken() {
    for object in [super::of_bytes(64 * 1024), super::nested(16)] {
        let (stage, mut good) = good(Phase::SAMPLE_SELECTION).await;
        sample(&mut good).sample_data = Some(object.clone());
        good.phase_data = Some(object.clone());
        let version = stage.tester.call(good).await.unwrap().version.unwrap();
        assert_eq!(version.phase_data, Some(object.clone()));
        let mut stored = stage.tester.decision(&version, "S-000000").await.payload.unwrap();
        match &mut stored.kind {
            Some(Kind::Sample(sample)) => assert_eq!(sample.sample_data, Some(object)),
            other => panic!("{other:?}"),
        }
    }
}
