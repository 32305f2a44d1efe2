//! Decisions that go as a stream.

use signoff_contract::versioning::v1 as wire;
use tonic::{Request, Response, Status};

use super::service::Answers;
use crate::commands::Engine;

/// `ExportDecisions`.
pub(super) async fn export_decisions(
    _: &Engine,
    _: Request<wire::ExportDecisionsRequest>,
) -> Result<Response<Answers<wire::ExportDecisionsResponse>>, Status> {
    Err(Status::unimplemented("not yet"))
}
