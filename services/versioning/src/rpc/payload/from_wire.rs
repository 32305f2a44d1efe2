//! From the wire: checked, with every fault noted.

use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Violations;
use wire::payload::Kind;

use super::{enums, fields};
use crate::domain::payload::{
    AttributeDecision, Check, Content, Observation, PayloadBody, Place, ProfilingRule,
    ReportSection, Sample, ScopingDecision, check_item_key,
};

/// The content of an item of a phase whose payloads are of `expected_kind`; nothing where a fault
/// was noted.
pub fn content_from_wire(
    expected_kind: &str,
    item_key: String,
    payload: Option<wire::Payload>,
    place: Place<'_>,
    violations: &mut Violations,
) -> Option<Content> {
    let mut refuse = |path: String, fault: String| {
        check_item_key(&item_key, place.item_key, violations);
        violations.add(path, fault);
        None
    };
    let path = place.payload;
    let Some(kind) = payload.and_then(|payload| payload.kind) else {
        return refuse(path.to_string(), format!("is required: of kind {expected_kind}"));
    };
    let name = kind_name(&kind);
    if name != expected_kind {
        return refuse(
            format!("{path}.{name}"),
            format!("is not what this phase takes: {expected_kind}"),
        );
    }
    match kind {
        Kind::AttributeDecision(message) => {
            close(attribute_decision, message, item_key, place, violations)
        }
        Kind::ProfilingRule(message) => close(profiling_rule, message, item_key, place, violations),
        Kind::ScopingDecision(message) => {
            close(scoping_decision, message, item_key, place, violations)
        }
        Kind::Sample(message) => close(sample, message, item_key, place, violations),
        Kind::Observation(message) => close(observation, message, item_key, place, violations),
        Kind::ReportSection(message) => close(report_section, message, item_key, place, violations),
    }
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::AttributeDecision(_) => AttributeDecision::KIND,
        Kind::ProfilingRule(_) => ProfilingRule::KIND,
        Kind::ScopingDecision(_) => ScopingDecision::KIND,
        Kind::Sample(_) => Sample::KIND,
        Kind::Observation(_) => Observation::KIND,
        Kind::ReportSection(_) => ReportSection::KIND,
    }
}

/// Reads a message and closes it up, after all its faults were noted.
fn close<M, B: PayloadBody>(
    read: fn(M, &mut Check<'_>) -> B,
    message: M,
    item_key: String,
    place: Place<'_>,
    violations: &mut Violations,
) -> Option<Content> {
    let total_before = violations.total();
    let payload = place.payload;
    let path = format_args!("{payload}.{}", B::KIND);
    let body = read(message, &mut Check::new(path, violations));
    Content::close(body, item_key, place, path, total_before, violations)
}

fn attribute_decision(
    message: wire::AttributeDecision,
    check: &mut Check<'_>,
) -> AttributeDecision {
    if !message.modification_history.is_empty() {
        check.refuse("modification_history", "is answered only");
    }
    AttributeDecision {
        attribute_id: check.id("attribute_id", &message.attribute_id),
        attribute_name: message.attribute_name,
        is_key: message.is_key,
        attribute_data: fields::object(check, "attribute_data", message.attribute_data),
        decision_type: enums::required(check, "decision_type", message.decision_type),
        decision_reason: message.decision_reason,
        decision_metadata: fields::object(check, "decision_metadata", message.decision_metadata),
    }
}

fn profiling_rule(message: wire::ProfilingRule, check: &mut Check<'_>) -> ProfilingRule {
    ProfilingRule {
        rule_type: enums::required(check, "rule_type", message.rule_type),
        rule_definition: fields::object(check, "rule_definition", message.rule_definition),
        attribute_id: check.id("attribute_id", &message.attribute_id),
    }
}

fn scoping_decision(message: wire::ScopingDecision, check: &mut Check<'_>) -> ScopingDecision {
    ScopingDecision {
        attribute_id: check.id("attribute_id", &message.attribute_id),
        is_in_scope: message.is_in_scope,
        scoping_rationale: message.scoping_rationale,
        risk_rating: enums::optional(check, "risk_rating", message.risk_rating),
    }
}

fn sample(message: wire::Sample, check: &mut Check<'_>) -> Sample {
    Sample {
        sample_identifier: message.sample_identifier,
        sample_data: fields::object(check, "sample_data", message.sample_data),
        sample_type: enums::required(check, "sample_type", message.sample_type),
        lob_id: check.optional_id("lob_id", &message.lob_id),
    }
}

fn observation(message: wire::Observation, check: &mut Check<'_>) -> Observation {
    Observation {
        observation_type: enums::required(check, "observation_type", message.observation_type),
        severity: enums::required(check, "severity", message.severity),
        observation_data: fields::object(check, "observation_data", message.observation_data),
        execution_ids: check.ids("execution_ids", &message.execution_ids),
        evidence_references: message.evidence_references,
        remediation_status: message.remediation_status,
        remediation_deadline: check
            .optional_date("remediation_deadline", &message.remediation_deadline),
    }
}

fn report_section(message: wire::ReportSection, check: &mut Check<'_>) -> ReportSection {
    ReportSection {
        section_type: message.section_type,
        section_title: message.section_title,
        section_content: message.section_content,
        section_order: message.section_order,
        content_source: enums::required(check, "content_source", message.content_source),
        source_references: message.source_references,
    }
}
