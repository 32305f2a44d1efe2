use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};
use signoff_contract::convert::json_to_wire;
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Violations;
use wire::payload::Kind;

use super::*;
use crate::domain::payload::{Content, PayloadRegistry, Place, canonical};

const ID: &str = "6f9619ff-8b86-d011-b42d-00c04fc964ff";

/// A payload as it was stored by some release. These files are never changed: what was once
/// stored stays readable.
#[derive(Deserialize)]
struct Golden {
    kind: String,
    schema: i16,
    item_key: String,
    counted: bool,
    body: Value,
    hash: String,
}

fn golden_files() -> BTreeMap<String, Golden> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/payload");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let golden = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (path.file_name().unwrap().to_string_lossy().into_owned(), golden)
        })
        .collect()
}

fn content(kind: &str, key: &str, payload: Option<Kind>) -> Result<Content, Vec<String>> {
    let mut violations = Violations::default();
    let place = Place {
        item_key: format_args!("decisions[{}].item_key", 3),
        payload: format_args!("decisions[{}].payload", 3),
    };
    let payload = payload.map(|kind| wire::Payload { kind: Some(kind) });
    let content = content_from_wire(kind, key.to_owned(), payload, place, &mut violations);
    assert_eq!(content.is_none(), !violations.is_empty());
    content.ok_or_else(|| violations.named().iter().map(|fault| fault.field.clone()).collect())
}

#[test]
fn what_was_stored_is_answered_and_taken_again_with_the_same_hash() {
    for (file, golden) in golden_files() {
        assert_eq!(file, format!("{}.v{}.json", golden.kind, golden.schema));
        assert_eq!(hex::encode(canonical::hash(&golden.body)), golden.hash, "{file}");
        let message = payload_to_wire(&golden.kind, golden.schema, golden.body.clone()).unwrap();
        let taken = content(&golden.kind, &golden.item_key, message.kind.clone()).unwrap();
        assert_eq!(taken.item_key, golden.item_key, "{file}");
        assert_eq!(taken.counted, golden.counted, "{file}");
        let newest = PayloadRegistry::standard();
        let upgraded = newest.upgrade(&golden.kind, golden.schema, golden.body.clone()).unwrap();
        assert_eq!(taken.body, upgraded, "{file}");
        if taken.schema == golden.schema {
            assert_eq!(hex::encode(taken.hash), golden.hash, "{file}");
        }
        assert_eq!(payload_to_wire(taken.kind, taken.schema, taken.body).unwrap(), message);
    }
}

#[test]
fn every_kind_and_schema_has_a_golden_file() {
    let files = golden_files();
    let registry = PayloadRegistry::standard();
    for kind in registry.kinds() {
        for schema in 1..=registry.spec(kind).unwrap().schema() {
            assert!(files.contains_key(&format!("{kind}.v{schema}.json")), "{kind} {schema}");
        }
    }
}

#[test]
fn the_least_that_is_taken_stays_the_least() {
    let least = [
        (
            ID,
            Kind::AttributeDecision(wire::AttributeDecision {
                attribute_id: ID.to_uppercase(),
                attribute_name: "Bank ID".to_owned(),
                decision_type: wire::DecisionType::Include.into(),
                ..Default::default()
            }),
            json!({"attribute_id": ID, "attribute_name": "Bank ID", "is_key": false, "decision_type": "include"}),
        ),
        (
            "R",
            Kind::ProfilingRule(wire::ProfilingRule {
                rule_type: wire::RuleType::Transformation.into(),
                attribute_id: ID.to_owned(),
                rule_definition: None,
            }),
            json!({"rule_type": "transformation", "attribute_id": ID}),
        ),
        (
            ID,
            Kind::ScopingDecision(wire::ScopingDecision {
                attribute_id: ID.to_owned(),
                ..Default::default()
            }),
            json!({"attribute_id": ID, "is_in_scope": false}),
        ),
        (
            "S",
            Kind::Sample(wire::Sample {
                sample_identifier: "S".to_owned(),
                sample_data: Some(json_to_wire(&json!({})).unwrap()),
                sample_type: wire::SampleType::Population.into(),
                lob_id: String::new(),
            }),
            json!({"sample_identifier": "S", "sample_data": {}, "sample_type": "population"}),
        ),
        (
            "O",
            Kind::Observation(wire::Observation {
                observation_type: wire::ObservationType::Finding.into(),
                severity: wire::Severity::Low.into(),
                ..Default::default()
            }),
            json!({"observation_type": "finding", "severity": "low"}),
        ),
        (
            "s",
            Kind::ReportSection(wire::ReportSection {
                section_type: "findings".to_owned(),
                section_title: "Findings".to_owned(),
                section_order: 2,
                content_source: wire::ContentSource::Manual.into(),
                ..Default::default()
            }),
            json!({"section_type": "findings", "section_title": "Findings", "section_order": 2,
                "content_source": "manual"}),
        ),
    ];
    for (key, payload, body) in least {
        let kind = body_kind(&payload);
        let taken = content(kind, key, Some(payload.clone())).unwrap();
        assert_eq!(taken.body, body);
        assert_eq!(taken.hash, canonical::hash(&body));
        let answered = payload_to_wire(kind, 1, body).unwrap().kind.unwrap();
        if kind != "attribute_decision" {
            // That one came in upper case.
            assert_eq!(answered, payload);
        }
    }
}

