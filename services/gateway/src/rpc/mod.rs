//! The gateway's own services.

mod inputs;
mod once;
mod phases;
mod to_wire;
mod unified;
mod workflows;

use signoff_backend::rpc::MAX_MESSAGE;
use signoff_contract::gateway::v1::phase_service_server::PhaseServiceServer;
use signoff_contract::gateway::v1::workflow_service_server::WorkflowServiceServer;
use tonic::{Request, Response, Status};

use crate::Gateway;
use crate::door::Passed;

pub use phases::Rpc as PhaseRpc;
pub use workflows::Rpc as WorkflowRpc;

type Answered<A> = Result<Response<A>, Status>;

/// Longest message of the unified interface, in bytes: a version with its decisions.
const MAX_VERSION: usize = 32 * 1024 * 1024;

/// `signoff.gateway.v1.WorkflowService`.
pub fn workflows(gateway: Gateway) -> WorkflowServiceServer<WorkflowRpc> {
    WorkflowServiceServer::new(WorkflowRpc(gateway)).max_decoding_message_size(MAX_MESSAGE)
}

/// `signoff.gateway.v1.PhaseService`.
pub fn phases(gateway: Gateway) -> PhaseServiceServer<PhaseRpc> {
    PhaseServiceServer::new(PhaseRpc(gateway)).max_decoding_message_size(MAX_VERSION)
}

/// What the door found out about a request.
///
/// # Errors
/// It did not come through the door: the gateway is put together wrongly.
fn passed<R>(request: &Request<R>) -> Result<Passed, Status> {
    request.extensions().get::<Passed>().cloned().ok_or_else(|| {
        tracing::error!("a request was served that did not come through the door");
        signoff_chassis::Refusal::internal().into()
    })
}
