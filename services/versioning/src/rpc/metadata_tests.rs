use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::domain::metadata::SCHEMA;
use crate::domain::payload::{PayloadRegistry, canonical};

/// Metadata as it was stored by some release, and what it is answered with. Never changed.
#[derive(Deserialize)]
struct Golden {
    payload_kind: String,
    schema: i16,
    body: Value,
    hash: String,
}

fn golden_files() -> Vec<Golden> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metadata");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap())
        .collect()
}

fn derived() -> Derived {
    Derived { total: 90, counted: 60, sources: vec!["tester", "llm"], ..Derived::default() }
}

fn taken(kind: &str, message: Option<Kind>) -> Result<Option<Metadata>, Vec<String>> {
    let mut violations = Violations::default();
    let message = message.map(|kind| wire::VersionMetadata { kind: Some(kind) });
    let metadata = metadata_from_wire(kind, message, format_args!("metadata"), &mut violations);
    if violations.is_empty() {
        return Ok(metadata);
    }
    assert_eq!(metadata, None);
    Err(violations.named().iter().map(|fault| fault.field.clone()).collect())
}

fn answered(kind: &str, body: Option<Value>) -> Kind {
    metadata_to_wire(kind, SCHEMA, body, &derived()).unwrap().unwrap().kind.unwrap()
}

#[test]
fn what_was_stored_is_answered_and_taken_again_with_the_same_hash() {
    let files = golden_files();
    for kind in PayloadRegistry::standard().kinds() {
        assert!(files.iter().any(|file| file.payload_kind == kind && file.schema == SCHEMA));
    }
    for file in files {
        let kind = file.payload_kind.as_str();
        assert_eq!(hex::encode(canonical::hash(&file.body)), file.hash, "{kind}");
        let message = metadata_to_wire(kind, file.schema, Some(file.body.clone()), &derived());
        let again = taken(kind, message.unwrap().unwrap().kind).unwrap();
        assert_eq!(again, Some(Metadata { schema: SCHEMA, body: file.body }), "{kind}");
    }
}

#[test]
fn derived_numbers_are_filled_in_where_nothing_was_said() {
    assert_eq!(
        answered("scoping_decision", None),
        Kind::Scoping(wire::ScopingMetadata {
            scoping_criteria: None,
            total_attributes: 90,
            scoped_attributes: 60,
        })
    );
    assert_eq!(
        answered("sample", None),
        Kind::SampleSelection(wire::SampleSelectionMetadata {
            selection_criteria: None,
            target_sample_size: 90,
            actual_sample_size: 90,
            generation_methods: vec!["tester".to_owned(), "llm".to_owned()],
        })
    );
    assert_eq!(
        answered("observation", None),
        Kind::ObservationManagement(wire::ObservationMetadata {
            observation_period: None,
            total_observations: 90,
        })
    );
    assert_eq!(answered("attribute_decision", None), Kind::Planning(Default::default()));
    assert_eq!(answered("profiling_rule", None), Kind::DataProfiling(Default::default()));
    assert_eq!(
        answered("report_section", None),
        Kind::FinalizeTestReport(wire::TestReportMetadata {
            requires_executive_approval: Some(true),
            ..Default::default()
        })
    );
    assert_eq!(metadata_to_wire("training", 1, None, &derived()).unwrap(), None);
}

#[test]
fn what_was_said_is_kept_and_derived_numbers_are_ignored() {
    let said = wire::SampleSelectionMetadata {
        selection_criteria: None,
        target_sample_size: 100,
        actual_sample_size: -7,
        generation_methods: vec!["stratified".to_owned()],
    };
    let stored = taken("sample", Some(Kind::SampleSelection(said.clone()))).unwrap().unwrap();
    assert_eq!(
        stored.body,
        json!({"target_sample_size": 100, "generation_methods": ["stratified"]})
    );
    assert_eq!(
        answered("sample", Some(stored.body)),
        Kind::SampleSelection(wire::SampleSelectionMetadata { actual_sample_size: 90, ..said })
    );
    let scoping = wire::ScopingMetadata { total_attributes: 5, ..Default::default() };
    let stored = taken("scoping_decision", Some(Kind::Scoping(scoping))).unwrap().unwrap();
    assert_eq!(stored.body, json!({}));
}

#[test]
fn faults_are_named() {
    assert_eq!(taken("sample", None), Ok(None));
    let mut violations = Violations::default();
    let empty = Some(wire::VersionMetadata { kind: None });
    assert_eq!(metadata_from_wire("sample", empty, format_args!("m"), &mut violations), None);
    assert_eq!(violations.named()[0].field, "m");
    assert_eq!(
        taken("sample", Some(Kind::Planning(Default::default()))).unwrap_err(),
        ["metadata.planning"]
    );
    let report = wire::TestReportMetadata {
        report_period_start: "yesterday".to_owned(),
        report_template_id: "1".to_owned(),
        generated_at: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }),
        generation_method: 4,
        report_title: "t".repeat(256),
        ..Default::default()
    };
    let path = |field: &str| format!("metadata.finalize_test_report.{field}");
    assert_eq!(
        taken("report_section", Some(Kind::FinalizeTestReport(report))).unwrap_err(),
        [
            "generated_at",
            "report_period_start",
            "report_template_id",
            "generation_method",
            "report_title"
        ]
        .map(path)
    );
}

#[test]
fn what_cannot_have_been_stored_here_is_no_message() {
    for (schema, body) in [(2, json!({})), (1, json!({"size": 1}))] {
        let refused = metadata_to_wire("sample", schema, Some(body), &derived()).unwrap_err();
        assert!(matches!(refused, CorruptMetadata::Unreadable(_)), "{refused:?}");
        let told = refused.to_string();
        assert!(told.contains("sample_selection") && told.contains(&format!("schema {schema}")));
    }
}
