//! What somebody does with the final report beside its versions: asking for signatures, signing,
//! handing on, and attaching the document.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use tonic::Status;

use super::desk::{Desk, held, request_id};
use super::people::Person;

impl Desk {
    /// Asks people to sign a submitted version, each in a role.
    pub(super) async fn ask_to_sign(
        &mut self,
        version: &wire::Version,
        signers: &[(shared::Role, &Person)],
    ) -> Result<Vec<wire::SignOff>, Status> {
        let assignments = signers
            .iter()
            .map(|&(role, person)| wire::SignOffAssignment {
                role: role.into(),
                user_id: person.user_id,
            })
            .collect();
        let request = wire::RequestSignOffsRequest {
            scope: Some(self.scope.clone()),
            version_id: version.version_id.clone(),
            assignments,
            etag: version.etag.clone(),
            request_id: request_id(),
        };
        Ok(self.sign_offs.request_sign_offs(request).await?.into_inner().sign_offs)
    }

    /// Signs a version, as it was read.
    pub(super) async fn sign(
        &mut self,
        version: &wire::Version,
        sign_off: &wire::SignOff,
        comments: &str,
    ) -> Result<wire::SignOff, Status> {
        let request = wire::SignRequest {
            scope: Some(self.scope.clone()),
            sign_off_id: sign_off.sign_off_id.clone(),
            comments: comments.to_owned(),
            content_digest: version.content_digest.clone(),
            etag: sign_off.etag.clone(),
            request_id: request_id(),
        };
        held(self.sign_offs.sign(request).await?.into_inner().sign_off)
    }

    /// Hands a request to sign on to somebody else.
    pub(super) async fn delegate(
        &mut self,
        sign_off: &wire::SignOff,
        to: &Person,
        reason: &str,
    ) -> Result<wire::SignOff, Status> {
        let request = wire::DelegateRequest {
            scope: Some(self.scope.clone()),
            sign_off_id: sign_off.sign_off_id.clone(),
            to_user_id: to.user_id,
            reason: reason.to_owned(),
            etag: sign_off.etag.clone(),
            request_id: request_id(),
        };
        held(self.sign_offs.delegate(request).await?.into_inner().sign_off)
    }

    /// All that were asked to sign a version, oldest first.
    pub(super) async fn signatures(
        &mut self,
        version_id: &str,
    ) -> Result<Vec<wire::SignOff>, Status> {
        let mut request = wire::ListSignOffsRequest {
            scope: Some(self.scope.clone()),
            version_id: version_id.to_owned(),
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.sign_offs.list_sign_offs(request.clone()).await?.into_inner();
            found.extend(page.sign_offs);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Attaches the rendered document to an approved report.
    pub(super) async fn attach(
        &mut self,
        version: &wire::Version,
        sha256: Vec<u8>,
    ) -> Result<wire::Version, Status> {
        let request = wire::AttachFinalDocumentRequest {
            scope: Some(self.scope.clone()),
            version_id: version.version_id.clone(),
            document_id: uuid::Uuid::now_v7().to_string(),
            sha256,
            etag: version.etag.clone(),
            request_id: request_id(),
        };
        held(self.client.attach_final_document(request).await?.into_inner().version)
    }
}
