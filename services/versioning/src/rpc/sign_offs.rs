//! Sign-offs of the final report.

use signoff_contract::versioning::v1 as wire;
use tonic::{Request, Response, Status};

use crate::commands::Engine;

type Answered<A> = Result<Response<A>, Status>;

/// `RequestSignOffs`.
pub(super) async fn request(
    _: &Engine,
    _: Request<wire::RequestSignOffsRequest>,
) -> Answered<wire::RequestSignOffsResponse> {
    Err(Status::unimplemented("not yet"))
}

/// `Sign`.
pub(super) async fn sign(
    _: &Engine,
    _: Request<wire::SignRequest>,
) -> Answered<wire::SignResponse> {
    Err(Status::unimplemented("not yet"))
}

/// `Decline`.
pub(super) async fn decline(
    _: &Engine,
    _: Request<wire::DeclineRequest>,
) -> Answered<wire::DeclineResponse> {
    Err(Status::unimplemented("not yet"))
}

/// `Delegate`.
pub(super) async fn delegate(
    _: &Engine,
    _: Request<wire::DelegateRequest>,
) -> Answered<wire::DelegateResponse> {
    Err(Status::unimplemented("not yet"))
}

/// `ListSignOffs`.
pub(super) async fn list(
    _: &Engine,
    _: Request<wire::ListSignOffsRequest>,
) -> Answered<wire::ListSignOffsResponse> {
    Err(Status::unimplemented("not yet"))
}
