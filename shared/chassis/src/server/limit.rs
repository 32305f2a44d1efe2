//! How many calls are served at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tonic::Status;

use crate::Refusal;
use crate::access::is_exempt;
use crate::middleware::{HttpRequest, HttpResponse, Middleware, Next, until_the_end};

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
        Ok(until_the_end(next.call(request).await?, permit))
    }
}
