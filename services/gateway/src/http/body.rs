//! The bodies of requests: none is waited for before it is known whose it is.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body::Body as _;
use prost::bytes::Bytes;
use signoff_chassis::Refusal;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;

use super::problem::Problem;
use crate::Gateway;
use crate::forward::{SHORT, reserved};

/// Longest body, in bytes.
const LONGEST: usize = 32 * 1024 * 1024;
/// How long one may take to come.
const WITHIN: Duration = Duration::from_secs(60);

/// Reads the body of a request whose caller is known, as one of their open calls.
pub(super) async fn read(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let read = async {
        let principal = gateway.principal(&parts.headers).await?;
        let _permit = gateway.callers().enter(&principal)?;
        whole(&gateway, body).await
    };
    match read.await {
        Ok((bytes, _held)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(refusal) => Problem::from(Status::from(refusal)).into_response(),
    }
}

/// A whole body, and its share of what may be held at once, if it is a long one.
async fn whole(
    gateway: &Gateway,
    body: Body,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
    let too_long = || {
        let what = format!("the body is too long; at most {LONGEST} bytes are taken");
        Refusal::limit_exceeded(what, None)
    };
    // Who does not say how long it is may send as much as anybody.
    let longest = body.size_hint().upper().and_then(|upper| usize::try_from(upper).ok());
    let longest = longest.unwrap_or(LONGEST);
    if longest > LONGEST {
        return Err(too_long());
    }
    let held = (longest > SHORT).then(|| reserved(gateway.room(), longest)).transpose()?;
    match tokio::time::timeout(WITHIN, to_bytes(body, longest)).await {
        Ok(Ok(bytes)) => Ok((bytes, held)),
        Ok(Err(_)) => Err(too_long()),
        Err(_) => Err(Refusal::deadline_exceeded()),
    }
}
