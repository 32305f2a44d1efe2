//! Items for requests.

use prost_types::{Struct, Value, value::Kind};
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Phase;
use uuid::Uuid;
use wire::payload::Kind as PayloadKind;

/// A free-form object with one text.
pub fn object(key: &str, text: &str) -> Struct {
    let value = Value { kind: Some(Kind::StringValue(text.to_owned())) };
    Struct { fields: [(key.to_owned(), value)].into() }
}

/// A payload for a sample.
pub fn sample(key: &str, content: &str) -> wire::Payload {
    wire::Payload {
        kind: Some(PayloadKind::Sample(wire::Sample {
            sample_identifier: key.to_owned(),
            sample_data: Some(object("content", content)),
            sample_type: wire::SampleType::Population.into(),
            lob_id: String::new(),
        })),
    }
}

/// A recommended sample.
pub fn input(key: &str, content: &str) -> wire::DecisionInput {
    wire::DecisionInput {
        item_key: key.to_owned(),
        source: wire::RecommendationSource::Tester.into(),
        payload: Some(sample(key, content)),
        ..Default::default()
    }
}

/// Recommended samples with these numbers.
pub fn inputs(numbers: std::ops::Range<u32>) -> Vec<wire::DecisionInput> {
    numbers.map(|number| input(&format!("S-{number:06}"), "as drawn")).collect()
}

/// The id of an attribute with a number.
pub fn attribute_id(number: u32) -> String {
    Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0000 + u128::from(number)).to_string()
}

/// A payload for an attribute.
pub fn attribute(id: &str, reason: &str) -> wire::Payload {
    wire::Payload {
        kind: Some(PayloadKind::AttributeDecision(wire::AttributeDecision {
            attribute_id: id.to_owned(),
            attribute_name: format!("attribute {id}"),
            decision_type: wire::DecisionType::Include.into(),
            decision_reason: reason.to_owned(),
            ..Default::default()
        })),
    }
}

/// A payload for a profiling rule.
pub fn rule(about: &str, expression: &str) -> wire::Payload {
    wire::Payload {
        kind: Some(PayloadKind::ProfilingRule(wire::ProfilingRule {
            rule_type: wire::RuleType::Validation.into(),
            rule_definition: Some(object("expression", expression)),
            attribute_id: about.to_owned(),
        })),
    }
}

/// A payload for a scoping decision.
pub fn scoping(id: &str, is_in_scope: bool, rationale: &str) -> wire::Payload {
    wire::Payload {
        kind: Some(PayloadKind::ScopingDecision(wire::ScopingDecision {
            attribute_id: id.to_owned(),
            is_in_scope,
            scoping_rationale: rationale.to_owned(),
            risk_rating: wire::RiskRating::High.into(),
        })),
    }
}

/// A payload for an observation that stems from no test execution.
pub fn observation(content: &str) -> wire::Payload {
    wire::Payload {
        kind: Some(PayloadKind::Observation(wire::Observation {
            observation_type: wire::ObservationType::Finding.into(),
            severity: wire::Severity::High.into(),
            observation_data: Some(object("content", content)),
            remediation_status: "open".to_owned(),
            remediation_deadline: "2027-03-31".to_owned(),
            ..Default::default()
        })),
    }
}

/// A payload for an observation on these test executions.
pub fn finding(executions: &[String], severity: wire::Severity) -> wire::Payload {
    wire::Payload {
        kind: Some(PayloadKind::Observation(wire::Observation {
            observation_type: wire::ObservationType::Finding.into(),
            severity: severity.into(),
            execution_ids: executions.to_vec(),
            ..Default::default()
        })),
    }
}

/// A payload for a section of the report, in this place.
pub fn section(order: i32, content: &str) -> wire::Payload {
    wire::Payload {
        kind: Some(PayloadKind::ReportSection(wire::ReportSection {
            section_type: "findings".to_owned(),
            section_title: "Findings".to_owned(),
            section_content: content.to_owned(),
            section_order: order,
            content_source: wire::ContentSource::Manual.into(),
            source_references: vec![],
        })),
    }
}

/// A recommended section of the report, in this place.
pub fn section_input(key: &str, order: i32) -> wire::DecisionInput {
    wire::DecisionInput {
        item_key: key.to_owned(),
        source: wire::RecommendationSource::Tester.into(),
        payload: Some(section(order, "as written")),
        ..Default::default()
    }
}

/// A recommended observation on these test executions.
pub fn observed(key: &str, executions: &[String]) -> wire::DecisionInput {
    wire::DecisionInput {
        item_key: key.to_owned(),
        source: wire::RecommendationSource::Tester.into(),
        payload: Some(finding(executions, wire::Severity::High)),
        ..Default::default()
    }
}

/// The id of a test execution with a number, which the audit service does not have.
pub fn execution_id(number: u32) -> String {
    Uuid::from_u128(0x018f_0000_0000_7000_9000_0000_0000_0000 + u128::from(number)).to_string()
}

/// The key of a phase's item with a number.
pub fn key(phase: Phase, number: u32) -> String {
    match phase {
        Phase::PLANNING | Phase::SCOPING => attribute_id(number),
        Phase::DATA_PROFILING => format!("rule-{number}"),
        Phase::OBSERVATION_MANAGEMENT => format!("observation-{number}"),
        Phase::FINALIZE_TEST_REPORT => format!("section-{number}"),
        _ => format!("S-{number:06}"),
    }
}

/// A payload for a phase's item.
pub fn payload(phase: Phase, number: u32, content: &str) -> wire::Payload {
    let key = key(phase, number);
    match phase {
        Phase::PLANNING => attribute(&key, content),
        Phase::DATA_PROFILING => rule(&attribute_id(number), content),
        Phase::SCOPING => scoping(&key, true, content),
        Phase::OBSERVATION_MANAGEMENT => observation(content),
        Phase::FINALIZE_TEST_REPORT => {
            section(i32::try_from(number).expect("a small number") + 1, content)
        }
        _ => sample(&key, content),
    }
}

/// A phase's recommended item with a number.
pub fn item(phase: Phase, number: u32) -> wire::DecisionInput {
    wire::DecisionInput {
        item_key: key(phase, number),
        source: wire::RecommendationSource::Tester.into(),
        payload: Some(payload(phase, number, "as drawn")),
        ..Default::default()
    }
}

/// A phase's recommended items with these numbers.
pub fn items(phase: Phase, numbers: std::ops::Range<u32>) -> Vec<wire::DecisionInput> {
    numbers.map(|number| item(phase, number)).collect()
}
