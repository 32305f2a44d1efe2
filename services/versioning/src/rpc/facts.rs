//! Facts that outlive approval, on the wire.

use signoff_backend::rpc::change;
use signoff_backend::rpc::inputs::{etag, optional_text};
use signoff_contract::convert::{text, time_to_wire, uuid};
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::{PhaseRow, Violations};
use tonic::{Request, Response, Status};

use super::decision::decision_to_wire;
use super::reads::found_with_facts;
use super::version::version_to_wire;
use crate::commands::{AttachFinalDocument, Engine, UpdateRemediation};
use crate::domain::fact::{FinalDocument, Remediation};
use crate::domain::payload::check::{MAX_NAME, parse_date};
use crate::domain::payload::{Observation, PayloadBody as _};

type Answered<A> = Result<Response<A>, Status>;

/// `UpdateRemediation`.
pub(super) async fn update_remediation(
    engine: &Engine,
    request: Request<wire::UpdateRemediationRequest>,
) -> Answered<wire::UpdateRemediationResponse> {
    change(engine, request, update_from_wire, |change, input, row| {
        Box::pin(async move {
            let id = change.update_remediation(input).await?;
            let found = found_with_facts(change.conn(), id, &row).await?;
            let decision = Some(decision_to_wire(found, Vec::new(), &row)?);
            Ok(wire::UpdateRemediationResponse { decision })
        })
    })
    .await
}

/// `AttachFinalDocument`.
pub(super) async fn attach_final_document(
    engine: &Engine,
    request: Request<wire::AttachFinalDocumentRequest>,
) -> Answered<wire::AttachFinalDocumentResponse> {
    change(engine, request, attach_from_wire, |change, input, row| {
        Box::pin(async move {
            let version = change.attach_final_document(input).await?;
            let version = Some(version_to_wire(version, &row)?);
            Ok(wire::AttachFinalDocumentResponse { version })
        })
    })
    .await
}

fn update_from_wire(
    request: wire::UpdateRemediationRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<UpdateRemediation> {
    if !has_remedies(row) {
        violations.add("scope.phase", "holds no observations");
    }
    let decision_id = uuid(&request.decision_id, "decision_id", violations);
    let (status, deadline) = (request.remediation_status, request.remediation_deadline);
    if status.is_none() && deadline.is_none() {
        let why = "nothing to change: set remediation_status or remediation_deadline";
        violations.add("remediation_status", why);
    }
    if let Some(status) = &status {
        text(status, "remediation_status", MAX_NAME, false, violations);
    }
    let deadline = deadline.map(|written| {
        let date = parse_date(&written);
        if date.is_none() && !written.is_empty() {
            violations.add("remediation_deadline", "is not a date of the form YYYY-MM-DD");
        }
        date
    });
    let reason = optional_text(request.reason, "reason", violations);
    let etag = etag(request.etag);
    Some(UpdateRemediation { decision_id: decision_id?, etag, status, deadline, reason })
}

fn attach_from_wire(
    request: wire::AttachFinalDocumentRequest,
    row: &PhaseRow,
    violations: &mut Violations,
) -> Option<AttachFinalDocument> {
    if row.sign_offs.is_empty() {
        violations.add("scope.phase", "has no final document");
    }
    let version_id = uuid(&request.version_id, "version_id", violations);
    let document_id = uuid(&request.document_id, "document_id", violations);
    let sha256 = request.sha256;
    if sha256.len() != 32 {
        violations.add("sha256", format!("has {} bytes; a SHA-256 has 32", sha256.len()));
    }
    Some(AttachFinalDocument {
        version_id: version_id?,
        etag: etag(request.etag),
        document_id: document_id?,
        sha256,
    })
}

/// Whether the decisions of a phase have remedies.
pub(super) fn has_remedies(row: &PhaseRow) -> bool {
    row.payload == Some(Observation::KIND)
}

/// How far a remedy is, for the wire.
pub(super) fn remediation_to_wire(remediation: Remediation) -> wire::Remediation {
    wire::Remediation {
        etag: Remediation::etag(Some(&remediation)),
        remediation_status: remediation.status,
        remediation_deadline: remediation.deadline.map(|date| date.to_string()).unwrap_or_default(),
        reason: remediation.reason.unwrap_or_default(),
        updated_by: remediation.updated_by,
        updated_at: Some(time_to_wire(remediation.updated_at)),
    }
}

/// The document of a version, for the wire.
pub(super) fn document_to_wire(document: FinalDocument) -> wire::FinalDocument {
    wire::FinalDocument {
        document_id: document.document_id.to_string(),
        sha256: document.sha256,
        attached_by: document.attached_by,
        attached_at: Some(time_to_wire(document.attached_at)),
    }
}
