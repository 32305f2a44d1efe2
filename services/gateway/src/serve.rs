//! The gateway as a process: what it is told, and how it is put together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::builder::BoolishValueParser;
use http::HeaderValue;
use signoff_backend::serve::{desk, sweep, wake};
use signoff_backend::{Keeper as _, monitor};
use signoff_chassis::config::{DatabaseArgs, MonitorArgs, TokenArgs};
use signoff_chassis::identity::{SigningKey, TokenVerifier};
use signoff_chassis::monitor::Monitor;
use signoff_chassis::server::{Edge, Listener, Mount, Server, ServerOptions};
use signoff_contract::access::AccessPolicy;
use signoff_ledger::Source;
use sqlx::migrate::Migration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::transport::Uri;
use tonic_health::server::HealthReporter;

use crate::door::{Callers, Door};
use crate::forward::{Backends, FORWARDED, Forwarder, Methods, OWN, Replicas, Signer};
use crate::gateway::Parts;
use crate::health;
use crate::{Gateway, http as plain, rpc};

/// How many KiB of long messages are held at once.
const ROOM: usize = 512 * 1024;

/// The gateway's own migrations; the ledger's come beside them.
pub fn migrations() -> Vec<Migration> {
    use sqlx::migrate::MigrationType::Simple;
    use sqlx::{AssertSqlSafe, SqlSafeStr as _};

    let sql = include_str!("../migrations/20261127100000_workflows.sql");
    let sql = AssertSqlSafe(sql).into_sql_str();
    vec![Migration::new(20_261_127_100_000, "workflows".into(), Simple, sql, false)]
}

/// What the gateway is told.
#[derive(Clone, Debug, clap::Args)]
pub struct GatewayArgs {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "SIGNOFF_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Where it is watched.
    #[command(flatten)]
    pub monitor: MonitorArgs,
    /// Whose tokens it believes.
    #[command(flatten)]
    pub tokens: TokenArgs,
    /// The file with the private key that signs assertions (PKCS#8 in PEM, Ed25519).
    #[arg(long, env = "SIGNOFF_GATEWAY_KEY", value_name = "FILE")]
    pub gateway_key: PathBuf,
    /// The replicas of the versioning service: `http://HOST:PORT`, separated by commas.
    #[arg(long, env = "SIGNOFF_VERSIONING_URL", value_name = "URL", value_delimiter = ',')]
    #[arg(required = true)]
    pub versioning_url: Vec<Uri>,
    /// The replicas of the audit service.
    #[arg(long, env = "SIGNOFF_AUDIT_URL", value_name = "URL", value_delimiter = ',')]
    #[arg(required = true)]
    pub audit_url: Vec<Uri>,
    /// The replicas of the metrics service.
    #[arg(long, env = "SIGNOFF_METRICS_URL", value_name = "URL", value_delimiter = ',')]
    #[arg(required = true)]
    pub metrics_url: Vec<Uri>,
    /// Where its database is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// How many connections to the database at most.
    #[arg(long, env = "SIGNOFF_DATABASE_CONNECTIONS", default_value_t = 6)]
    pub database_connections: u32,
    /// The origins that browsers may call from: `https://host`, separated by commas.
    #[arg(long, env = "SIGNOFF_CORS_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    #[arg(value_parser = origin)]
    pub cors_origins: Vec<HeaderValue>,
    /// How many calls one person may have open at once.
    #[arg(long, env = "SIGNOFF_CALLS_PER_CALLER", default_value_t = 100)]
    pub calls_per_caller: usize,
    /// How many calls may be open at once in all, streams included.
    #[arg(long, env = "SIGNOFF_CALLS", default_value_t = 4096)]
    pub calls: usize,
    /// How long a connection may last, in seconds: the next one may go to another replica.
    #[arg(long, env = "SIGNOFF_MAX_CONNECTION_AGE_SECONDS", default_value_t = 1800)]
    pub max_connection_age_seconds: u64,
    /// How long open calls may go on after a shutdown was asked for.
    #[arg(long, env = "SIGNOFF_DRAIN_SECONDS", value_name = "SECONDS", default_value_t = 10)]
    pub drain_seconds: u64,
    /// Log one JSON object a line instead of text.
    #[arg(long, env = "SIGNOFF_LOG_JSON", value_parser = BoolishValueParser::new())]
    pub log_json: bool,
}

