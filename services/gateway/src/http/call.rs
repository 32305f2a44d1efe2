//! A call of the phase service from within, through the same door as from outside.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt as _;
use prost::Message;
use prost::bytes::{BufMut as _, BytesMut};
use signoff_chassis::middleware::HttpRequest;
use signoff_chassis::server::Grpc;
use tonic::Status;
use tonic::body::Body;
use tower::ServiceExt as _;

use super::problem::Problem;

/// What of an HTTP request's headers a call has, too.
const KEPT: [&str; 5] =
    ["authorization", "on-behalf-of", "traceparent", "tracestate", "x-request-id"];

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
    let size = message.encoded_len();
    let mut framed = BytesMut::with_capacity(size + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(size).unwrap_or(u32::MAX));
    message.encode(&mut framed).map_err(|_| Problem::internal())?;
    let mut request = HttpRequest::new(Body::new(http_body_util::Full::new(framed.freeze())));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("/signoff.gateway.v1.PhaseService/{method}")
        .parse()
        .map_err(|_| Problem::internal())?;
    let to = request.headers_mut();
    to.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    for name in KEPT {
        for value in headers.get_all(name) {
            to.append(name, value.clone());
        }
    }
    debug_assert!(KEPT.contains(&AUTHORIZATION.as_str()));
    let response = match grpc.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if let Some(status) = refused(response.headers()) {
        return Err(status.into());
    }
    let body = response.into_body().collect().await.map_err(Problem::from)?;
    if let Some(status) = body.trailers().and_then(refused) {
        return Err(status.into());
    }
    let bytes = body.to_bytes();
    let message = bytes.get(5..).ok_or_else(Problem::internal)?;
    A::decode(message).map_err(|_| Problem::internal())
}

fn refused(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers).filter(|status| status.code() != tonic::Code::Ok)
}
