//! To the wire, from what is stored: in any schema that was ever written.

use serde_json::Value;
use signoff_contract::convert::NotAnObject;
use signoff_contract::versioning::v1 as wire;
use wire::payload::Kind;

use super::enums::WireEnum as _;
use super::fields::{date_to_wire, id_to_wire, object_to_wire};
use crate::domain::payload::{
    AttributeDecision, Observation, PayloadBody, ProfilingRule, ReportSection, RiskRating, Sample,
    ScopingDecision, UnknownSchema,
};

/// A stored payload cannot be answered. A fault of our own: for the log only.
#[derive(Debug, thiserror::Error)]
pub enum CorruptPayload {
    /// The contract has no message for the kind.
    #[error("the contract has no payload {kind:?}")]
    NoMessage {
        /// The kind.
        kind: String,
    },
    /// It was written by a newer release.
    #[error(transparent)]
    UnknownSchema(#[from] UnknownSchema),
    /// It is not what its kind and schema say.
    #[error("a stored {kind} cannot be read")]
    Unreadable {
        /// The kind.
        kind: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// Its free-form JSON is none.
    #[error("free-form JSON of a stored payload")]
    NotAnObject(#[from] NotAnObject),
}

/// A stored payload as a message. The history of an attribute decision's modifications is left
/// empty: it is the lineage's.
///
/// # Errors
/// The payload is not one that this release could have stored.
pub fn payload_to_wire(
    kind: &str,
    schema: i16,
    body: Value,
) -> Result<wire::Payload, CorruptPayload> {
    let kind = match kind {
        AttributeDecision::KIND => {
            Kind::AttributeDecision(attribute_decision(read(schema, body)?)?)
        }
        ProfilingRule::KIND => Kind::ProfilingRule(profiling_rule(read(schema, body)?)?),
        ScopingDecision::KIND => Kind::ScopingDecision(scoping_decision(read(schema, body)?)),
        Sample::KIND => Kind::Sample(sample(read(schema, body)?)?),
        Observation::KIND => Kind::Observation(observation(read(schema, body)?)?),
        ReportSection::KIND => Kind::ReportSection(report_section(read(schema, body)?)),
        _ => return Err(CorruptPayload::NoMessage { kind: kind.to_owned() }),
    };
    Ok(wire::Payload { kind: Some(kind) })
}

fn read<B: PayloadBody>(schema: i16, body: Value) -> Result<B, CorruptPayload> {
    serde_json::from_value(B::upgrade(schema, body)?)
        .map_err(|source| CorruptPayload::Unreadable { kind: B::KIND, source })
}

fn attribute_decision(body: AttributeDecision) -> Result<wire::AttributeDecision, NotAnObject> {
    Ok(wire::AttributeDecision {
        attribute_id: body.attribute_id.to_string(),
        attribute_name: body.attribute_name,
        is_key: body.is_key,
        attribute_data: object_to_wire(body.attribute_data)?,
        decision_type: body.decision_type.number(),
        decision_reason: body.decision_reason,
        decision_metadata: object_to_wire(body.decision_metadata)?,
        modification_history: Vec::new(),
    })
}

fn profiling_rule(body: ProfilingRule) -> Result<wire::ProfilingRule, NotAnObject> {
    Ok(wire::ProfilingRule {
        rule_type: body.rule_type.number(),
        rule_definition: object_to_wire(body.rule_definition)?,
        attribute_id: body.attribute_id.to_string(),
    })
}

fn scoping_decision(body: ScopingDecision) -> wire::ScopingDecision {
    wire::ScopingDecision {
        attribute_id: body.attribute_id.to_string(),
        is_in_scope: body.is_in_scope,
        scoping_rationale: body.scoping_rationale,
        risk_rating: body.risk_rating.map(RiskRating::number).unwrap_or_default(),
    }
}

fn sample(body: Sample) -> Result<wire::Sample, NotAnObject> {
    Ok(wire::Sample {
        sample_identifier: body.sample_identifier,
        sample_data: object_to_wire(body.sample_data)?,
        sample_type: body.sample_type.number(),
        lob_id: id_to_wire(body.lob_id),
    })
}

fn observation(body: Observation) -> Result<wire::Observation, NotAnObject> {
    Ok(wire::Observation {
        observation_type: body.observation_type.number(),
        severity: body.severity.number(),
        observation_data: object_to_wire(body.observation_data)?,
        execution_ids: body.execution_ids.iter().map(ToString::to_string).collect(),
        evidence_references: body.evidence_references,
        remediation_status: body.remediation_status,
        remediation_deadline: date_to_wire(body.remediation_deadline),
    })
}

fn report_section(body: ReportSection) -> wire::ReportSection {
    wire::ReportSection {
        section_type: body.section_type,
        section_title: body.section_title,
        section_content: body.section_content,
        section_order: body.section_order,
        content_source: body.content_source.number(),
        source_references: body.source_references,
    }
}
