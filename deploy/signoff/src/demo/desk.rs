//! What somebody does in one phase: one short method for each call that changes something.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::versioning::v1::sign_off_service_client::SignOffServiceClient;
use signoff_contract::versioning::v1::versioning_service_client::VersioningServiceClient;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, Scope};
use tonic::Status;
use uuid::Uuid;

use super::people::Person;
use crate::connection::Connection;

/// Somebody's place in a phase.
pub(super) struct Desk {
    /// Which phase of which report.
    pub(super) scope: shared::Scope,
    /// The service, for them.
    pub(super) client: VersioningServiceClient<Connection>,
    /// The sign-offs, for them.
    pub(super) sign_offs: SignOffServiceClient<Connection>,
}

/// A new id for a request. Whoever does not know whether a request arrived sends it again with
/// the same id: it is done once.
pub(super) fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// What an answer must hold.
pub(super) fn held<T>(part: Option<T>) -> Result<T, Status> {
    part.ok_or_else(|| Status::internal("the answer lacks what it is about"))
}

impl Desk {
    /// The place of somebody in a phase.
    pub(super) fn new(person: &Person, phase: Phase) -> Self {
        let scope = Scope { workflow: person.workflow, phase };
        Self {
            scope: signoff_contract::convert::scope_to_wire(scope),
            client: VersioningServiceClient::new(person.gateway.clone()),
            sign_offs: SignOffServiceClient::new(person.gateway.clone()),
        }
    }

    /// Starts the phase's line with its first version.
    pub(super) async fn create(
        &mut self,
        notes: &str,
        metadata: wire::version_metadata::Kind,
        decisions: Vec<wire::DecisionInput>,
    ) -> Result<wire::Version, Status> {
        let request = wire::CreateVersionRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            notes: notes.to_owned(),
            metadata: Some(wire::VersionMetadata { kind: Some(metadata) }),
            phase_data: None,
            decisions,
        };
        held(self.client.create_version(request).await?.into_inner().version)
    }

    /// Makes the next version from the latest closed one.
    pub(super) async fn revise(
        &mut self,
        notes: &str,
        decisions: Vec<wire::DecisionInput>,
    ) -> Result<wire::Version, Status> {
        let request = wire::ReviseVersionRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            notes: notes.to_owned(),
            decisions,
            ..Default::default()
        };
        held(self.client.revise_version(request).await?.into_inner().version)
    }

    /// Puts items forward in a draft.
    pub(super) async fn add(
        &mut self,
        version_id: &str,
        decisions: Vec<wire::DecisionInput>,
    ) -> Result<wire::Version, Status> {
        let request = wire::AddDecisionsRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            version_id: version_id.to_owned(),
            decisions,
            ..Default::default()
        };
        held(self.client.add_decisions(request).await?.into_inner().version)
    }

    /// Edits an item of a draft.
    pub(super) async fn update(
        &mut self,
        decision: &wire::Decision,
        payload: wire::Payload,
        reason: &str,
    ) -> Result<wire::Decision, Status> {
        let request = wire::UpdateDecisionRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            version_id: decision.version_id.clone(),
            decision_id: decision.decision_id.clone(),
            payload: Some(payload),
            modification_reason: reason.to_owned(),
            ..Default::default()
        };
        held(self.client.update_decision(request).await?.into_inner().decision)
    }

    /// Hands a draft to its reviewer, as it stood when `version` was read: the etag sees to that.
    pub(super) async fn submit(
        &mut self,
        version: &wire::Version,
        notes: &str,
    ) -> Result<wire::Version, Status> {
        let request = wire::SubmitVersionRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            version_id: version.version_id.clone(),
            notes: notes.to_owned(),
            etag: version.etag.clone(),
        };
        held(self.client.submit_version(request).await?.into_inner().version)
    }

    /// Rules on decisions of a submitted version.
    pub(super) async fn review(
        &mut self,
        version_id: &str,
        reviews: Vec<wire::Review>,
    ) -> Result<wire::Version, Status> {
        let request = wire::ReviewDecisionsRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            version_id: version_id.to_owned(),
            reviews,
            ..Default::default()
        };
        held(self.client.review_decisions(request).await?.into_inner().version)
    }

    /// Approves every decision of a submitted version that is still pending.
    pub(super) async fn approve_remaining(
        &mut self,
        version_id: &str,
        notes: &str,
    ) -> Result<wire::Version, Status> {
        let remaining = wire::RemainingReview {
            verdict: wire::Verdict::Approved.into(),
            notes: notes.to_owned(),
        };
        let request = wire::ReviewDecisionsRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            version_id: version_id.to_owned(),
            remaining: Some(remaining),
            ..Default::default()
        };
        held(self.client.review_decisions(request).await?.into_inner().version)
    }

    /// Confirms changes that the reviewer made.
    pub(super) async fn confirm(
        &mut self,
        version_id: &str,
        decision_ids: Vec<String>,
    ) -> Result<wire::Version, Status> {
        let request = wire::ConfirmModificationsRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            version_id: version_id.to_owned(),
            decision_ids,
            ..Default::default()
        };
        held(self.client.confirm_modifications(request).await?.into_inner().version)
    }

    /// Approves a submitted version.
    pub(super) async fn approve(
        &mut self,
        version_id: &str,
        notes: &str,
    ) -> Result<wire::Version, Status> {
        let request = wire::ApproveVersionRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            version_id: version_id.to_owned(),
            notes: notes.to_owned(),
            ..Default::default()
        };
        held(self.client.approve_version(request).await?.into_inner().version)
    }

    /// Closes a submitted version and asks for changes.
    pub(super) async fn reject(
        &mut self,
        version_id: &str,
        notes: &str,
    ) -> Result<wire::Version, Status> {
        let request = wire::RejectVersionRequest {
            scope: Some(self.scope.clone()),
            request_id: request_id(),
            version_id: version_id.to_owned(),
            notes: notes.to_owned(),
            ..Default::default()
        };
        held(self.client.reject_version(request).await?.into_inner().version)
    }
}
