//! What somebody does in one of the phases that are audited only: one short method for each call
//! that changes something.

mod reading;
mod testing;

use signoff_contract::audit::v1 as wire;
use signoff_contract::convert::scope_to_wire;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, Scope};
use tonic::Status;
use wire::audit_phase_service_client::AuditPhaseServiceClient;
use wire::data_owner_service_client::DataOwnerServiceClient;
use wire::document_service_client::DocumentServiceClient;
use wire::test_case_service_client::TestCaseServiceClient;
use wire::test_execution_service_client::TestExecutionServiceClient;

use super::desk::{held, request_id};
use super::people::Person;
use crate::connection::Connection;

pub(super) use testing::{Answer, Outcome};

/// Somebody's place in a phase.
#[derive(Clone)]
pub(super) struct AuditDesk {
    /// Which phase of which report.
    pub(super) scope: shared::Scope,
    /// The phase as a whole.
    pub(super) phases: AuditPhaseServiceClient<Connection>,
    owners: DataOwnerServiceClient<Connection>,
    cases: TestCaseServiceClient<Connection>,
    documents: DocumentServiceClient<Connection>,
    executions: TestExecutionServiceClient<Connection>,
}

/// A file, as it is referred to.
pub(super) struct File {
    /// Its id in the store where it lies.
    pub(super) document_id: String,
    /// What kind of document it is.
    pub(super) document_type: &'static str,
    /// Its name.
    pub(super) file_name: String,
    /// What kind of file it is.
    pub(super) media_type: &'static str,
    /// How large it is.
    pub(super) size_bytes: i64,
    /// Its hash.
    pub(super) sha256: Vec<u8>,
    /// What else is known of it.
    pub(super) metadata: prost_types::Struct,
}

impl AuditDesk {
    /// The place of somebody in a phase.
    pub(super) fn new(person: &Person, phase: Phase) -> Self {
        Self {
            scope: scope_to_wire(Scope { workflow: person.workflow, phase }),
            phases: AuditPhaseServiceClient::new(person.gateway.clone()),
            owners: DataOwnerServiceClient::new(person.gateway.clone()),
            cases: TestCaseServiceClient::new(person.gateway.clone()),
            documents: DocumentServiceClient::new(person.gateway.clone()),
            executions: TestExecutionServiceClient::new(person.gateway.clone()),
        }
    }

    /// Puts somebody in charge of a line of business.
    pub(super) async fn assign(
        &mut self,
        owner: &Person,
        lob_id: &str,
        reason: &str,
    ) -> Result<wire::Assignment, Status> {
        let request = wire::AssignDataOwnerRequest {
            scope: Some(self.scope.clone()),
            data_owner_id: owner.user_id,
            lob_id: lob_id.to_owned(),
            assignment_type: wire::AssignmentType::Primary.into(),
            change_reason: reason.to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        held(self.owners.assign_data_owner(request).await?.into_inner().assignment)
    }

    /// Hands an assignment over, as it stood when it was read.
    pub(super) async fn transfer(
        &mut self,
        assignment: &wire::Assignment,
        to: &Person,
        reason: &str,
    ) -> Result<wire::TransferDataOwnerResponse, Status> {
        let request = wire::TransferDataOwnerRequest {
            scope: Some(self.scope.clone()),
            assignment_id: assignment.assignment_id.clone(),
            data_owner_id: to.user_id,
            effective_from: None,
            change_reason: reason.to_owned(),
            etag: assignment.etag.clone(),
            request_id: request_id(),
        };
        Ok(self.owners.transfer_data_owner(request).await?.into_inner())
    }

    /// Submits a document for test cases, or as a supplement to another submission.
    pub(super) async fn submit(
        &mut self,
        file: File,
        test_case_ids: Vec<String>,
        supplements: Option<&wire::Document>,
    ) -> Result<wire::Document, Status> {
        let submission_type = match supplements {
            None => wire::SubmissionType::Initial,
            Some(_) => wire::SubmissionType::Supplemental,
        };
        let request = wire::SubmitDocumentRequest {
            scope: Some(self.scope.clone()),
            test_case_ids,
            supplements_submission_id: supplements
                .map(|document| document.submission_id.clone())
                .unwrap_or_default(),
            document_id: file.document_id,
            document_type: file.document_type.to_owned(),
            submission_type: submission_type.into(),
            file_name: file.file_name,
            media_type: file.media_type.to_owned(),
            size_bytes: file.size_bytes,
            sha256: file.sha256,
            document_metadata: Some(file.metadata),
            replaces_submission_id: String::new(),
            revision_reason: String::new(),
            request_id: request_id(),
        };
        held(self.documents.submit_document(request).await?.into_inner().document)
    }

    /// Replaces a current submission.
    pub(super) async fn revise(
        &mut self,
        document: &wire::Document,
        file: File,
        reason: &str,
    ) -> Result<wire::Document, Status> {
        let request = wire::ReviseDocumentRequest {
            scope: Some(self.scope.clone()),
            submission_id: document.submission_id.clone(),
            document_id: file.document_id,
            document_type: file.document_type.to_owned(),
            file_name: file.file_name,
            media_type: file.media_type.to_owned(),
            size_bytes: file.size_bytes,
            sha256: file.sha256,
            document_metadata: Some(file.metadata),
            revision_reason: reason.to_owned(),
            etag: document.etag.clone(),
            request_id: request_id(),
        };
        held(self.documents.revise_document(request).await?.into_inner().document)
    }

    /// Rules on a submission.
    pub(super) async fn review(
        &mut self,
        document: &wire::Document,
        verdict: wire::DocumentStatus,
        notes: &str,
    ) -> Result<wire::Document, Status> {
        let request = wire::ReviewDocumentRequest {
            scope: Some(self.scope.clone()),
            submission_id: document.submission_id.clone(),
            verdict: verdict.into(),
            notes: notes.to_owned(),
            etag: document.etag.clone(),
            request_id: request_id(),
        };
        held(self.documents.review_document(request).await?.into_inner().document)
    }
}
