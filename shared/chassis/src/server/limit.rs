//! How many calls are served at once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body as _, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

use crate::Refusal;
use crate::access::is_exempt;
use crate::middleware::{HttpRequest, HttpResponse, Middleware, Next};

/// When to try again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Refuses calls beyond a number at once, rather than letting them pile up. A stream is one for as
/// long as it lasts. Health and reflection are always answered: a busy server is not a dead one.
#[derive(Clone, Debug)]
pub(super) struct Limit(Arc<Semaphore>);

impl Limit {
    /// At most this many calls at once.
    pub(super) fn new(calls: usize) -> Self {
        Self(Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS))))
    }
}

impl Middleware for Limit {
    async fn handle<S: Next>(
        &self,
        request: HttpRequest,
        mut next: S,
    ) -> Result<HttpResponse, S::Error> {
        if is_exempt(request.uri().path()) {
            return next.call(request).await;
        }
        let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() else {
            let refusal = Refusal::limit_exceeded("the server is busy", Some(RETRY_AFTER));
            return Ok(Status::from(refusal).into_http());
        };
        let response = next.call(request).await?;
        if response.body().is_end_stream() {
            return Ok(response);
        }
        Ok(response.map(|inner| Body::new(Served { inner, _permit: permit })))
    }
}

/// An answer that counts until its end.
struct Served {
    inner: Body,
    _permit: OwnedSemaphorePermit,
}

impl http_body::Body for Served {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
