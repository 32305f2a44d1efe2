//! How many calls are served at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tonic::Status;

use crate::Refusal;
use crate::access::is_exempt;
use crate::middleware::{HttpRequest, HttpResponse, Middleware, Next};

/// When to try again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Refuses calls beyond a number at once, rather than letting them pile up. Health and reflection
/// are always answered: a busy server is not a dead one.
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
        let Ok(_permit) = self.0.try_acquire() else {
            let refusal = Refusal::limit_exceeded("the server is busy", Some(RETRY_AFTER));
            return Ok(Status::from(refusal).into_http());
        };
        next.call(request).await
    }
}
