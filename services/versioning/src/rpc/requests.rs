//! What requests have in common.

use prost::Message;
use signoff_contract::feed::v1 as feed;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Scope;

use crate::commands::Answer;
use crate::domain::error::Error;

/// Longest message, in bytes.
pub(super) const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// Longest message of the methods that take decisions in bulk, in bytes.
pub(super) const MAX_BULK_MESSAGE: usize = 32 * 1024 * 1024;

/// A request about a workflow or one of its phases.
pub(super) trait Scoped: Message + Default + Send {
    /// How long it may be, in bytes.
    const MAX_BYTES: usize;
    /// What it is about.
    fn scope(&self) -> Option<&Scope>;
}

/// A request that changes something.
pub(super) trait Changing: Scoped {
    /// Its id, by which it is done once.
    fn request_id(&self) -> &str;
}

impl<M: Message + Default> Answer for M {
    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::decode(bytes).map_err(|error| Error::Internal(format!("kept answer: {error}")))
    }
}

macro_rules! scoped {
    ($bytes:expr; $($request:ty),+ $(,)?) => {
        $(impl Scoped for $request {
            const MAX_BYTES: usize = $bytes;
            fn scope(&self) -> Option<&Scope> {
                self.scope.as_ref()
            }
        })+
    };
}

macro_rules! changing {
    ($($request:ty),+ $(,)?) => {
        $(impl Changing for $request {
            fn request_id(&self) -> &str {
                &self.request_id
            }
        })+
    };
}

scoped!(
    MAX_BULK_MESSAGE;
    wire::AddDecisionsRequest,
    wire::CreateVersionRequest,
    wire::ReviewDecisionsRequest,
    wire::ReviseVersionRequest,
);

scoped!(
    MAX_MESSAGE;
    feed::ExportTrailRequest,
    feed::GetTrailRequest,
    feed::VerifyTrailRequest,
    wire::ApproveVersionRequest,
    wire::AttachFinalDocumentRequest,
    wire::BeginOpenRequest,
    wire::BeginReopenRequest,
    wire::CloseWorkflowRequest,
    wire::CompareVersionsRequest,
    wire::ConfirmModificationsRequest,
    wire::DeclineRequest,
    wire::DelegateRequest,
    wire::DeleteVersionRequest,
    wire::ExportDecisionsRequest,
    wire::FenceRequest,
    wire::FinishReopenRequest,
    wire::GetCurrentVersionRequest,
    wire::GetLineageRequest,
    wire::GetPhaseStatusRequest,
    wire::GetVersionRequest,
    wire::ImportDecisionsRequest,
    wire::ListArtifactsRequest,
    wire::ListDecisionsRequest,
    wire::ListSignOffsRequest,
    wire::ListVersionsRequest,
    wire::MarkStaleRequest,
    wire::OpenRequest,
    wire::RejectVersionRequest,
    wire::ReleaseSealRequest,
    wire::RemoveDecisionsRequest,
    wire::RequestSignOffsRequest,
    wire::SealRequest,
    wire::SignRequest,
    wire::SubmitVersionRequest,
    wire::UpdateDecisionRequest,
    wire::UpdateRemediationRequest,
    wire::UpdateVersionRequest,
    wire::WithdrawVersionRequest,
);

changing!(
    wire::AddDecisionsRequest,
    wire::ApproveVersionRequest,
    wire::AttachFinalDocumentRequest,
    wire::BeginOpenRequest,
    wire::BeginReopenRequest,
    wire::CloseWorkflowRequest,
    wire::ConfirmModificationsRequest,
    wire::CreateVersionRequest,
    wire::DeclineRequest,
    wire::DelegateRequest,
    wire::DeleteVersionRequest,
    wire::FenceRequest,
    wire::ImportDecisionsRequest,
    wire::FinishReopenRequest,
    wire::MarkStaleRequest,
    wire::OpenRequest,
    wire::RejectVersionRequest,
    wire::ReleaseSealRequest,
    wire::RemoveDecisionsRequest,
    wire::RequestSignOffsRequest,
    wire::ReviewDecisionsRequest,
    wire::ReviseVersionRequest,
    wire::SealRequest,
    wire::SignRequest,
    wire::SubmitVersionRequest,
    wire::UpdateDecisionRequest,
    wire::UpdateRemediationRequest,
    wire::UpdateVersionRequest,
    wire::WithdrawVersionRequest,
);
