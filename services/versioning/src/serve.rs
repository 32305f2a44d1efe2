//! The service as a process: what it is told, and how it is put together.

use std::net::SocketAddr;

use anyhow::Context as _;
use signoff_chassis::config::{DatabaseArgs, ServerArgs};
use signoff_chassis::identity::AssertionVerifier;
use signoff_chassis::server::{Listener, Mount, Server};
use signoff_ledger::{IDEMPOTENCY_RETENTION, Instance, Ledger, PoolOptions, QueueOptions, Source};
use signoff_workflow::{Phase, PhaseTable};
use sqlx::migrate::Migration;
use tokio_util::sync::CancellationToken;

use crate::commands::Engine;
use crate::domain::payload::PayloadRegistry;
use crate::rpc::Rpc;

/// The phases that this service serves: all that have versions.
pub const SERVED: [Phase; 6] = [
    Phase::PLANNING,
    Phase::DATA_PROFILING,
    Phase::SCOPING,
    Phase::SAMPLE_SELECTION,
    Phase::OBSERVATION_MANAGEMENT,
    Phase::FINALIZE_TEST_REPORT,
];

/// How often answers that nobody will ask for again are forgotten.
const SWEEP: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// How often it is looked for imports whose process is gone.
const CLEAR: std::time::Duration = std::time::Duration::from_secs(10);

/// What the service is told.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// As every server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Where its database is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// How many connections to the database at most. Many more than there are cores make it slower.
    #[arg(long, env = "SIGNOFF_DATABASE_CONNECTIONS", default_value_t = 6)]
    pub database_connections: u32,
}

/// The service's own migrations; the ledger's come beside them.
pub fn migrations() -> Vec<Migration> {
    use sqlx::migrate::MigrationType::Simple;
    use sqlx::{AssertSqlSafe, SqlSafeStr as _};

    [
        (20_261_120_110_000, "versions", include_str!("../migrations/20261120110000_versions.sql")),
        (20_261_120_110_100, "guards", include_str!("../migrations/20261120110100_guards.sql")),
        (20_261_125_130_000, "staging", include_str!("../migrations/20261125130000_staging.sql")),
        (
            20_261_125_120_000,
            "sign offs",
            include_str!("../migrations/20261125120000_sign_offs.sql"),
        ),
        (20_261_125_120_100, "facts", include_str!("../migrations/20261125120100_facts.sql")),
    ]
    .into_iter()
    .map(|(version, name, sql)| {
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(version, name.into(), Simple, sql, false)
    })
    .collect()
}

/// The service, put together and bound to its address.
pub struct Service {
    listener: Listener,
    server: Server,
    engine: Engine,
}

impl Service {
    /// Binds the address, migrates the database if its owner is known, and connects.
    ///
    /// # Errors
    /// The address, the keys or the database cannot be used.
    pub async fn prepare(args: ServeArgs) -> anyhow::Result<Self> {
        let listener = Listener::bind(args.server.listen).await?;
        let verifier =
            AssertionVerifier::new(args.server.jwks.clone(), args.server.verifier_options())?;
        if let Some(owner) = &args.database.database_owner_url {
            signoff_ledger::migrate(owner, migrations()).await.context("migrating the database")?;
        }
        let instance = Instance::new();
        let options = PoolOptions {
            instance,
            max_connections: args.database_connections,
            ..PoolOptions::default()
        };
        let pool = signoff_ledger::connect(&args.database.database_url, options)
            .await
            .context("connecting to the database")?;
        let engine = Engine::new(
            Ledger::new(pool, Source::Versioning, QueueOptions::default()),
            instance,
            PhaseTable::standard().clone(),
            PayloadRegistry::standard(),
            &SERVED,
        );
        let rpc = Rpc::new(engine.clone());
        let mount = Mount::new().with(rpc.versioning()).with(rpc.sign_offs()).with(rpc.trail());
        let server = Server::new(mount, verifier.into(), args.server.server_options()).await?;
        Ok(Self { listener, server, engine })
    }

    /// The address that it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// The transport fails.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { listener, server, engine } = self;
        let sweeper = tokio::spawn(sweep(engine.ledger().clone(), shutdown.clone()));
        let clearer = tokio::spawn(clear(engine.clone(), shutdown.clone()));
        server.serve(listener, shutdown.clone()).await?;
        shutdown.cancel();
        sweeper.await.context("the sweeper of answers")?;
        clearer.await.context("the clearer of imports")?;
        engine.pool().close().await;
        Ok(())
    }
}

/// Serves until `shutdown`.
///
/// # Errors
/// What [`Service::prepare`] and [`Service::run`] say.
pub async fn serve(args: ServeArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    Service::prepare(args).await?.run(shutdown).await
}

/// Forgets answers past their retention until the service ends.
async fn sweep(ledger: Ledger, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => match ledger.sweep_idempotency(IDEMPOTENCY_RETENTION).await {
                Ok(0) => {}
                Ok(forgotten) => tracing::info!(forgotten, "kept answers past their retention"),
                Err(error) => tracing::warn!(%error, "kept answers cannot be forgotten"),
            },
        }
    }
}

/// Clears what imports of dead processes left behind, at the start and from time to time: the
/// connections of one that died just now may take a moment to go.
async fn clear(engine: Engine, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(CLEAR);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => match engine.clear_abandoned_imports().await {
                Ok(0) => {}
                Ok(cleared) => tracing::info!(cleared, "imports whose process is gone"),
                Err(error) => tracing::warn!(%error, "abandoned imports cannot be cleared"),
            },
        }
    }
}
