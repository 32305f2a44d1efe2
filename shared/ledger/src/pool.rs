//! Connections that are lent, and come back whole or not at all.
//!
//! A database that stops answering must cost no connection for good. The driver waits for an
//! answer for as long as the network says nothing, also when it takes a connection back. So each
//! wait has an end here, after which a connection is closed as it is; and the server looks by
//! itself whether whoever asked is still there (see [`limit`](crate::connection)).

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, Postgres};
use sqlx::{Connection as _, Executor as _};
use tokio::runtime::Handle;

use crate::connection::{PoolOptions, limit};
use crate::lock::Guarded;
use crate::queue::Turn;
use crate::{LedgerError, Snapshot};

/// How long after its last use a connection is taken to be alive without a look.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long such a look may take.
const LOOK: Duration = Duration::from_secs(2);

/// A service's connections. Clones share them.
#[derive(Clone, Debug)]
pub struct Pool {
    inner: PgPool,
    options: PoolOptions,
    /// Whether a connection is made that nobody waits for.
    filling: Arc<AtomicBool>,
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Open ones.
    pub open: u32,
    /// Open ones that nobody uses.
    pub idle: u32,
    /// How many there may be.
    pub max: u32,
}

/// A connection that is used for a while. It comes back when it is dropped, once what was asked on
/// it last is answered; if that takes too long, it is closed.
#[derive(Debug)]
pub struct Lease {
    /// Always there, until it is dropped.
    held: Option<PoolConnection<Postgres>>,
    patience: Duration,
    /// Whether a transaction is rolled back first.
    pub(crate) in_transaction: bool,
    /// Passed on when it is.
    pub(crate) turn: Option<Turn>,
}

/// A transaction that writes, without a workflow's lock. Dropping it rolls back.
#[derive(Debug)]
pub struct Transaction(Guarded);

impl Pool {
    pub(crate) fn new(inner: PgPool, options: PoolOptions) -> Self {
        Self { inner, options, filling: Arc::default() }
    }

    /// A connection, for statements that are no transaction together.
    ///
    /// # Errors
    /// There is none to be had in time.
    pub async fn acquire(&self) -> Result<Lease, sqlx::Error> {
        let waiting = Waiting(Some(self));
        let acquired = self.inner.acquire().await;
        waiting.over();
        let held = Some(acquired?);
        Ok(Lease { held, patience: self.options.patience, in_transaction: false, turn: None })
    }

    /// A connection beside those of the pool, for what is held for ever. It has the limits of all.
    ///
    /// # Errors
    /// There is none to be had in time.
    pub async fn connect_alone(&self) -> Result<PgConnection, sqlx::Error> {
        let connected = async {
            let mut alone = PgConnection::connect_with(&self.inner.connect_options()).await?;
            limit(&mut alone, self.options).await?;
            Ok(alone)
        };
        let within = tokio::time::timeout(self.options.acquire_timeout, connected);
        within.await.unwrap_or_else(|_late| Err(silent()))
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin(&self) -> Result<Transaction, LedgerError> {
        Ok(Transaction(Guarded::unlocked(self).await?))
    }

    /// One snapshot of the database, for reads of several statements that must agree.
    ///
    /// # Errors
    /// What the database says.
    pub async fn snapshot(&self) -> Result<Snapshot, LedgerError> {
        Ok(Snapshot(Guarded::snapshot(self).await?))
    }

    /// Does a step of what no caller's deadline ends. Each of its statements is ended by the server
    /// in time; so a step that takes longer than one may take hears nothing any more.
    ///
    /// # Errors
    /// What the step says, or that the database is silent.
    pub async fn within<T, E: From<sqlx::Error>>(
        &self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match tokio::time::timeout(self.options.longest_step(), step).await {
            Ok(done) => done,
            Err(_late) => Err(silent().into()),
        }
    }

    /// How many connections there are now.
    pub fn connections(&self) -> Connections {
        Connections {
            open: self.inner.size(),
            idle: u32::try_from(self.inner.num_idle()).unwrap_or(u32::MAX),
            max: self.options.max_connections,
        }
    }

    /// Closes all connections. Those that are in use are waited for as long as they may take to come
    /// back.
    pub async fn close(&self) {
        // What is not closed by then ends with the process.
        let _ = tokio::time::timeout(self.options.patience, self.inner.close()).await;
    }

    /// How the database is reached.
    pub(crate) fn target(&self) -> PgConnectOptions {
        (*self.inner.connect_options()).clone()
    }
}

/// Somebody who waits for a connection.
struct Waiting<'a>(Option<&'a Pool>);

impl Waiting<'_> {
    fn over(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting<'_> {
    /// Whoever gives up may have been about to make a connection. Where that takes longer than callers
    /// wait, there would never be one: so it is made, one at a time, for those who come next.
    fn drop(&mut self) {
        let (Some(pool), Ok(runtime)) = (self.0, Handle::try_current()) else { return };
        if pool.filling.swap(true, Ordering::Relaxed) {
            return;
        }
        let (acquired, filling) = (pool.inner.acquire(), Arc::clone(&pool.filling));
        runtime.spawn(async move {
            if let Err(error) = acquired.await {
                tracing::debug!(%error, "there is no connection for those who come next either");
            }
            filling.store(false, Ordering::Relaxed);
        });
    }
}

/// What the database says when it says nothing.
fn silent() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer"))
}

/// The driver's pool with these limits.
pub(crate) fn driver(options: PoolOptions) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.acquire_timeout)
        // A look at every connection would be a round trip for every read.
        .test_before_acquire(false)
        .before_acquire(|connection, seen| {
            Box::pin(async move {
                if seen.idle_for > TRUSTED {
                    let looked = tokio::time::timeout(LOOK, connection.ping()).await;
                    looked.unwrap_or_else(|_late| Err(silent()))?;
                }
                Ok(true)
            })
        })
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.held {
            Some(held) => held,
            None => unreachable!("it is taken only by what drops this"),
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.held {
            Some(held) => held,
            None => unreachable!("it is taken only by what drops this"),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        let Ok(runtime) = Handle::try_current() else {
            // Nobody is there to wait: it is closed as it is.
            drop(held.detach());
            return;
        };
        let (patience, in_transaction, turn) =
            (self.patience, self.in_transaction, self.turn.take());
        runtime.spawn(async move {
            // First the driver waits for the end of a statement that was cut short.
            let is_whole = !in_transaction || {
                let ended = tokio::time::timeout(patience, held.execute("rollback")).await;
                matches!(ended, Ok(Ok(_)))
            };
            if is_whole {
                // Given up, this closes it: so does the driver itself, should it not be well.
                let _ = tokio::time::timeout(patience, held.return_to_pool()).await;
            } else {
                drop(held.detach());
            }
            drop(turn);
        });
    }
}

impl Transaction {
    /// Commits.
    ///
    /// # Errors
    /// What the database says. After [`LedgerError::Unavailable`] it is not known whether it did.
    pub async fn commit(self) -> Result<(), LedgerError> {
        self.0.commit().await
    }

    /// Rolls back, and waits for it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn roll_back(self) -> Result<(), LedgerError> {
        self.0.roll_back().await
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.lease()
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.connection()
    }
}
