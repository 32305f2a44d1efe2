//! The span of each request, its line in the log, and its place in the numbers. Payloads are in
//! none of them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{HeaderMap, HeaderValue};
use http_body::{Body as _, Frame, SizeHint};
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::access::is_exempt;
use crate::middleware::{HttpRequest, HttpResponse, Middleware, Next};
use crate::prometheus::{Call, Calls};

/// The header that names a call across services; answered with each response.
const X_REQUEST_ID: &str = "x-request-id";
/// How long an id may be that somebody else gave.
const LONGEST_ID: usize = 64;

/// The name of one call across services, for logs. Not the idempotency key of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Opens a span for each request, logs and counts how it ended.
#[derive(Clone, Debug)]
pub(super) struct Observe(pub(super) Calls);

impl Middleware for Observe {
    async fn handle<S: Next>(
        &self,
        mut request: HttpRequest,
        mut next: S,
    ) -> Result<HttpResponse, S::Error> {
        let id = request_id(request.headers());
        let path = request.uri().path();
        let span = tracing::info_span!(
            "request",
            method = path,
            request_id = %id.0,
            user_id = tracing::field::Empty,
        );
        let mut outcome = Outcome {
            call: self.0.begin(path),
            span: span.clone(),
            started: Instant::now(),
            is_exempt: is_exempt(path),
            code: None,
        };
        let header = HeaderValue::from_str(&id.0);
        request.extensions_mut().insert(id);

        let mut response = next.call(request).instrument(span).await?;
        if let Ok(header) = header {
            response.headers_mut().insert(X_REQUEST_ID, header);
        }
        outcome.code = code(response.headers());
        if response.body().is_end_stream() {
            return Ok(response);
        }
        Ok(response.map(|inner| Body::new(Observed { inner, outcome })))
    }
}

/// The id that came with the request if it is a sane one, else a new one.
fn request_id(headers: &HeaderMap) -> RequestId {
    let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_sane = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    RequestId(given.filter(is_sane).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
}

/// The status in headers or trailers, if it is there.
fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|status| Code::from_bytes(status.as_bytes()))
}

/// How a request ended; logged and counted when it is dropped, which is the one end that all have.
struct Outcome {
    call: Call,
    span: Span,
    started: Instant,
    is_exempt: bool,
    code: Option<Code>,
}

impl Drop for Outcome {
    fn drop(&mut self) {
        // Without a status the client went away before the end.
        let code = self.code.unwrap_or(Code::Cancelled);
        let took = self.started.elapsed();
        self.call.ended(code, took);
        let latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.span.in_scope(|| match code {
            Code::Internal | Code::Unknown | Code::DataLoss => {
                tracing::error!(?code, latency_ms, "failed");
            }
            // Health is asked for all the time.
            _ if self.is_exempt => tracing::debug!(?code, latency_ms, "served"),
            _ => tracing::info!(?code, latency_ms, "served"),
        });
    }
}

/// A body whose end is watched.
struct Observed {
    inner: Body,
    outcome: Outcome,
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let span = self.outcome.span.clone();
        let polled = span.in_scope(|| Pin::new(&mut self.inner).poll_frame(context));
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(found) = frame.trailers_ref().and_then(code) {
                    self.outcome.code = Some(found);
                }
            }
            Poll::Ready(Some(Err(status))) => self.outcome.code = Some(status.code()),
            Poll::Ready(None) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(given: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_static(given));
        request_id(&headers).0
    }

    #[test]
    fn a_sane_id_is_kept_and_another_replaced() {
        assert_eq!(id_of("trace-7_a.b"), "trace-7_a.b");
        for odd in ["", "a b", "a\"b", &"a".repeat(65)] {
            let odd: &'static str = String::leak(odd.to_owned());
            assert!(Uuid::try_parse(&id_of(odd)).is_ok(), "{odd}");
        }
        assert!(Uuid::try_parse(&request_id(&HeaderMap::new()).0).is_ok());
    }
}
