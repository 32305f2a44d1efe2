//! A call of the phase service from within, through the same door as from outside.

use http::HeaderMap;
use prost::Message;
use signoff_chassis::server::Grpc;
use tower::ServiceExt as _;

use super::problem::Problem;
use crate::forward::unary;

/// What of an HTTP request's headers a call has, too.
const KEPT: [&str; 5] =
    ["authorization", "on-behalf-of", "traceparent", "tracestate", "x-request-id"];
/// Longest answer, in bytes: a page and what is around it.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Calls a method with a message, and reads its answer.
///
/// # Errors
/// What the method answers.
pub(super) async fn unary<Q: Message, A: Message + Default>(
    grpc: Grpc,
    method: &str,
    headers: HeaderMap,
    message: Q,
) -> Result<A, Problem> {
    let path = format!("/signoff.gateway.v1.PhaseService/{method}");
    let mut request = unary::request(&path, unary::framed(&message)).map_err(Problem::from)?;
    for name in KEPT {
        for value in headers.get_all(name) {
            request.headers_mut().append(name, value.clone());
        }
    }
    let response = match grpc.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    Ok(unary::answer(response, MAX_ANSWER).await?)
}
