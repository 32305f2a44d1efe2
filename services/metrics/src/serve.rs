//! The service as a process: what it is told, and how it is put together.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use signoff_backend::monitor;
use signoff_chassis::config::{DatabaseArgs, ServerArgs, TokenArgs};
use signoff_chassis::identity::{AssertionVerifier, TokenVerifier, VerifierOptions};
use signoff_chassis::monitor::Monitor;
use signoff_chassis::prometheus::Collector;
use signoff_chassis::server::{Listener, Mount, Server};
use signoff_ledger::{Instance, Pool, PoolOptions};
use sqlx::migrate::Migration;
use tokio_util::sync::CancellationToken;

use crate::exposition::Exposition;
use crate::follow::{FeedArgs, Leading, Upstreams, lead};
use crate::rpc::Rpc;

/// Its name, as those who watch it see it.
const NAME: &str = "metrics";

/// The service's migrations: it keeps no trail, so the ledger's tables are not among them.
pub fn migrations() -> Vec<Migration> {
    use sqlx::migrate::MigrationType::Simple;
    use sqlx::{AssertSqlSafe, SqlSafeStr as _};

    let sql = include_str!("../migrations/20261128100000_metrics.sql");
    let sql = AssertSqlSafe(sql).into_sql_str();
    vec![Migration::new(20_261_128_100_000, "metrics".into(), Simple, sql, false)]
}

/// What the service is told.
#[derive(Clone, Debug, clap::Args)]
pub struct MetricsArgs {
    /// As every server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Whose tokens services may read with; nobody's, if nothing is said.
    #[command(flatten)]
    pub tokens: TokenArgs,
    /// Whose feeds it follows.
    #[command(flatten)]
    pub feeds: FeedArgs,
    /// Where its database is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// How many connections to the database at most.
    #[arg(long, env = "SIGNOFF_DATABASE_CONNECTIONS", default_value_t = 6)]
    pub database_connections: u32,
}

/// The numbers, and whether this replica counts. Clones share all of it.
#[derive(Clone, Debug)]
pub struct Metrics {
    pool: Pool,
    leading: Arc<Leading>,
}

impl Metrics {
    /// Where they are.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Whether this replica counts.
    pub(crate) fn leading(&self) -> &Leading {
        &self.leading
    }
}

/// The service, put together and bound to its address.
pub struct Service {
    listener: Listener,
    server: Server,
    metrics: Metrics,
    upstreams: Upstreams,
}

impl Service {
    /// Binds the address, migrates the database if its owner is known, and connects.
    ///
    /// # Errors
    /// The address, the keys, the token or the database cannot be used.
    pub async fn prepare(args: MetricsArgs) -> anyhow::Result<Self> {
        let listener = Listener::bind(args.server.listen).await?;
        let watched = Monitor::bind(NAME, args.server.monitor.http_listen).await?;
        let verifier =
            AssertionVerifier::new(args.server.jwks.clone(), VerifierOptions::default())?;
        let tokens = match args.tokens.options() {
            Some(options) => Some(TokenVerifier::open(options).await?),
            None => None,
        };
        let upstreams = Upstreams::new(args.feeds)?;
        if let Some(owner) = &args.database.database_owner_url {
            let migrated = signoff_ledger::migrate(owner, migrations()).await;
            migrated.context("migrating the database")?;
        }
        let options = PoolOptions {
            instance: Instance::new(),
            max_connections: args.database_connections,
            ..PoolOptions::default()
        };
        let pool = signoff_ledger::connect_beside(&args.database.database_url, options)
            .await
            .context("connecting to the database")?;
        let metrics = Metrics { pool, leading: Arc::default() };
        let mount = Mount::new().with(Rpc::mounted(metrics.clone()));
        let server = Server::new(mount, verifier.into(), args.server.server_options()).await?;
        let server = match tokens {
            Some(tokens) => server.with_tokens(tokens.into()),
            None => server,
        };
        let exposition = Exposition::of(metrics.clone());
        let numbers = Collector::new("numbers", move || exposition.clone().text());
        let watched = monitor::with_database(watched, &metrics.pool).with_collector(numbers);
        Ok(Self { listener, server: server.monitored(watched), metrics, upstreams })
    }

    /// The address that it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Where it is watched, if it is.
    pub fn monitored_at(&self) -> Option<SocketAddr> {
        self.server.monitored_at()
    }

    /// Serves, and counts if no other replica does, until `shutdown`.
    ///
    /// # Errors
    /// The transport fails.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { listener, server, metrics, upstreams } = self;
        let leading = Arc::clone(&metrics.leading);
        let leader = tokio::spawn(lead(metrics.pool.clone(), upstreams, leading, shutdown.clone()));
        server.serve(listener, shutdown.clone()).await?;
        shutdown.cancel();
        leader.await.context("whoever counts")?;
        metrics.pool.close().await;
        Ok(())
    }
}

/// Serves until `shutdown`.
///
/// # Errors
/// What [`Service::prepare`] and [`Service::run`] say.
pub async fn serve(args: MetricsArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    Service::prepare(args).await?.run(shutdown).await
}