/// One origin: any of them would let every page call with the user's token.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let named = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    if !named || text.contains('*') {
        return Err("an origin by its name, for instance https://host".to_owned());
    }
    HeaderValue::from_str(text).map_err(|error| error.to_string())
}

/// The gateway, put together and bound to its address.
pub struct Service {
    listener: Listener,
    server: Server<Door>,
    health: HealthReporter,
    edge: Edge,
    gateway: Gateway,
}

impl Service {
    /// Binds the address, migrates the database if its owner is known, and connects.
    ///
    /// # Errors
    /// The address, the keys or the database cannot be used.
    pub async fn prepare(args: GatewayArgs) -> anyhow::Result<Self> {
        let listener = Listener::bind(args.listen).await?;
        let watched = Monitor::bind(Source::Gateway.name(), args.monitor.http_listen).await?;
        let options = args.tokens.options();
        let options = options.context("the issuer of tokens and its keys must be named")?;
        let tokens = TokenVerifier::open(options).await?;
        let signer = Arc::new(Signer::new(SigningKey::load(&args.gateway_key)?));
        let (database, connections) = (&args.database, args.database_connections);
        let desk = desk(database, connections, (Source::Gateway, migrations(), &[])).await?;
        let services: Vec<&str> = OWN.into_iter().chain(FORWARDED).collect();
        let policy = Arc::new(AccessPolicy::load(&services)?);
        let backends = Backends::new(
            Replicas::new("versioning", args.versioning_url),
            Replicas::new("audit", args.audit_url),
            Replicas::new("metrics", args.metrics_url),
            Arc::clone(&signer),
        );
        let gateway = Gateway::new(Parts {
            desk,
            tokens,
            signer,
            backends,
            methods: Methods::load(&policy)?,
            callers: Callers::new(args.calls_per_caller, args.calls),
            room: Arc::new(Semaphore::new(ROOM)),
        });
        let mount = Mount::new()
            .with(rpc::workflows(gateway.clone()))
            .with(rpc::phases(gateway.clone()))
            .with_forwarded(&FORWARDED, Forwarder::new(gateway.clone()));
        let options = ServerOptions {
            max_calls: args.calls,
            drain: Duration::from_secs(args.drain_seconds),
            ..ServerOptions::default()
        };
        let server = Server::with_door(mount, policy, Door(gateway.clone()), options).await?;
        let server = server.monitored(monitor::with_database(watched, gateway.pool()));
        let edge = Edge {
            http: plain::routes(gateway.clone()),
            origins: args.cors_origins,
            max_connection_age: Duration::from_secs(args.max_connection_age_seconds),
        };
        let health = server.health();
        Ok(Self { listener, server, health, edge, gateway })
    }

    /// The address that it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Where it is watched, if it is.
    pub fn monitored_at(&self) -> Option<SocketAddr> {
        self.server.monitored_at()
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// The transport fails.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { listener, server, health, edge, gateway } = self;
        let sweeper = tokio::spawn(sweep(gateway.ledger().clone(), shutdown.clone()));
        let waker = tokio::spawn(wake(gateway.ledger().clone(), shutdown.clone()));
        let watcher = tokio::spawn(health::follow(gateway.clone(), health, shutdown.clone()));
        server.serve_edge(listener, shutdown.clone(), edge).await?;
        shutdown.cancel();
        sweeper.await.context("the sweeper of answers")?;
        waker.await.context("the waker of followers")?;
        watcher.await.context("the watcher of the backends' health")?;
        gateway.pool().close().await;
        Ok(())
    }
}

/// Serves until `shutdown`.
///
/// # Errors
/// What [`Service::prepare`] and [`Service::run`] say.
pub async fn serve(args: GatewayArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    Service::prepare(args).await?.run(shutdown).await
}
