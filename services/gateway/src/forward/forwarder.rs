//! Forwards calls as they are, and opens phases on the way.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http_body_util::Full;
use prost::bytes::Bytes;
use signoff_backend::Keeper as _;
use signoff_backend::rpc::feed::{self, FeedRpc};
use signoff_backend::rpc::trail::{self, TrailRpc};
use signoff_chassis::Refusal;
use signoff_chassis::middleware::{HttpRequest, HttpResponse};
use signoff_chassis::server::RequestId;
use signoff_contract::feed::v1::feed_service_server::FeedServiceServer;
use signoff_contract::feed::v1::trail_service_server::TrailServiceServer;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;
use uuid::Uuid;

use super::ending::{ending_well, ending_with};
use super::head::text_field;
use super::{Target, backend_headers};
use crate::Gateway;
use crate::door::Passed;

/// How the paths of the feed begin.
const FEED: &str = "/signoff.feed.v1.FeedService/";

/// Serves the backends' services, by sending their calls on.
#[derive(Clone, Debug)]
pub struct Forwarder {
    gateway: Gateway,
    feed: FeedServiceServer<FeedRpc<Gateway>>,
    trail: TrailServiceServer<TrailRpc<Gateway>>,
}

impl Forwarder {
    /// For this gateway, whose own trail and feed it serves.
    pub fn new(gateway: Gateway) -> Self {
        let feed = feed::service(gateway.clone());
        let trail = trail::service(gateway.clone());
        Self { gateway, feed, trail }
    }

    async fn forward(mut self, request: HttpRequest) -> Result<HttpResponse, Status> {
        let Some(passed) = request.extensions().get::<Passed>().cloned() else {
            tracing::error!("a request was forwarded that did not come through the door");
            return Err(Refusal::internal().into());
        };
        let follows = passed.method.path.starts_with(FEED);
        if passed.target == Target::Own {
            let served = if follows { self.feed.call(request) } else { self.trail.call(request) };
            return match served.await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            };
        }
        let replicas = self.gateway.backends().of(passed.target).ok_or_else(Refusal::internal)?;
        let assertion =
            self.gateway.signer().assertion(&passed.who, &passed.method.path, passed.scope)?;
        let (mut parts, body) = request.into_parts();
        let id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        parts.headers = backend_headers(parts.headers, assertion, id.as_deref());
        parts.extensions.clear();
        let ledger = self.gateway.ledger();
        let through = |response| {
            let response = ending_well(response, replicas.away());
            if follows { ending_with(response, ledger.end_of_feeds()) } else { response }
        };
        let Some(kept) = passed.kept.clone() else {
            let response = replicas.send(HttpRequest::from_parts(parts, body), None).await?;
            // A stream cannot be sent again; its sender can try again, once nothing dead is in the way.
            self.mend(&passed, refused(&response), false).await?;
            return Ok(through(response));
        };
        let again = parts.clone();
        let whole = |parts, kept: &Bytes| {
            HttpRequest::from_parts(parts, Body::new(Full::new(kept.clone())))
        };
        let response = replicas.send(whole(parts, &kept), Some(&kept)).await?;
        match self.mend(&passed, refused(&response), passed.method.starts_phase).await? {
            false => Ok(through(response)),
            // Sent again, once: it has its id, and is done once.
            true => Ok(through(replicas.send(whole(again, &kept), Some(&kept)).await?)),
        }
    }

    /// Whether what a backend refused may be sent again, because the phase was opened for it, a dead
    /// hold was lifted, or a reopening was finished.
    ///
    /// # Errors
    /// The phase may not be opened: what is missing.
    async fn mend(
        &self,
        passed: &Passed,
        refused: Option<Status>,
        starts_phase: bool,
    ) -> Result<bool, Status> {
        let Some(refused) = refused else { return Ok(false) };
        let Some(scope) = passed.scope.and_then(|scope| scope.scope()) else { return Ok(false) };
        if passed.method.request_id.is_none() {
            return Ok(false);
        }
        // A stream's id is not looked at: what is done for it has ids of its own.
        let command = passed.request_id().unwrap_or_else(Uuid::new_v4);
        let phases = self.gateway.phases_for(scope.workflow, &passed.who, command);
        phases.mend(scope.phase, &refused, starts_phase).await
    }
}

/// The status of an answer that is an error without a message: in its headers.
fn refused(response: &HttpResponse) -> Option<Status> {
    Status::from_header_map(response.headers()).filter(|status| status.code() != Code::Ok)
}

impl Passed {
    /// The id of the request, if it changes something.
    pub(crate) fn request_id(&self) -> Option<Uuid> {
        let field = self.method.request_id?;
        let kept = self.kept.as_ref()?;
        text_field(kept.get(5..)?, field)?.parse().ok()
    }
}

impl Service<HttpRequest> for Forwarder {
    type Response = HttpResponse;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<HttpResponse, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest) -> Self::Future {
        let forwarder = self.clone();
        Box::pin(
            async move { Ok(forwarder.forward(request).await.unwrap_or_else(Status::into_http)) },
        )
    }
}
