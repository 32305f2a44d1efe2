//! Following a feed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::watermark::{Moment, Watermark};
use super::{Cursor, FeedStanding, Holder, Wake, statements};
use crate::trail::{DetailChunk, Hash, Link};
use crate::{LedgerError, Pool, Source};

/// How many records are read at a time. Most have about a kilobyte.
const RECORDS: i64 = 512;
/// How many chunks of details are read at a time, of 64 KiB at most.
const CHUNKS: i64 = 16;
/// Up to how many the waiting records are counted.
const COUNTED: i64 = 10_000;
/// How often a follower looks who heard nothing.
const LOOK: Duration = Duration::from_secs(1);
/// How soon again, at first, while records are held back.
const SOON: Duration = Duration::from_millis(10);
/// From when on it is said who holds a feed back.
const LONG_HELD: Duration = Duration::from_secs(1);

/// Why a feed cannot be followed, or not any longer.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The record that the follower had last is not there: the database is another one, or was set
    /// back.
    #[error("the record that the cursor names is not there")]
    EpochChanged,
    /// The service ends.
    #[error("the service ends")]
    Ended,
    /// What the database says.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<sqlx::Error> for FeedError {
    fn from(error: sqlx::Error) -> Self {
        Self::Ledger(error.into())
    }
}

/// A record of some workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRecord {
    /// Its place, with its workflow, number and hash.
    pub cursor: Cursor,
    /// The version of the canonical form.
    pub format: i16,
    /// The bytes that were hashed.
    pub canonical: Vec<u8>,
    /// The hash of the record before; zeros for the first.
    pub previous_hash: Hash,
}

impl FeedRecord {
    /// It as a part of its chain.
    pub fn link(&self) -> Link<'_> {
        Link {
            sequence: self.cursor.sequence,
            format: self.format,
            canonical: &self.canonical,
            hash: self.cursor.hash,
            previous_hash: self.previous_hash,
        }
    }
}

/// What was read at once.
#[derive(Clone, Debug, Default)]
pub struct FeedPage {
    /// The next records.
    pub records: Vec<FeedRecord>,
    /// Where the feed stands behind them; not said with every page.
    pub standing: Option<FeedStanding>,
}

/// A feed that somebody follows. It holds no connection between two pages.
#[derive(Debug)]
pub struct Feed {
    pool: Pool,
    source: Source,
    wake: Arc<Wake>,
    heard: watch::Receiver<u64>,
    position: Option<Cursor>,
    watermark: Watermark,
    /// The epoch in which it was last made sure that everything up to the position is there.
    epoch: Option<i32>,
    /// All that could be read was.
    is_all_read: bool,
    /// Committed records that could not be read yet.
    held_back: bool,
    /// How soon to look again while records are held back.
    soon: Duration,
    said_at: Option<Instant>,
}

impl Feed {
    pub(crate) async fn begin(
        pool: Pool,
        source: Source,
        wake: Arc<Wake>,
        position: Option<Cursor>,
    ) -> Result<Self, FeedError> {
        let heard = wake.heard();
        let mut feed = Self {
            pool,
            source,
            wake,
            heard,
            position,
            watermark: Watermark::default(),
            epoch: None,
            is_all_read: false,
            held_back: false,
            soon: SOON,
            said_at: None,
        };
        let mut connection = feed.pool.acquire().await?;
        feed.look(&mut connection).await?;
        Ok(feed)
    }

    /// Whose chains it is of.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The place behind everything that was read.
    pub fn position(&self) -> Option<Cursor> {
        self.position
    }

    /// The next records, as soon as there are any; or, from time to time, none and where it stands.
    ///
    /// # Errors
    /// [`FeedError`].
    pub async fn next(&mut self) -> Result<FeedPage, FeedError> {
        loop {
            if self.is_all_read {
                self.wait().await?;
            }
            // It may be followed for long, without a deadline.
            let pool = self.pool.clone();
            let page = pool.within(self.read()).await?;
            if !page.records.is_empty() || page.standing.is_some() {
                return Ok(page);
            }
        }
    }

