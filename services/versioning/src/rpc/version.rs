//! Versions and artifacts on the wire.

use signoff_backend::Fault;
use signoff_contract::convert::{json_to_wire, scope_to_wire, time_to_wire};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Origin as WireOrigin;
use signoff_workflow::{PhaseRow, PhaseTable};

use super::facts::document_to_wire;
use super::metadata::metadata_to_wire;
use crate::domain::error::Error;
use crate::domain::metadata::Derived;
use crate::domain::states::{Origin, Source, VersionState};
use crate::domain::version::Version;
use crate::store::artifacts::Artifact;

/// A header for the wire.
///
/// # Errors
/// What is stored cannot be read: a fault of our own.
pub(super) fn version_to_wire(version: Version, row: &PhaseRow) -> Result<wire::Version, Error> {
    let counts = version.counts;
    let derived = Derived {
        total: counts.total,
        counted: counts.counted,
        sources: Source::in_set(version.sources).map(Source::name).collect(),
        final_document: version.final_document.as_ref().map(|document| document.document_id),
    };
    let metadata = metadata_to_wire(
        row.payload.unwrap_or_default(),
        version.metadata_schema,
        version.metadata.clone(),
        &derived,
    )
    .map_err(|error| Fault::Internal(error.to_string()))?;
    let phase_data = version
        .phase_data
        .as_ref()
        .map(json_to_wire)
        .transpose()
        .map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(wire::Version {
        etag: version.etag(),
        version_id: version.version_id.to_string(),
        final_document: version.final_document.map(document_to_wire),
        scope: Some(scope_to_wire(version.scope)),
        line_id: version.scope.line_id().to_string(),
        number: version.number,
        state: state_to_wire(version.state).into(),
        parent_version_id: version
            .parent
            .map(|parent| parent.version_id.to_string())
            .unwrap_or_default(),
        approved_version_id: version
            .approved_version_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        superseded_by_version_id: version
            .superseded_by
            .map(|id| id.to_string())
            .unwrap_or_default(),
        content_digest: version.content_digest.unwrap_or_default(),
        metadata,
        phase_data,
        counts: Some(wire::VersionCounts {
            total: counts.total,
            pending: counts.pending,
            approved: counts.approved,
            rejected: counts.rejected,
            modified: counts.modified + counts.proposed,
            carried: counts.carried,
            unconfirmed: counts.proposed,
        }),
        created_at: Some(time_to_wire(version.created_at)),
        created_by: version.created_by,
        updated_at: Some(time_to_wire(version.updated_at)),
        submitted_at: version.submitted_at.map(time_to_wire),
        submitted_by: version.submitted_by.unwrap_or_default(),
        reviewed_at: version.reviewed_at.map(time_to_wire),
        reviewed_by: version.reviewed_by.unwrap_or_default(),
        deleted_at: version.deleted_at.map(time_to_wire),
        deleted_by: version.deleted_by.unwrap_or_default(),
        creation_notes: version.creation_notes.unwrap_or_default(),
        submission_notes: version.submission_notes.unwrap_or_default(),
        review_notes: version.review_notes.unwrap_or_default(),
        delete_reason: version.delete_reason.unwrap_or_default(),
        origin: origin_to_wire(version.origin).into(),
        self_approved: version.self_approved,
        superseded_at: version.superseded_at.map(time_to_wire),
        occurred_at: Some(time_to_wire(version.occurred_at)),
        recorded_at: Some(time_to_wire(version.recorded_at)),
    })
}

/// A version's state for the wire.
pub(super) const fn state_to_wire(state: VersionState) -> wire::VersionState {
    match state {
        VersionState::Draft => wire::VersionState::Draft,
        VersionState::Submitted => wire::VersionState::Submitted,
        VersionState::Approved => wire::VersionState::Approved,
        VersionState::Rejected => wire::VersionState::Rejected,
        VersionState::Superseded => wire::VersionState::Superseded,
        VersionState::Deleted => wire::VersionState::Deleted,
    }
}

/// Where a record comes from, for the wire.
pub(super) const fn origin_to_wire(origin: Origin) -> WireOrigin {
    match origin {
        Origin::Native => WireOrigin::Native,
        Origin::Legacy => WireOrigin::Legacy,
    }
}

/// An entry of the registry for the wire.
pub(super) fn artifact_to_wire(artifact: Artifact, table: &PhaseTable) -> wire::Artifact {
    wire::Artifact {
        artifact_type: artifact.artifact_type,
        phase: table.by_slug(&artifact.phase).map_or(0, |row| row.phase.number()),
        version_id: artifact.version_id.to_string(),
        version_number: artifact.number,
        approved_at: Some(time_to_wire(artifact.approved_at)),
        approved_by: artifact.approved_by,
        notes: artifact.notes.unwrap_or_default(),
        superseded_at: artifact.superseded_at.map(time_to_wire),
    }
}
