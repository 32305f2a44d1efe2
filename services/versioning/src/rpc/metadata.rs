//! Metadata of versions on the wire.

use std::fmt;

use serde_json::Value;
use signoff_contract::convert::{NotAnObject, time_from_wire, time_to_wire};
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Violations;
use wire::version_metadata::Kind;

use super::payload::enums::{self, WireEnum as _};
use super::payload::fields::{date_to_wire, id_to_wire, object, object_to_wire};
use crate::domain::metadata::{
    DataProfilingMetadata, Derived, GenerationMethod, Metadata, MetadataBody, ObservationMetadata,
    PlanningMetadata, SampleSelectionMetadata, ScopingMetadata, TestReportMetadata, Unreadable,
};
use crate::domain::payload::{
    AttributeDecision, Check, Observation, PayloadBody, ProfilingRule, ReportSection, Sample,
    ScopingDecision,
};

/// The metadata of a version in a phase whose payloads are of `payload_kind`; nothing where it is
/// unset or a fault was noted. Derived numbers are ignored.
pub fn metadata_from_wire(
    payload_kind: &str,
    metadata: Option<wire::VersionMetadata>,
    path: fmt::Arguments<'_>,
    violations: &mut Violations,
) -> Option<Metadata> {
    let Some(kind) = metadata?.kind else {
        violations.add(path.to_string(), "is empty: set it to a kind, or leave it out");
        return None;
    };
    let (name, expected) = kind_names(&kind);
    if expected != payload_kind {
        violations.add(format!("{path}.{name}"), "is not what this phase takes");
        return None;
    }
    match kind {
        Kind::Planning(message) => close(planning, message, path, violations),
        Kind::DataProfiling(message) => close(data_profiling, message, path, violations),
        Kind::Scoping(message) => close(scoping, message, path, violations),
        Kind::SampleSelection(message) => close(sample_selection, message, path, violations),
        Kind::ObservationManagement(message) => close(observation, message, path, violations),
        Kind::FinalizeTestReport(message) => close(test_report, message, path, violations),
    }
}

/// The name of a kind, and the payload that goes with it.
fn kind_names(kind: &Kind) -> (&'static str, &'static str) {
    fn names<M: MetadataBody>() -> (&'static str, &'static str) {
        (M::NAME, M::Payload::KIND)
    }
    match kind {
        Kind::Planning(_) => names::<PlanningMetadata>(),
        Kind::DataProfiling(_) => names::<DataProfilingMetadata>(),
        Kind::Scoping(_) => names::<ScopingMetadata>(),
        Kind::SampleSelection(_) => names::<SampleSelectionMetadata>(),
        Kind::ObservationManagement(_) => names::<ObservationMetadata>(),
        Kind::FinalizeTestReport(_) => names::<TestReportMetadata>(),
    }
}

