//! How a server is put together, and how it ends.
//!
//! From the outside in: the request's span, its line in the log and its place in the numbers, the end of what is still open
//! when a drain takes too long, the deadline, the door, the bound on what is served at once, the
//! shape of errors, the services.

mod deadline;
mod drain;
mod edge;
mod limit;
mod listener;
mod mount;
mod observe;
mod shape;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use signoff_contract::access::{AccessPolicy, PolicyError};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;
use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};

use crate::access::AccessLayer;
use crate::identity::{AssertionVerifier, TokenVerifier};
use crate::middleware::{Middleware, With};
use crate::monitor::Monitor;
use crate::prometheus::{self, Calls, RecorderError};

pub use edge::{Edge, Grpc, Plain};
pub use listener::Listener;
pub use mount::Mount;
pub use observe::RequestId;

/// How often a silent connection is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long it may take to answer that.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// How much may be on its way on one stream, and on one connection: as many streams as there may be
/// calls, so that those that are not read hold nobody else up.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024 * 1024;
/// The name of a server that was given none.
const UNNAMED: &str = "unnamed";
/// How long connections may take to close once nothing is open on them.
const CLOSING: Duration = Duration::from_millis(500);

/// The bounds of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServerOptions {
    /// How long a call may take if the client asks for no shorter time. It ends with the first
    /// message of the answer: streams may last.
    pub deadline: Duration,
    /// The same for a call whose request is a stream, which takes as long as its sender does.
    pub stream_deadline: Duration,
    /// How many calls are served at once; more are refused, to be sent again.
    pub max_calls: usize,
    /// How long open calls may go on after the shutdown was asked for.
    pub drain: Duration,
}

impl Default for ServerOptions {
    /// A minute for a call, an hour for a stream, 1,024 calls at once, 10 seconds to drain.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            stream_deadline: Duration::from_secs(60 * 60),
            max_calls: 1024,
            drain: Duration::from_secs(10),
        }
    }
}

/// Why a server does not start, or stops by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A method that is mounted has no usable access rule.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The descriptors cannot be served by reflection.
    #[error("the descriptors cannot be served: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Nothing can be counted.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Services with everything around them, ready to be served.
pub struct Server<D = AccessLayer> {
    mount: Mount,
    policy: Arc<AccessPolicy>,
    door: D,
    health: HealthReporter,
    options: ServerOptions,
    monitor: Monitor,
}

impl Server {
    /// Puts health, reflection and the door around the services.
    ///
    /// # Errors
    /// If one of their methods has no usable access rule.
    pub async fn new(
        mount: Mount,
        verifier: Arc<AssertionVerifier>,
        options: ServerOptions,
    ) -> Result<Self, ServerError> {
        let policy = Arc::new(AccessPolicy::load(mount.names())?);
        let door = AccessLayer::new(verifier, Arc::clone(&policy));
        Self::with_door(mount, policy, door, options).await
    }

    /// The same, and services may read with tokens of their own.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Arc<TokenVerifier>) -> Self {
        self.door = self.door.with_tokens(tokens);
        self
    }
}

impl<D: Middleware> Server<D> {
    /// Puts health, reflection and this door around the services. `policy` has the rules of them.
    ///
    /// # Errors
    /// If the descriptors cannot be served, or calls cannot be counted.
    pub async fn with_door(
        mount: Mount,
        policy: Arc<AccessPolicy>,
        door: D,
        options: ServerOptions,
    ) -> Result<Self, ServerError> {
        prometheus::install()?;
        let (mount, health) = mount.with_health_and_reflection().await?;
        Ok(Self { mount, policy, door, health, options, monitor: Monitor::unseen(UNNAMED) })
    }

    /// With the name that its numbers carry, shown to those who watch it for as long as it serves:
    /// while it drains, too.
    #[must_use]
    pub fn monitored(self, monitor: Monitor) -> Self {
        Self { monitor, ..self }
    }

    /// Where it is watched, if it is.
    pub fn monitored_at(&self) -> Option<SocketAddr> {
        self.monitor.address()
    }

    /// What says whether the services are healthy. All are until it says otherwise, or the drain
    /// begins.
    pub fn health(&self) -> HealthReporter {
        self.health.clone()
    }

