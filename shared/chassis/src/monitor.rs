//! The second listener of a service, for those who watch it: plain HTTP/1.1, without a token.
//!
//! `GET /metrics` answers with its numbers, `GET /health/live` as long as the process serves,
//! `GET /health/ready` with 200 if calls are welcome and with 503 and a reason if not.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures::future::BoxFuture;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health as _;
use tonic_health::server::{HealthReporter, HealthService};

use crate::prometheus::{self, Collector};
use crate::server::{Listener, ServerError};

/// How long a check may take.
const WITHIN: Duration = Duration::from_secs(2);
/// How long open requests may go on once there is nothing left to watch.
const CLOSING: Duration = Duration::from_millis(500);

type Checking = dyn Fn() -> BoxFuture<'static, bool> + Send + Sync;

/// The name of a service, and what those who watch it are shown.
pub struct Monitor {
    service: &'static str,
    listener: Option<Listener>,
    collectors: Vec<Collector>,
    checks: Vec<(&'static str, Box<Checking>)>,
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("service", &self.service)
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

impl Monitor {
    /// Of the service of this name, which is the label `service` of its numbers; on an address, if
    /// there is one: without, calls are counted and nobody is shown anything.
    ///
    /// # Errors
    /// The address is taken or not this machine's.
    pub async fn bind(
        service: &'static str,
        address: Option<SocketAddr>,
    ) -> Result<Self, ServerError> {
        let listener = match address {
            Some(address) => Some(Listener::bind(address).await?),
            None => None,
        };
        Ok(Self { listener, ..Self::unseen(service) })
    }

    /// Of the service of this name, and nobody is shown anything.
    pub(crate) fn unseen(service: &'static str) -> Self {
        Self { service, listener: None, collectors: Vec::new(), checks: Vec::new() }
    }

    /// The name of the service.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// The address that it is bound to, if it is.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(Listener::address)
    }

    /// With what this collector says at each scrape.
    #[must_use]
    pub fn with_collector(mut self, collector: Collector) -> Self {
        self.collectors.push(collector);
        self
    }

    /// Ready only if this comes true within two seconds; else the reason is shown, to everybody.
    #[must_use]
    pub fn with_check<F: Future<Output = bool> + Send + 'static>(
        mut self,
        reason: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.checks.push((reason, Box::new(move || Box::pin(check()))));
        self
    }

    /// Shows it until told to end. `health` says whether the service serves.
    pub(crate) async fn serve(self, health: HealthReporter, until: CancellationToken) {
        let Self { service, listener, collectors, checks } = self;
        let Some(listener) = listener else { return };
        let health = HealthService::from_health_reporter(health);
        let watched = Arc::new(Watched { service, collectors, checks, health });
        let routes = Router::new()
            .route("/metrics", get(metrics))
            .route("/health/live", get("live\n"))
            .route("/health/ready", get(ready))
            .with_state(watched);
        tracing::info!(address = %listener.address(), service, "watched");
        if let Err(error) = serve(listener, routes, until).await {
            tracing::error!(service, %error, "nobody can watch any more");
        }
    }
}

/// Serves plain HTTP/1.1 until told to end; requests that are open then are given a moment.
///
/// # Errors
/// The transport fails.
pub async fn serve(
    listener: Listener,
    routes: Router,
    until: CancellationToken,
) -> std::io::Result<()> {
    let served = axum::serve(listener.into_inner(), routes)
        .with_graceful_shutdown(until.clone().cancelled_owned());
    let mut served = std::pin::pin!(served.into_future());
    tokio::select! {
        ended = &mut served => return ended,
        () = until.cancelled() => {}
    }
    // Whoever holds a connection open does not hold up the end.
    tokio::time::timeout(CLOSING, served).await.unwrap_or(Ok(()))
}

/// What requests are answered from.
struct Watched {
    service: &'static str,
    collectors: Vec<Collector>,
    checks: Vec<(&'static str, Box<Checking>)>,
    health: HealthService,
}

async fn metrics(State(watched): State<Arc<Watched>>) -> Response {
    let text = prometheus::scrape(watched.service, &watched.collectors).await;
    ([(CONTENT_TYPE, prometheus::CONTENT_TYPE)], text).into_response()
}

async fn ready(State(watched): State<Arc<Watched>>) -> Response {
    match watched.missing().await {
        None => "ready\n".into_response(),
        Some(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response()
        }
    }
}

impl Watched {
    /// Why calls are not welcome, if they are not.
    async fn missing(&self) -> Option<&'static str> {
        let asked = self.health.check(tonic::Request::new(HealthCheckRequest::default())).await;
        if !asked.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving) {
            return Some("the service is not serving");
        }
        let fails = async |(reason, check): &(&'static str, Box<Checking>)| {
            let passed = tokio::time::timeout(WITHIN, check()).await;
            (!passed.unwrap_or(false)).then_some(*reason)
        };
        for check in &self.checks {
            if let Some(reason) = fails(check).await {
                return Some(reason);
            }
        }
        None
    }
}