fn close<W, M: MetadataBody>(
    read: fn(W, &mut Check<'_>) -> M,
    message: W,
    path: fmt::Arguments<'_>,
    violations: &mut Violations,
) -> Option<Metadata> {
    let total_before = violations.total();
    let path = format_args!("{path}.{}", M::NAME);
    let metadata = read(message, &mut Check::new(path, violations));
    Metadata::close(metadata, path, total_before, violations)
}

fn planning(message: wire::PlanningMetadata, check: &mut Check<'_>) -> PlanningMetadata {
    PlanningMetadata {
        planning_metadata: object(check, "planning_metadata", message.planning_metadata),
    }
}

fn data_profiling(
    message: wire::DataProfilingMetadata,
    check: &mut Check<'_>,
) -> DataProfilingMetadata {
    DataProfilingMetadata {
        source_data_reference: object(
            check,
            "source_data_reference",
            message.source_data_reference,
        ),
        profiling_parameters: object(check, "profiling_parameters", message.profiling_parameters),
    }
}

fn scoping(message: wire::ScopingMetadata, check: &mut Check<'_>) -> ScopingMetadata {
    ScopingMetadata {
        scoping_criteria: object(check, "scoping_criteria", message.scoping_criteria),
    }
}

fn sample_selection(
    message: wire::SampleSelectionMetadata,
    check: &mut Check<'_>,
) -> SampleSelectionMetadata {
    SampleSelectionMetadata {
        selection_criteria: object(check, "selection_criteria", message.selection_criteria),
        target_sample_size: message.target_sample_size,
        generation_methods: message.generation_methods,
    }
}

fn observation(message: wire::ObservationMetadata, check: &mut Check<'_>) -> ObservationMetadata {
    ObservationMetadata {
        observation_period: object(check, "observation_period", message.observation_period),
    }
}

fn test_report(message: wire::TestReportMetadata, check: &mut Check<'_>) -> TestReportMetadata {
    let generated_at = message.generated_at.and_then(|time| {
        let (path, violations) = check.parts();
        time_from_wire(time, format_args!("{path}.generated_at"), violations)
    });
    TestReportMetadata {
        report_title: message.report_title,
        report_period_start: check
            .optional_date("report_period_start", &message.report_period_start),
        report_period_end: check.optional_date("report_period_end", &message.report_period_end),
        executive_summary: message.executive_summary,
        included_sections: message.included_sections,
        report_template_id: check.optional_id("report_template_id", &message.report_template_id),
        generated_at,
        generation_method: enums::optional(check, "generation_method", message.generation_method),
        draft_document_id: check.optional_id("draft_document_id", &message.draft_document_id),
        final_document_id: check.optional_id("final_document_id", &message.final_document_id),
        requires_executive_approval: message.requires_executive_approval,
    }
}

/// Stored metadata cannot be answered. A fault of our own: for the log only.
#[derive(Debug, thiserror::Error)]
pub enum CorruptMetadata {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Its free-form JSON is none.
    #[error("free-form JSON of stored metadata")]
    NotAnObject(#[from] NotAnObject),
}

/// Stored metadata as a message, with what is derived filled in. Where there is none, the message
/// of the phase is otherwise empty; a phase whose payloads the contract does not know has none.
///
/// # Errors
/// The metadata is not what this release could have stored.
pub fn metadata_to_wire(
    payload_kind: &str,
    schema: i16,
    body: Option<Value>,
    derived: &Derived,
) -> Result<Option<wire::VersionMetadata>, CorruptMetadata> {
    let kind = match payload_kind {
        AttributeDecision::KIND => {
            let PlanningMetadata { planning_metadata } = read(schema, body)?;
            Kind::Planning(wire::PlanningMetadata {
                planning_metadata: object_to_wire(planning_metadata)?,
            })
        }
        ProfilingRule::KIND => {
            let metadata: DataProfilingMetadata = read(schema, body)?;
            Kind::DataProfiling(wire::DataProfilingMetadata {
                source_data_reference: object_to_wire(metadata.source_data_reference)?,
                profiling_parameters: object_to_wire(metadata.profiling_parameters)?,
            })
        }
        ScopingDecision::KIND => {
            let ScopingMetadata { scoping_criteria } = read(schema, body)?;
            Kind::Scoping(wire::ScopingMetadata {
                scoping_criteria: object_to_wire(scoping_criteria)?,
                total_attributes: derived.total,
                scoped_attributes: derived.counted,
            })
        }
        Sample::KIND => {
            let mut metadata: SampleSelectionMetadata = read(schema, body)?;
            Kind::SampleSelection(wire::SampleSelectionMetadata {
                selection_criteria: object_to_wire(metadata.selection_criteria.take())?,
                target_sample_size: metadata.target(derived),
                actual_sample_size: derived.total,
                generation_methods: metadata.methods(derived),
            })
        }
        Observation::KIND => {
            let ObservationMetadata { observation_period } = read(schema, body)?;
            Kind::ObservationManagement(wire::ObservationMetadata {
                observation_period: object_to_wire(observation_period)?,
                total_observations: derived.total,
            })
        }
        ReportSection::KIND => {
            Kind::FinalizeTestReport(test_report_to_wire(read(schema, body)?, derived))
        }
        _ => return Ok(None),
    };
    Ok(Some(wire::VersionMetadata { kind: Some(kind) }))
}

fn read<M: MetadataBody>(schema: i16, body: Option<Value>) -> Result<M, CorruptMetadata> {
    match body {
        Some(body) => Ok(Metadata { schema, body }.read()?),
        None => Ok(M::default()),
    }
}

fn test_report_to_wire(
    metadata: TestReportMetadata,
    derived: &Derived,
) -> wire::TestReportMetadata {
    wire::TestReportMetadata {
        report_title: metadata.report_title,
        report_period_start: date_to_wire(metadata.report_period_start),
        report_period_end: date_to_wire(metadata.report_period_end),
        executive_summary: metadata.executive_summary,
        included_sections: metadata.included_sections,
        report_template_id: id_to_wire(metadata.report_template_id),
        generated_at: metadata.generated_at.map(time_to_wire),
        generation_method: metadata
            .generation_method
            .map(GenerationMethod::number)
            .unwrap_or_default(),
        draft_document_id: id_to_wire(metadata.draft_document_id),
        final_document_id: id_to_wire(derived.final_document.or(metadata.final_document_id)),
        requires_executive_approval: Some(metadata.requires_executive_approval.unwrap_or(true)),
    }
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
