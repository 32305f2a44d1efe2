//! The body of a forwarded answer, which ends by a status also if its backend goes away.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use prost::bytes::Bytes;
use signoff_chassis::Refusal;
use signoff_chassis::middleware::HttpResponse;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::body::Body;
use tonic::{Code, Status};

/// An answer on its way through.
pub(super) fn ending_well(response: HttpResponse, away: Refusal) -> HttpResponse {
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|inner| Body::new(Ending { inner, away: Some(away) }))
}

/// An answer without an end of its own: a drain would wait for it in vain.
pub(super) fn ending_with(response: HttpResponse, end: CancellationToken) -> HttpResponse {
    if response.body().is_end_stream() {
        return response;
    }
    let end = Some(Box::pin(end.cancelled_owned()));
    response.map(|inner| Body::new(Endless { inner, end }))
}

struct Ending {
    inner: Body,
    /// What is said if the backend goes away; nothing more after that.
    away: Option<Refusal>,
}

struct Endless {
    inner: Body,
    /// When it ends; nothing more after that.
    end: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// The end of an answer that was cut short.
fn trailers(why: Refusal) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    // It fails for metadata that is no header; then the code alone must do.
    if Status::from(why).add_header(&mut trailers).is_err() {
        let code = Code::Unavailable as i32;
        trailers.insert("grpc-status", http::HeaderValue::from(code));
    }
    Frame::trailers(trailers)
}

impl http_body::Body for Ending {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.away.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(%error, "a backend went away in the middle of its answer");
                let away = self.away.take().unwrap_or_else(Refusal::internal);
                Poll::Ready(Some(Ok(trailers(away))))
            }
            frame => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.away.is_none() || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(end) = &mut self.end else { return Poll::Ready(None) };
        if end.as_mut().poll(context).is_pending() {
            return Pin::new(&mut self.inner).poll_frame(context);
        }
        self.end = None;
        let stops = Refusal::unavailable("the gateway stops: subscribe again");
        Poll::Ready(Some(Ok(trailers(stops))))
    }

    fn is_end_stream(&self) -> bool {
        self.end.is_none() || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    #[tokio::test]
    async fn a_backend_that_goes_away_is_told_by_a_status() {
        let frames = [
            Ok(Frame::data(Bytes::from_static(b"one"))),
            Err(Status::unknown("the connection was reset")),
        ];
        let body = Body::new(StreamBody::new(futures::stream::iter(frames)));
        let away = Refusal::unavailable("the audit service is away: try again");
        let ended = ending_well(http::Response::new(body), away).into_body().collect().await;
        let trailers = ended.unwrap().trailers().cloned().unwrap();
        let status = Status::from_header_map(&trailers).unwrap();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(!status.details().is_empty());
    }

    #[tokio::test]
    async fn what_has_no_end_ends_when_it_must() {
        let first = Ok::<_, Status>(Frame::data(Bytes::from_static(b"one")));
        let frames = futures::stream::iter([first]).chain(futures::stream::pending());
        let body = Body::new(StreamBody::new(frames));
        let end = CancellationToken::new();
        let mut body = ending_with(http::Response::new(body), end.clone()).into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), b"one".as_slice());
        end.cancel();
        let ended = body.collect().await.unwrap().trailers().cloned().unwrap();
        assert_eq!(Status::from_header_map(&ended).unwrap().code(), Code::Unavailable);
    }
}
