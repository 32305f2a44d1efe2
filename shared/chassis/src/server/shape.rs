//! One shape for the errors that no handler made.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use signoff_workflow::Violations;
use tonic::{Code, Status};

use crate::Refusal;
use crate::middleware::{HttpRequest, HttpResponse, Middleware, Next};

/// How prost begins to say that a message cannot be decoded.
const NOT_DECODED: &str = "failed to decode Protobuf message";

/// Gives the errors that tonic makes by itself the code and details that they have everywhere
/// else: a message that is too large, or none. A handler that panics fails its own call, not the
/// others on its connection; and an internal error without details keeps its text to the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape;

impl Middleware for Shape {
    async fn handle<S: Next>(
        &self,
        request: HttpRequest,
        mut next: S,
    ) -> Result<HttpResponse, S::Error> {
        let Ok(answered) = AssertUnwindSafe(next.call(request)).catch_unwind().await else {
            // The panic hook has written what it was.
            tracing::error!("a handler panicked");
            return Ok(Status::from(Refusal::internal()).into_http());
        };
        let response = answered?;
        Ok(match Status::from_header_map(response.headers()).and_then(|status| shaped(&status)) {
            Some(refusal) => Status::from(refusal).into_http(),
            None => response,
        })
    }
}

/// The refusal that should be sent instead of a status, if it is none of ours.
fn shaped(status: &Status) -> Option<Refusal> {
    if !status.details().is_empty() {
        return None;
    }
    match status.code() {
        Code::OutOfRange => {
            Some(Refusal::limit_exceeded("the message is larger than the method takes", None))
        }
        Code::Internal if status.message().starts_with(NOT_DECODED) => {
            tracing::debug!(error = status.message(), "a message was not decoded");
            let violation = "is not a message of the type that the method takes";
            Some(Refusal::invalid(Violations::one("message", violation)))
        }
        Code::Internal | Code::Unknown => {
            tracing::error!(error = status.message(), "an internal error");
            Some(Refusal::internal())
        }
        _ => None,
    }
}
