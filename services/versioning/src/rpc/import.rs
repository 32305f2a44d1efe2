//! Decisions that come as a stream.

use signoff_contract::versioning::v1 as wire;
use tonic::{Request, Response, Status, Streaming};

use crate::commands::Engine;

type Answered<A> = Result<Response<A>, Status>;

/// `ImportDecisions`.
pub(super) async fn import_decisions(
    _: &Engine,
    _: Request<Streaming<wire::ImportDecisionsRequest>>,
) -> Answered<wire::ImportDecisionsResponse> {
    Err(Status::unimplemented("not yet"))
}
