//! Following one feed for one count.

use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Fuse, FusedFuture as _};
use rand::Rng as _;
use signoff_backend::Fault;
use signoff_chassis::reason_name;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_ledger::Pool;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::batch::Batch;
use super::upstream::{Heard, Upstreams};
use crate::domain::count::{Counter, Read};
use crate::domain::record::What;
use crate::domain::touch::Touch;
use crate::store::feeds::{self, Followed};
use crate::store::{known, written};

/// How long to wait after a failure, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How many single decisions are looked up and written at a time.
const SLICE: usize = 20_000;

/// Why following ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    /// The other side ended it, as it does from time to time.
    #[error("the subscription ended")]
    Over,
    /// The feed cannot be followed.
    #[error("the feed: {0}")]
    Feed(Status),
    /// Nothing can be written.
    #[error("the numbers: {0}")]
    Store(#[from] Fault),
    /// Somebody else has counted, or the count is no more.
    #[error("somebody else counts")]
    Overtaken,
}

/// Follows one feed for one count until `stop`.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    pub(super) pool: Pool,
    pub(super) upstreams: Upstreams,
    pub(super) of: Followed,
}

impl Follower {
    pub(super) async fn run(self, stop: CancellationToken) {
        let (generation, source) = (self.of.generation, self.of.source.name());
        let mut pause = FIRST_PAUSE;
        loop {
            let mut counted = false;
            let ended = stop.run_until_cancelled(Box::pin(self.follow(&mut counted))).await;
            let Some(Err(ended)) = ended else { return };
            if counted {
                pause = FIRST_PAUSE;
            }
            match &ended {
                Ended::Over => pause = FIRST_PAUSE,
                Ended::Overtaken => {
                    tracing::info!(
                        generation,
                        source,
                        "somebody else counts: beginning where they are"
                    );
                }
                Ended::Feed(status) if is_epoch_changed(status) => {
                    tracing::error!(
                        generation,
                        source,
                        "the feed refuses to go on: the record that was counted last is not there any \
                         more. Rebuild, to count what there is now"
                    );
                    self.refused(status.message()).await;
                    pause = LONGEST_PAUSE;
                }
                Ended::Feed(_) | Ended::Store(_) => {
                    tracing::warn!(generation, source, %ended, ?pause, "not followed: trying again");
                }
            }
            // Not all at the same moment.
            let pause_now = pause.mul_f64(rand::rng().random_range(0.5..1.0));
            if stop.run_until_cancelled(tokio::time::sleep(pause_now)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Keeps the refusal for whoever asks; if it cannot be kept, the log has it.
    async fn refused(&self, why: &str) {
        let kept = async {
            let mut connection = self.pool.acquire().await?;
            feeds::refuse(&mut connection, self.of, why).await
        };
        if let Err(error) = self.pool.within(kept).await {
            tracing::warn!(%error, "the refusal is not kept");
        }
    }

    /// Subscribes where the count is, and counts: while one batch is kept, the next is read.
    async fn follow(&self, counted: &mut bool) -> Result<(), Ended> {
        let cursor = async {
            let mut connection = self.pool.acquire().await?;
            feeds::cursor(&mut connection, self.of).await
        };
        let mut cursor = self.pool.within(cursor).await?.ok_or(Ended::Overtaken)?;
        let upstream = self.upstreams.of(self.of.source);
        let mut stream = upstream.subscribe(&cursor).await.map_err(Ended::Feed)?;
        let mut batch = Batch::default();
        let mut heard = Ok(());
        let mut keeping = pin!(Fuse::terminated());
        loop {
            if keeping.is_terminated() && !batch.is_empty() {
                keeping.set(self.keep(batch.take(), cursor.clone()).fuse());
            }
            // Whatever ends the subscription, what came before it counts: else a feed that ends at once
            // would never get anywhere.
            if keeping.is_terminated() && heard.is_err() {
                return heard;
            }
            tokio::select! {
                kept = &mut keeping => {
                    cursor = kept?;
                    *counted = true;
                }
                message = stream.message(), if heard.is_ok() && !batch.is_full() => {
                    heard = self.hear(message, &mut batch);
                }
            }
        }
    }

    /// Takes in a message.
    fn hear(&self, message: Heard, batch: &mut Batch) -> Result<(), Ended> {
        let with_details = self.upstreams.of(self.of.source).with_details();
        let message = message.map_err(Ended::Feed)?.ok_or(Ended::Over)?;
        batch.add(message, self.of.source, with_details).map_err(Ended::Feed)
    }

    /// Counts a batch, in one transaction with its cursor. Gives the cursor behind it.
    async fn keep(&self, batch: Batch, from: String) -> Result<String, Ended> {
        let to = batch.cursor.unwrap_or_else(|| from.clone());
        let moved = (from.as_str(), to.as_str());
        let begun = async {
            let mut tx = self.pool.begin().await?;
            let advanced = feeds::advance(&mut tx, self.of, moved, batch.said.as_ref()).await?;
            Ok::<_, Fault>(advanced.then_some(tx))
        };
        let mut tx = self.pool.within(begun).await?.ok_or(Ended::Overtaken)?;
        let mut counted = vec![false; batch.reads.len()];
        for slice in slices(&batch.reads) {
            self.pool.within(self.count(&mut tx, &slice, &mut counted)).await?;
        }
        self.pool.within(async { Ok::<_, Fault>(tx.commit().await?) }).await?;
        Ok(to)
    }

    /// Counts a slice. Of what comes in several pieces, the first says whether the others count: `counted`
    /// has that by the record's place.
    async fn count(
        &self,
        conn: &mut PgConnection,
        slice: &[Piece<'_>],
        counted: &mut [bool],
    ) -> Result<(), Fault> {
        let state = known::read(conn, self.of, &wanted(slice)).await?;
        let mut counter = Counter { state, ..Counter::default() };
        for piece in slice {
            let Some(counts) = counted.get_mut(piece.place) else { continue };
            if piece.is_first {
                *counts = counter.count(piece.read);
            }
            if let (true, Ok(told)) = (*counts, &piece.read.told) {
                counter.touch(piece.read.record.workflow, told, piece.touches);
            }
        }
        for rejected in &counter.rejected {
            tracing::error!(
                generation = self.of.generation,
                source = self.of.source.name(),
                workflow = %rejected.workflow,
                sequence = rejected.sequence,
                reason = rejected.reason.name(),
                what = rejected.what,
                "a record is not counted as it should be"
            );
        }
        written::write(conn, self.of, counter).await
    }
}

/// A record, or a part of what its details say.
struct Piece<'a> {
    place: usize,
    read: &'a Read,
    is_first: bool,
    touches: &'a [Touch],
}

/// Records in slices of so many single decisions at most.
fn slices(reads: &[Read]) -> Vec<Vec<Piece<'_>>> {
    let (mut slices, mut slice, mut size) = (Vec::new(), Vec::new(), 0);
    for (place, read) in reads.iter().enumerate() {
        let mut rest = read.record.touches.as_slice();
        let mut is_first = true;
        while is_first || !rest.is_empty() {
            let (touches, later) = rest.split_at(rest.len().min(SLICE - size));
            rest = later;
            size += touches.len();
            slice.push(Piece { place, read, is_first, touches });
            is_first = false;
            if size >= SLICE {
                slices.push(std::mem::take(&mut slice));
                size = 0;
            }
        }
    }
    slices.push(slice);
    slices.retain(|slice| !slice.is_empty());
    slices
}

/// What must be known to count these.
fn wanted(slice: &[Piece<'_>]) -> known::Wanted {
    let mut wanted = known::Wanted::default();
    for piece in slice {
        let workflow = piece.read.record.workflow;
        wanted.workflows.insert(workflow);
        let Ok(told) = &piece.read.told else { continue };
        match told.what {
            What::Version { version, .. } => {
                wanted.versions.insert((workflow, version));
            }
            What::Responded { action, .. } => {
                wanted.requests.insert((workflow, action));
            }
            What::Made { .. }
            | What::DataOwner(_)
            | What::Document(_)
            | What::Requested { .. }
            | What::Workflow(_)
            | What::Nothing => {}
        }
        let ending = piece.touches.iter().filter(|touch| touch.ended > 0);
        wanted.items.extend(ending.map(|touch| ((workflow, told.phase), touch.item_no)));
    }
    wanted
}

fn is_epoch_changed(status: &Status) -> bool {
    let info = status.get_details_error_info();
    info.is_some_and(|info| info.reason == reason_name(ErrorReason::EpochChanged))
}
