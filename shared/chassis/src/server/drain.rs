//! The end of what is still open when a drain has taken too long.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body as _, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};

use crate::Refusal;
use crate::middleware::{HttpRequest, HttpResponse, Middleware, Next};

/// Ends calls and streams with `UNAVAILABLE` when the token fires.
#[derive(Clone, Debug)]
pub(super) struct EndWith(pub(super) CancellationToken);

impl Middleware for EndWith {
    async fn handle<S: Next>(
        &self,
        request: HttpRequest,
        mut next: S,
    ) -> Result<HttpResponse, S::Error> {
        tokio::select! {
            // A call that is done is answered, whatever else is over.
            biased;
            answered = next.call(request) => {
                let response = answered?;
                if response.body().is_end_stream() {
                    return Ok(response);
                }
                let end = Box::pin(self.0.clone().cancelled_owned());
                Ok(response.map(|inner| Body::new(Ending { inner, end, over: false })))
            }
            () = self.0.cancelled() => Ok(Status::from(shutting_down()).into_http()),
        }
    }
}

fn shutting_down() -> Refusal {
    Refusal::unavailable("the server is shutting down")
}

/// A body that can be ended from outside.
struct Ending {
    inner: Body,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    over: bool,
}

impl http_body::Body for Ending {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let frame @ Poll::Ready(_) = Pin::new(&mut self.inner).poll_frame(context) {
            return frame;
        }
        if self.end.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.over = true;
        let mut trailers = http::HeaderMap::new();
        // It fails for metadata that is no header; then the code alone must do.
        if Status::from(shutting_down()).add_header(&mut trailers).is_err() {
            trailers.insert("grpc-status", http::HeaderValue::from(Code::Unavailable as i32));
        }
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
