//! A service as a process: what it is told, and how it is put together.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use signoff_chassis::config::{DatabaseArgs, ServerArgs, TokenArgs};
use signoff_chassis::identity::{AssertionVerifier, TokenVerifier, VerifierOptions};
use signoff_chassis::monitor::Monitor;
use signoff_chassis::prometheus::Collector;
use signoff_chassis::server::{Listener, Mount, Server};
use signoff_ledger::{
    IDEMPOTENCY_RETENTION, Instance, Ledger, PoolOptions, QueueOptions, Source, with_ledger,
};
use signoff_workflow::{Phase, PhaseTable};
use sqlx::migrate::Migration;
use tokio_util::sync::CancellationToken;

use crate::{Desk, Keeper, monitor};

/// How often answers that nobody will ask for again are forgotten.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// What a service is told: what every one is, and what is its own.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs<A: clap::Args> {
    /// As every server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Whose tokens services may read with; nobody's, if nothing is said.
    #[command(flatten)]
    pub tokens: TokenArgs,
    /// Where its database is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// How many connections to the database at most. Many more than there are cores make it slower.
    #[arg(long, env = "SIGNOFF_DATABASE_CONNECTIONS", default_value_t = 6)]
    pub database_connections: u32,
    /// What only this service is told.
    #[command(flatten)]
    pub own: A,
}

/// A backend that can be served.
pub trait Served: Keeper {
    /// Whose chains it keeps.
    const SOURCE: Source;
    /// The phases that it serves.
    const PHASES: &'static [Phase];
    /// What it is told beside what every service is; `()` if that is all.
    type Args: clap::Args;

    /// Its own migrations; the ledger's come beside them.
    fn migrations() -> Vec<Migration>;

    /// It, at this desk.
    ///
    /// # Errors
    /// It can do nothing with what it is told.
    fn at(desk: Desk, args: Self::Args) -> anyhow::Result<Self>;

    /// Its services: the trail's, too.
    fn mount(&self) -> Mount;

    /// What it says of itself to those who watch it, beside its calls and its connections.
    fn collectors(&self) -> Vec<Collector> {
        Vec::new()
    }

    /// What it does beside answering, until `shutdown`.
    fn chores(self, shutdown: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        async move { shutdown.cancelled().await }
    }
}

/// A service, put together and bound to its address.
pub struct Service<B> {
    listener: Listener,
    server: Server,
    backend: B,
}

impl<B: Served> Service<B> {
    /// Binds the address, migrates the database if its owner is known, and connects.
    ///
    /// # Errors
    /// The address, the keys or the database cannot be used.
    pub async fn prepare(args: ServeArgs<B::Args>) -> anyhow::Result<Self> {
        let listener = Listener::bind(args.server.listen).await?;
        let watched = args.server.monitor.http_listen;
        let watched = Monitor::bind(B::SOURCE.name(), watched).await?;
        let verifier =
            AssertionVerifier::new(args.server.jwks.clone(), VerifierOptions::default())?;
        let tokens = match args.tokens.options() {
            Some(options) => Some(TokenVerifier::open(options).await?),
            None => None,
        };
        let (database, connections) = (&args.database, args.database_connections);
        let desk = desk(database, connections, (B::SOURCE, B::migrations(), B::PHASES)).await?;
        let backend = B::at(desk, args.own)?;
        let server =
            Server::new(backend.mount(), verifier.into(), args.server.server_options()).await?;
        let server = match tokens {
            Some(tokens) => server.with_tokens(tokens.into()),
            None => server,
        };
        let watched = monitor::with_database(watched, backend.pool());
        let collectors = backend.collectors().into_iter();
        let server = server.monitored(collectors.fold(watched, Monitor::with_collector));
        Ok(Self { listener, server, backend })
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
        let Self { listener, server, backend } = self;
        let sweeper = tokio::spawn(sweep(backend.ledger().clone(), shutdown.clone()));
        let waker = tokio::spawn(wake(backend.ledger().clone(), shutdown.clone()));
        let chores = tokio::spawn(backend.clone().chores(shutdown.clone()));
        server.serve(listener, shutdown.clone()).await?;
        shutdown.cancel();
        sweeper.await.context("the sweeper of answers")?;
        waker.await.context("the waker of followers")?;
        chores.await.context("the service's chores")?;
        backend.pool().close().await;
        Ok(())
    }
}

/// A desk over a database, which is migrated if its owner is known: whose chains it keeps, with which
/// tables beside the ledger's, and for which phases.
///
/// # Errors
/// The database cannot be used.
pub async fn desk(
    database: &DatabaseArgs,
    max_connections: u32,
    (source, migrations, phases): (Source, Vec<Migration>, &[Phase]),
) -> anyhow::Result<Desk> {
    if let Some(owner) = &database.database_owner_url {
        let migrated = signoff_ledger::migrate(owner, with_ledger(migrations)).await;
        migrated.context("migrating the database")?;
    }
    let instance = Instance::new();
    let options = PoolOptions { instance, max_connections, ..PoolOptions::default() };
    let pool = signoff_ledger::connect(&database.database_url, options)
        .await
        .context("connecting to the database")?;
    let ledger = Ledger::new(pool, source, QueueOptions::default());
    Ok(Desk::new(ledger, instance, PhaseTable::standard().clone(), phases))
}

/// Serves until `shutdown`.
///
/// # Errors
/// What [`Service::prepare`] and [`Service::run`] say.
pub async fn serve<B: Served>(
    args: ServeArgs<B::Args>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    Service::<B>::prepare(args).await?.run(shutdown).await
}

/// Does something at once and then again and again, until `shutdown`.
pub async fn every<F: Future<Output = ()>>(
    period: Duration,
    shutdown: CancellationToken,
    mut act: impl FnMut() -> F,
) {
    let mut tick = tokio::time::interval(period);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => act().await,
        }
    }
}

/// Wakes those who follow the feed, until the service ends; then their subscriptions end, too.
pub async fn wake(ledger: Ledger, shutdown: CancellationToken) {
    ledger.wake_followers(shutdown).await;
}

/// Forgets answers past their retention until the service ends.
pub async fn sweep(ledger: Ledger, shutdown: CancellationToken) {
    let forget = || async {
        match ledger.sweep_idempotency(IDEMPOTENCY_RETENTION).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "kept answers past their retention"),
            Err(error) => tracing::warn!(%error, "kept answers cannot be forgotten"),
        }
    };
    every(SWEEP, shutdown, forget).await;
}
