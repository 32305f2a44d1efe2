//! A call with one message and one answer, by hand: its frames are made once, so that it can be sent to
//! another replica.

use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::{BodyExt as _, Full};
use prost::Message;
use prost::bytes::{BufMut as _, Bytes, BytesMut};
use signoff_chassis::Refusal;
use signoff_chassis::middleware::{HttpRequest, HttpResponse};
use tonic::Status;
use tonic::body::Body;

/// A message as it is in a body.
pub(crate) fn framed(message: &impl Message) -> Bytes {
    let size = message.encoded_len();
    let mut framed = BytesMut::with_capacity(size + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(size).unwrap_or(u32::MAX));
    // It grows as it must, and so never lacks room.
    let _ = message.encode(&mut framed);
    framed.freeze()
}

/// A request of a method with this body.
///
/// # Errors
/// The path is none.
pub(crate) fn request(path: &str, body: Bytes) -> Result<HttpRequest, Refusal> {
    let mut request = HttpRequest::new(Body::new(Full::new(body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().map_err(|_| Refusal::internal())?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    Ok(request)
}

/// The message of an answer of at most `longest` bytes.
///
/// # Errors
/// The status that it has instead.
pub(crate) async fn answer<A: Message + Default>(
    response: HttpResponse,
    longest: usize,
) -> Result<A, Status> {
    if let Some(status) = refused(response.headers()) {
        return Err(status);
    }
    let body = http_body_util::Limited::new(response.into_body(), longest + 5);
    let body = body.collect().await.map_err(|error| {
        tracing::warn!(%error, "an answer did not come to its end");
        Status::from(Refusal::unavailable("the answer did not come to its end: try again"))
    })?;
    if let Some(status) = body.trailers().and_then(refused) {
        return Err(status);
    }
    let bytes = body.to_bytes();
    let message = bytes.get(5..).ok_or_else(Refusal::internal)?;
    A::decode(message).map_err(|_| Refusal::internal().into())
}

fn refused(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers).filter(|status| status.code() != tonic::Code::Ok)
}

#[cfg(test)]
mod tests {
    use signoff_contract::workflow::v1::Scope;

    use super::*;

    #[tokio::test]
    async fn a_message_comes_back_from_its_frame() {
        let scope = Scope { cycle_id: "x".repeat(300), ..Scope::default() };
        let response = http::Response::new(Body::new(Full::new(framed(&scope))));
        assert_eq!(answer::<Scope>(response, 1000).await.unwrap(), scope);
        let long = http::Response::new(Body::new(Full::new(framed(&scope))));
        assert!(answer::<Scope>(long, 100).await.is_err());
    }

    #[tokio::test]
    async fn a_status_is_told_instead() {
        let response = Status::from(Refusal::conflict()).into_http();
        let refused = answer::<Scope>(response, 1000).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Aborted);
    }
}