fn body_kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::AttributeDecision(_) => "attribute_decision",
        Kind::ProfilingRule(_) => "profiling_rule",
        Kind::ScopingDecision(_) => "scoping_decision",
        Kind::Sample(_) => "sample",
        Kind::Observation(_) => "observation",
        Kind::ReportSection(_) => "report_section",
    }
}

#[test]
fn a_missing_or_another_kind_is_named_with_a_faulty_key() {
    assert_eq!(content("sample", "S", None).unwrap_err(), ["decisions[3].payload"]);
    let mut violations = Violations::default();
    let place = Place { item_key: format_args!("k"), payload: format_args!("p") };
    let empty = Some(wire::Payload { kind: None });
    assert!(content_from_wire("sample", String::new(), empty, place, &mut violations).is_none());
    assert_eq!(violations.named().len(), 2);
    assert_eq!(
        content("scoping_decision", "", Some(Kind::Sample(wire::Sample::default()))).unwrap_err(),
        ["decisions[3].item_key", "decisions[3].payload.sample"]
    );
    assert_eq!(
        content("training", "t", Some(Kind::Sample(wire::Sample::default()))).unwrap_err(),
        ["decisions[3].payload.sample"]
    );
}

#[test]
fn every_fault_of_a_payload_is_named() {
    let path = |kind: &str, fields: &[&str]| -> Vec<String> {
        fields.iter().map(|field| format!("decisions[3].payload.{kind}.{field}")).collect()
    };
    assert_eq!(
        content(
            "sample",
            "S",
            Some(Kind::Sample(wire::Sample {
                sample_identifier: " ".to_owned(),
                sample_data: Some(json_to_wire(&json!({"a": "\0", "b": "\0"})).unwrap()),
                sample_type: 9,
                lob_id: "card".to_owned(),
            }))
        )
        .unwrap_err(),
        path(
            "sample",
            &["sample_data.a", "sample_data.b", "sample_type", "lob_id", "sample_identifier"]
        )
    );
    assert_eq!(
        content(
            "attribute_decision",
            ID,
            Some(Kind::AttributeDecision(wire::AttributeDecision {
                attribute_id: "1".to_owned(),
                modification_history: vec![wire::Modification::default()],
                decision_reason: "r".repeat(4_001),
                ..Default::default()
            }))
        )
        .unwrap_err(),
        path(
            "attribute_decision",
            &[
                "modification_history",
                "attribute_id",
                "decision_type",
                "attribute_name",
                "decision_reason"
            ]
        )
    );
    assert_eq!(
        content("profiling_rule", "R", Some(Kind::ProfilingRule(wire::ProfilingRule::default())))
            .unwrap_err(),
        path("profiling_rule", &["rule_type", "attribute_id"])
    );
    assert_eq!(
        content(
            "scoping_decision",
            ID,
            Some(Kind::ScopingDecision(wire::ScopingDecision {
                attribute_id: ID.to_owned(),
                risk_rating: -1,
                scoping_rationale: "\0".to_owned(),
                is_in_scope: true,
            }))
        )
        .unwrap_err(),
        path("scoping_decision", &["risk_rating", "scoping_rationale"])
    );
    assert_eq!(
        content(
            "observation",
            "O",
            Some(Kind::Observation(wire::Observation {
                execution_ids: vec![ID.to_owned(), String::new()],
                remediation_deadline: "2026-02-30".to_owned(),
                ..Default::default()
            }))
        )
        .unwrap_err(),
        path(
            "observation",
            &["observation_type", "severity", "execution_ids[1]", "remediation_deadline"]
        )
    );
    assert_eq!(
        content("report_section", "s", Some(Kind::ReportSection(wire::ReportSection::default())))
            .unwrap_err(),
        path(
            "report_section",
            &["content_source", "section_type", "section_title", "section_order"]
        )
    );
}

#[test]
fn a_key_that_the_payload_does_not_name_is_refused() {
    let sample = wire::Sample {
        sample_identifier: "S-1".to_owned(),
        sample_type: wire::SampleType::Targeted.into(),
        ..Default::default()
    };
    assert_eq!(
        content("sample", "s-1", Some(Kind::Sample(sample))).unwrap_err(),
        ["decisions[3].payload.sample.sample_identifier"]
    );
}

#[test]
fn what_cannot_have_been_stored_here_is_no_message() {
    assert!(matches!(
        payload_to_wire("sample", 2, json!({})),
        Err(CorruptPayload::UnknownSchema(_))
    ));
    assert!(matches!(
        payload_to_wire("sample", 1, json!({})),
        Err(CorruptPayload::Unreadable { kind: "sample", .. })
    ));
    assert!(matches!(
        payload_to_wire("training", 1, json!({})),
        Err(CorruptPayload::NoMessage { .. })
    ));
}