    /// Chunks of details of these records, with the place of each record among them from 1 on, behind a
    /// place and a chunk of it: about a mebibyte at a time; none after the last.
    ///
    /// # Errors
    /// What the database says.
    pub async fn details(
        &self,
        of: &[FeedRecord],
        after: (i64, i32),
    ) -> Result<Vec<(i64, i32, DetailChunk)>, LedgerError> {
        let read = async {
            let mut connection = self.pool.acquire().await?;
            statements::details(&mut connection, of, after, CHUNKS).await
        };
        self.pool.within(read).await
    }

    /// Waits until there may be something new, or it is time to say where it stands.
    async fn wait(&mut self) -> Result<(), FeedError> {
        let due = self.said_at.map_or(Duration::ZERO, |said| LOOK.saturating_sub(said.elapsed()));
        let pause = if self.held_back { self.soon.min(due) } else { due };
        self.soon = (self.soon * 2).min(LOOK);
        tokio::select! {
            () = self.wake.end().cancelled() => return Err(FeedError::Ended),
            () = tokio::time::sleep(pause) => {}
            changed = self.heard.changed() => {
                self.soon = SOON;
                // The ledger that sends is gone, and with it the service.
                changed.map_err(|_gone| FeedError::Ended)?;
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<FeedPage, FeedError> {
        if self.wake.end().is_cancelled() {
            return Err(FeedError::Ended);
        }
        self.heard.mark_unchanged();
        let mut connection = self.pool.acquire().await?;
        let moment = self.look(&mut connection).await?;
        self.watermark.saw(moment);
        let records = statements::read(&mut connection, self.position, moment, RECORDS).await?;
        if let Some(last) = records.last() {
            self.position = Some(last.cursor);
            self.soon = SOON;
        }
        self.is_all_read = i64::try_from(records.len()).is_ok_and(|read| read < RECORDS);
        if self.is_all_read {
            self.watermark.read_below(moment.oldest_open);
        }
        let is_due = self.said_at.is_none_or(|said| said.elapsed() >= LOOK);
        // With the last records, so that whoever has them knows that they are the last.
        let standing = match is_due || (self.is_all_read && !records.is_empty()) {
            true => Some(self.standing(&mut connection, moment).await?),
            false if self.is_all_read && moment.has_open() => {
                let waiting = statements::waiting(&mut connection, self.position, 1).await?;
                self.held_back = self.is_held_back(waiting);
                None
            }
            false => {
                self.held_back = false;
                None
            }
        };
        Ok(FeedPage { records, standing })
    }

    /// Whether so many committed records wait for transactions that are open, and not for being read.
    fn is_held_back(&self, waiting: i64) -> bool {
        self.is_all_read && waiting > 0
    }

    async fn standing(
        &mut self,
        connection: &mut sqlx::PgConnection,
        moment: Moment,
    ) -> Result<FeedStanding, LedgerError> {
        self.said_at = Some(Instant::now());
        let waiting = statements::waiting(connection, self.position, COUNTED + 1).await?;
        self.held_back = self.is_held_back(waiting);
        let held_for = self
            .watermark
            .held_since()
            .filter(|_| moment.has_open())
            // Both by the database's clock.
            .and_then(|since| (moment.at - since).to_std().ok())
            .filter(|held| *held >= LONG_HELD);
        let held_by = match held_for {
            None => None,
            Some(held) => statements::holder(connection, moment.oldest_open)
                .await?
                .map(|holder| Holder { seconds: held.as_secs_f64(), ..holder }),
        };
        Ok(FeedStanding {
            watermark: self.watermark.reached(),
            waiting: waiting.min(COUNTED),
            waiting_or_more: waiting > COUNTED,
            held_by,
        })
    }

    /// What can be seen now, once it is sure that the record is there behind which it goes on; and, once
    /// in every epoch that came later, that all are there which were read before it. An epoch begins
    /// where a database was set back: to a moment, and not to a place in the order of the feed.
    async fn look(&mut self, connection: &mut sqlx::PgConnection) -> Result<Moment, FeedError> {
        let (moment, is_here) = statements::look(connection, self.position).await?;
        if !is_here {
            return Err(FeedError::EpochChanged);
        }
        if self.epoch != Some(moment.epoch) {
            if let Some(position) = &self.position
                && position.epoch != moment.epoch
                && statements::count_up_to(connection, position).await? != position.records
            {
                return Err(FeedError::EpochChanged);
            }
            self.epoch = Some(moment.epoch);
        }
        Ok(moment)
    }
}