    /// Serves until `shutdown`, then drains: nothing new is accepted, open calls may end within
    /// the time of the options, and what is still open then is ended with `UNAVAILABLE`.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn serve(
        self,
        listener: Listener,
        shutdown: CancellationToken,
    ) -> Result<(), ServerError> {
        let drain = Drain::of(&self, &listener);
        let (layers, routes, monitor) = self.into_layers(&drain.end);
        let served = builder().layer(layers).add_routes(routes).serve_with_incoming_shutdown(
            listener.into_incoming(),
            shutdown.clone().cancelled_owned(),
        );
        drain.drive(served, monitor, shutdown).await
    }

    /// Serves as [`serve`](Self::serve) does, at the edge: browsers too, by grpc-web, and plain HTTP
    /// beside it, on one port.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn serve_edge(
        self,
        listener: Listener,
        shutdown: CancellationToken,
        edge: Edge,
    ) -> Result<(), ServerError> {
        let drain = Drain::of(&self, &listener);
        let age = edge.max_connection_age;
        let (layers, routes, monitor) = self.into_layers(&drain.end);
        let routes = edge.around(ServiceBuilder::new().layer(layers).service(routes));
        let mut builder = builder().accept_http1(true).max_connection_age(age);
        let served = builder.add_routes(routes).serve_with_incoming_shutdown(
            listener.into_incoming(),
            shutdown.clone().cancelled_owned(),
        );
        drain.drive(served, monitor, shutdown).await
    }

    fn into_layers(self, end: &CancellationToken) -> (Layers<D>, Routes, Monitor) {
        let Self { mount, policy, door, options, monitor, .. } = self;
        let calls = Calls::new(monitor.service(), &policy);
        let (_, routes) = mount.into_parts();
        let deadline = deadline::Deadline {
            calls: options.deadline,
            streams: options.stream_deadline,
            policy,
        };
        let layers = ServiceBuilder::new()
            .layer(With(observe::Observe(calls)))
            .layer(With(drain::EndWith(end.clone())))
            .layer(With(deadline))
            .layer(With(door))
            .layer(With(limit::Limit::new(options.max_calls)))
            .layer(With(shape::Shape))
            .into_inner();
        (layers, routes, monitor)
    }
}

/// What stands before the services, from the innermost to the outermost.
type Layers<D> = Stack<
    With<shape::Shape>,
    Stack<
        With<limit::Limit>,
        Stack<
            With<D>,
            Stack<
                With<deadline::Deadline>,
                Stack<With<drain::EndWith>, Stack<With<observe::Observe>, Identity>>,
            >,
        >,
    >,
>;

fn builder() -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
}

/// The end of a server.
struct Drain {
    /// Ends what is still open when the drain has taken too long.
    end: CancellationToken,
    address: SocketAddr,
    names: Vec<&'static str>,
    health: HealthReporter,
    patience: Duration,
}

impl Drain {
    fn of<D>(server: &Server<D>, listener: &Listener) -> Self {
        Self {
            end: CancellationToken::new(),
            address: listener.address(),
            names: server.mount.names().to_vec(),
            health: server.health.clone(),
            patience: server.options.drain,
        }
    }

    /// Waits for the end of a server, asked for or not. As long as it serves, it can be watched.
    async fn drive(
        self,
        served: impl Future<Output = Result<(), tonic::transport::Error>>,
        monitor: Monitor,
        shutdown: CancellationToken,
    ) -> Result<(), ServerError> {
        let over = CancellationToken::new();
        let watching = tokio::spawn(monitor.serve(self.health.clone(), over.clone()));
        let over = over.drop_guard();
        let ended = self.wait(served, shutdown).await;
        drop(over);
        // It fails if it panicked, which the panic hook has written.
        let _ = watching.await;
        ended
    }

    async fn wait(
        self,
        served: impl Future<Output = Result<(), tonic::transport::Error>>,
        shutdown: CancellationToken,
    ) -> Result<(), ServerError> {
        let Self { end, address, names, health, patience } = self;
        let mut served = std::pin::pin!(served);
        tracing::info!(%address, services = ?names, "serving");

        tokio::select! {
            ended = &mut served => return Ok(ended?),
            () = shutdown.cancelled() => {}
        }
        tracing::info!(%address, "draining");
        for name in names.iter().copied().chain([""]) {
            let status = tonic_health::ServingStatus::NotServing;
            health.set_service_status(name, status).await;
        }
        if let Ok(ended) = tokio::time::timeout(patience, &mut served).await {
            return Ok(ended?);
        }
        tracing::warn!(%address, "the drain took too long: ending what is still open");
        end.cancel();
        match tokio::time::timeout(CLOSING, &mut served).await {
            Ok(ended) => Ok(ended?),
            // A client that reads nothing keeps its connection; it ends with the process.
            Err(_) => Ok(()),
        }
    }
}
