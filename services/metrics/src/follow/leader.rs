//! Who counts: one replica at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signoff_backend::Fault;
use signoff_ledger::Pool;
use sqlx::PgConnection;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::follower::Follower;
use super::upstream::Upstreams;
use crate::store::feeds::Followed;
use crate::store::{SOURCES, generations};

/// How often a replica that stands by asks whether nobody counts, and one that counts looks what is to be
/// counted.
const LOOK: Duration = Duration::from_millis(500);

/// Whether this replica counts, and what wakes it.
#[derive(Debug, Default)]
pub struct Leading {
    is_leading: AtomicBool,
    look: Notify,
}

impl Leading {
    /// Whether this replica counts now.
    pub fn is_leading(&self) -> bool {
        self.is_leading.load(Ordering::Relaxed)
    }

    /// There may be something new to count.
    pub fn look(&self) {
        self.look.notify_one();
    }
}

/// Counts if nobody else does, until `shutdown`. That two replicas do not count at once saves work; that
/// nothing is counted twice does not depend on it.
pub async fn lead(
    pool: Pool,
    upstreams: Upstreams,
    leading: Arc<Leading>,
    shutdown: CancellationToken,
) {
    loop {
        let led = shutdown.run_until_cancelled(try_lock(&pool)).await;
        match led {
            None => return,
            Some(Ok(Some(lock))) => {
                tracing::info!("counting");
                leading.is_leading.store(true, Ordering::Relaxed);
                let mut leader =
                    Leader { pool: &pool, upstreams: &upstreams, followers: HashMap::new() };
                let ended = leader.lead(lock, &leading, &shutdown).await;
                leader.stop_all().await;
                leading.is_leading.store(false, Ordering::Relaxed);
                match ended {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "not counting any more"),
                }
            }
            Some(Ok(None)) => {}
            Some(Err(error)) => tracing::warn!(%error, "cannot find out who counts"),
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

/// A connection that holds the lock of whoever counts, as long as it lasts; nothing, if somebody else does.
async fn try_lock(pool: &Pool) -> Result<Option<PgConnection>, Fault> {
    let mut connection = pool.connect_alone().await?;
    let locked = pool.within(generations::try_lock(&mut connection)).await?;
    Ok(locked.then_some(connection))
}

struct Leader<'a> {
    pool: &'a Pool,
    upstreams: &'a Upstreams,
    followers: HashMap<Followed, (CancellationToken, JoinHandle<()>)>,
}

impl Leader<'_> {
    /// Has every feed followed for every count, until `shutdown` or until the lock is lost.
    async fn lead(
        &mut self,
        mut lock: PgConnection,
        leading: &Leading,
        shutdown: &CancellationToken,
    ) -> Result<(), Fault> {
        loop {
            let counts = self.pool.within(generations::followed(&mut lock)).await?;
            self.follow(&counts).await;
            if counts.len() > 1 && self.pool.within(generations::swap(&mut lock)).await? {
                tracing::info!(generation = counts.last(), "the numbers were counted anew");
                continue;
            }
            // Bit by bit, between two looks.
            let more = self.pool.within(generations::clear_retired(&mut lock)).await?;
            let pause = if more { Duration::ZERO } else { LOOK };
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
                () = leading.look.notified() => {}
            }
        }
    }

    /// Starts who is missing, and stops who is not needed any more.
    async fn follow(&mut self, counts: &[i64]) {
        // One that ended by itself ended badly: another one takes its place.
        let is_gone = |(of, (_, running)): &(&Followed, &(_, JoinHandle<()>))| {
            !counts.contains(&of.generation) || running.is_finished()
        };
        let gone: Vec<Followed> =
            self.followers.iter().filter(is_gone).map(|(of, _)| *of).collect();
        for of in gone {
            self.stop(of).await;
        }
        for generation in counts {
            for source in SOURCES {
                let of = Followed { generation: *generation, source };
                self.followers.entry(of).or_insert_with(|| {
                    let stop = CancellationToken::new();
                    let follower =
                        Follower { pool: self.pool.clone(), upstreams: self.upstreams.clone(), of };
                    (stop.clone(), tokio::spawn(follower.run(stop)))
                });
            }
        }
    }

    async fn stop(&mut self, of: Followed) {
        let Some((stop, running)) = self.followers.remove(&of) else { return };
        stop.cancel();
        if let Err(error) = running.await {
            tracing::error!(%error, source = of.source.name(), "following ended badly");
        }
    }

    async fn stop_all(&mut self) {
        let all: Vec<Followed> = self.followers.keys().copied().collect();
        for of in all {
            self.stop(of).await;
        }
    }
}
