//! Phases that are taken up again, and workflows that are closed.

use signoff_contract::versioning::v1 as wire;
use tonic::{Request, Response, Status};

use crate::commands::Engine;

type Answered<A> = Result<Response<A>, Status>;

/// `BeginReopen`.
pub(super) async fn begin_reopen(
    _: &Engine,
    _: Request<wire::BeginReopenRequest>,
) -> Answered<wire::BeginReopenResponse> {
    Err(Status::unimplemented("not yet"))
}

/// `MarkStale`.
pub(super) async fn mark_stale(
    _: &Engine,
    _: Request<wire::MarkStaleRequest>,
) -> Answered<wire::MarkStaleResponse> {
    Err(Status::unimplemented("not yet"))
}

/// `FinishReopen`.
pub(super) async fn finish_reopen(
    _: &Engine,
    _: Request<wire::FinishReopenRequest>,
) -> Answered<wire::FinishReopenResponse> {
    Err(Status::unimplemented("not yet"))
}

/// `CloseWorkflow`.
pub(super) async fn close_workflow(
    _: &Engine,
    _: Request<wire::CloseWorkflowRequest>,
) -> Answered<wire::CloseWorkflowResponse> {
    Err(Status::unimplemented("not yet"))
}
