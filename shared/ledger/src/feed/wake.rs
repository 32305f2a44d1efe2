//! How those who follow a feed hear that there is something new.

use std::time::Duration;

use sqlx::Executor as _;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Pool;

/// What is listened to.
const CHANNEL: &str = "signoff_trail";
/// How long one word stands for all that is committed meanwhile: less would cost more than it is worth.
const COALESCED: Duration = Duration::from_millis(10);
/// How long it may be quiet before the connection is tried.
const QUIET: Duration = Duration::from_secs(30);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells followers, in every process of the service, that records were committed.
///
/// A `NOTIFY` in the transaction itself would make all commits take turns. So it is sent afterwards, by
/// one sender for all, and may be lost: followers look by themselves, too.
#[derive(Debug)]
pub(crate) struct Wake {
    /// Counts commits of this process.
    committed: watch::Sender<u64>,
    /// Counts what was heard.
    heard: watch::Sender<u64>,
    /// Ends all feeds.
    end: CancellationToken,
}

impl Wake {
    pub(crate) fn new() -> Self {
        Self {
            committed: watch::Sender::new(0),
            heard: watch::Sender::new(0),
            end: CancellationToken::new(),
        }
    }

    /// Something was committed here.
    pub(crate) fn committed(&self) {
        self.committed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// What a follower waits on.
    pub(super) fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// Cancelled when followers must go.
    pub(crate) fn end(&self) -> &CancellationToken {
        &self.end
    }

    /// Sends and hears until `shutdown`; then the feeds end.
    pub(crate) async fn run(&self, pool: &Pool, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            never = async { tokio::join!(self.send(pool), self.hear(pool)) } => match never {},
        }
        self.end.cancel();
    }

    async fn send(&self, pool: &Pool) -> std::convert::Infallible {
        let mut committed = self.committed.subscribe();
        loop {
            // It cannot fail: the sender is ours.
            let _ = committed.changed().await;
            committed.mark_unchanged();
            let notify = async {
                let mut connection = pool.acquire().await?;
                let notify = sqlx::query("select pg_notify($1, '')").bind(CHANNEL);
                notify.execute(&mut *connection).await
            };
            if let Err(error) = pool.within(notify).await {
                tracing::debug!(%error, "followers of the feed are not woken: they look by themselves");
                tokio::time::sleep(PAUSE).await;
            }
            tokio::time::sleep(COALESCED).await;
        }
    }

    async fn hear(&self, pool: &Pool) -> std::convert::Infallible {
        loop {
            if let Err(error) = self.listen(pool).await {
                tracing::debug!(%error, "the feed is not listened to: followers look by themselves");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A connection beside the pool: it is held for ever.
    async fn listen(&self, pool: &Pool) -> Result<(), sqlx::Error> {
        let connected = async {
            let own = PgPoolOptions::new().max_connections(1).connect_with(pool.target()).await?;
            let mut listener = PgListener::connect_with(&own).await?;
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        let mut listener = pool.within(Box::pin(connected)).await?;
        loop {
            match tokio::time::timeout(QUIET, listener.try_recv()).await {
                // None: the connection was lost, and with it what was said meanwhile.
                Ok(heard) => {
                    heard?;
                    self.heard.send_modify(|count| *count = count.wrapping_add(1));
                }
                // Nothing was said, or nothing comes through any more.
                Err(_quiet) => pool.within(listener.execute("select 1")).await.map(drop)?,
            }
        }
    }
}
