//! Facts that outlive approval.

use signoff_contract::versioning::v1 as wire;
use tonic::{Request, Response, Status};

use crate::commands::Engine;

type Answered<A> = Result<Response<A>, Status>;

/// `UpdateRemediation`.
pub(super) async fn update_remediation(
    _: &Engine,
    _: Request<wire::UpdateRemediationRequest>,
) -> Answered<wire::UpdateRemediationResponse> {
    Err(Status::unimplemented("not yet"))
}

/// `AttachFinalDocument`.
pub(super) async fn attach_final_document(
    _: &Engine,
    _: Request<wire::AttachFinalDocumentRequest>,
) -> Answered<wire::AttachFinalDocumentResponse> {
    Err(Status::unimplemented("not yet"))
}
