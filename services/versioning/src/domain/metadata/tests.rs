use serde_json::json;

use super::*;

fn faults<M: MetadataBody>(body: Value) -> Vec<String> {
    let mut violations = Violations::default();
    let metadata: M = serde_json::from_value(body).unwrap();
    let closed = Metadata::close(metadata, format_args!("metadata"), 0, &mut violations);
    assert_eq!(closed.is_none(), !violations.is_empty());
    violations.named().iter().map(|fault| fault.field.clone()).collect()
}

fn kept<M: MetadataBody>(body: Value) {
    let metadata: M = serde_json::from_value(body.clone()).unwrap();
    let mut violations = Violations::default();
    let closed = Metadata::close(metadata, format_args!("m"), 0, &mut violations).unwrap();
    assert_eq!(closed, Metadata { schema: SCHEMA, body });
}

#[test]
fn every_kind_is_kept_as_it_came() {
    kept::<PlanningMetadata>(json!({"planning_metadata": {"a": 1}}));
    kept::<DataProfilingMetadata>(
        json!({"source_data_reference": {"files": ["a"]}, "profiling_parameters": {}}),
    );
    kept::<ScopingMetadata>(json!({"scoping_criteria": {"risk": "high"}}));
    kept::<SampleSelectionMetadata>(json!({"selection_criteria": {"n": 2},
        "target_sample_size": 100, "generation_methods": ["stratified"]}));
    kept::<ObservationMetadata>(json!({"observation_period": {"start": "2026-01-01"}}));
    kept::<TestReportMetadata>(json!({"report_title": "T", "report_period_start": "2026-01-01",
        "report_period_end": "2026-01-01", "executive_summary": "S", "included_sections": ["a"],
        "report_template_id": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "generated_at": "2026-11-20T08:30:00.000001Z", "generation_method": "hybrid",
        "draft_document_id": "6f9619ff-8b86-d011-b42d-00c04fc964fe",
        "final_document_id": "6f9619ff-8b86-d011-b42d-00c04fc964fd",
        "requires_executive_approval": false}));
    kept::<TestReportMetadata>(json!({}));
}

#[test]
fn faults_are_named() {
    assert_eq!(
        faults::<PlanningMetadata>(json!({"planning_metadata": {"k": "\0"}})),
        ["metadata.planning_metadata"]
    );
    let broken = json!({"k": "\0"});
    assert_eq!(
        faults::<DataProfilingMetadata>(
            json!({"source_data_reference": broken, "profiling_parameters": broken})
        ),
        ["metadata.source_data_reference", "metadata.profiling_parameters"]
    );
    assert_eq!(
        faults::<ScopingMetadata>(json!({"scoping_criteria": broken})),
        ["metadata.scoping_criteria"]
    );
    assert_eq!(
        faults::<ObservationMetadata>(json!({"observation_period": broken})),
        ["metadata.observation_period"]
    );
    for size in [-1, MAX_TARGET + 1] {
        assert_eq!(
            faults::<SampleSelectionMetadata>(json!({"target_sample_size": size})),
            ["metadata.target_sample_size"]
        );
    }
    assert_eq!(
        faults::<TestReportMetadata>(json!({"report_title": "t".repeat(256),
            "report_period_start": "2026-02-01", "report_period_end": "2026-01-31",
            "included_sections": [""]})),
        ["metadata.report_title", "metadata.report_period_end", "metadata.included_sections[0]"]
    );
}

#[test]
fn derived_numbers_are_no_input() {
    assert!(serde_json::from_value::<ScopingMetadata>(json!({"total_attributes": 1})).is_err());
    assert!(
        serde_json::from_value::<SampleSelectionMetadata>(json!({"actual_sample_size": 1}))
            .is_err()
    );
    assert!(
        serde_json::from_value::<ObservationMetadata>(json!({"total_observations": 1})).is_err()
    );
}

#[test]
fn what_was_left_open_is_derived() {
    let derived =
        Derived { total: 90, counted: 0, sources: vec!["tester", "llm"], ..Derived::default() };
    let open = SampleSelectionMetadata::default();
    assert_eq!(open.target(&derived), 90);
    assert_eq!(open.methods(&derived), ["tester", "llm"]);
    let said = SampleSelectionMetadata {
        target_sample_size: 100,
        generation_methods: vec!["stratified".to_owned()],
        ..SampleSelectionMetadata::default()
    };
    assert_eq!(said.target(&derived), 100);
    assert_eq!(said.methods(&derived), ["stratified"]);
}
