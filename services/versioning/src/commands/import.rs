//! Decisions by the hundred thousand: staged as they come, then put forward by one command.

use std::sync::Arc;

use signoff_backend::Fault;
use signoff_ledger::{DetailWriter, Pool};
use signoff_workflow::Violations;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::details::{CONTENT_COLUMNS, content_row};
use super::{Change, Engine, not_found};
use crate::domain::error::{Error, Kind};
use crate::domain::states::VersionState;
use crate::domain::version::Version;
use crate::store::lines::Line;
use crate::store::staging::{self, Batch, Doubled, Numbering};
use crate::store::{lines, makers};

/// How many batches may wait to be written: what has come and is not written yet is bounded.
const WAITING: usize = 2;
/// Batches are put together up to about so many bytes, for messages of a few rows.
const PIECE: usize = 1024 * 1024;

/// An import under way: rows go in as they come.
#[derive(Debug)]
pub struct Import {
    // Before the staging: it ends the writer, which the staging waits for when it is dropped.
    batches: mpsc::Sender<Batch>,
    staging: Staging,
    staged: Totals,
}

/// The staged rows of an import. Dropping it clears them, once nobody writes any more.
#[derive(Debug)]
struct Staging {
    import_id: Uuid,
    pool: Pool,
    writer: Option<JoinHandle<Result<(), Error>>>,
}

/// What was staged, as far as a header tells of it.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    rows: i32,
    counted: i32,
    sources: i32,
}

/// An import whose rows are all there. Dropping it clears them.
#[derive(Debug)]
pub struct Staged {
    staging: Staging,
    totals: Totals,
}

/// Puts an import's rows forward.
#[derive(Debug)]
pub struct ImportDecisions {
    /// Where.
    pub version_id: Uuid,
    /// Its etag.
    pub etag: Option<String>,
    /// What. Whoever asks keeps it until the command has ended: only then it may be cleared.
    pub staged: Arc<Staged>,
}

/// Keys that are there already: the first ones, and how many there are.
pub type Duplicates = (Vec<Doubled>, i64);

impl Engine {
    /// Begins an import: what is put into it is written at once, and counts for nothing until it is
    /// put forward.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_import(&self) -> Result<Import, Error> {
        let (import_id, pool) = (Uuid::now_v7(), self.desk.pool().clone());
        staging::begin(&pool, import_id, self.desk.instance()).await?;
        let (batches, incoming) = mpsc::channel(WAITING);
        // A task of its own: the database is not left in the middle of a COPY when a caller goes.
        let writer = tokio::spawn(write_all(pool.clone(), incoming));
        let staging = Staging { import_id, pool, writer: Some(writer) };
        Ok(Import { batches, staging, staged: Totals::default() })
    }

    /// Clears what imports of processes that are gone have left behind. Says how many there were.
    ///
    /// # Errors
    /// What the database says.
    pub async fn clear_abandoned_imports(&self) -> Result<usize, Error> {
        let abandoned = staging::abandoned(self.desk.pool()).await?;
        for import_id in &abandoned {
            staging::clear(self.desk.pool(), *import_id).await?;
        }
        Ok(abandoned.len())
    }
}

async fn write_all(pool: Pool, mut incoming: mpsc::Receiver<Batch>) -> Result<(), Error> {
    while let Some(first) = incoming.recv().await {
        let mut bytes = first.bytes();
        let mut piece = vec![first];
        while bytes < PIECE
            && let Ok(next) = incoming.try_recv()
        {
            bytes += next.bytes();
            piece.push(next);
        }
        staging::write(&pool, piece).await?;
    }
    Ok(())
}

impl Import {
    /// Its id, which its rows bear.
    pub fn id(&self) -> Uuid {
        self.staging.import_id
    }

    /// Puts more rows in. Waits while too many are on their way to the database.
    ///
    /// # Errors
    /// There are too many rows. A failure to write them is told at the end.
    pub async fn put(&mut self, batch: Batch) -> Result<(), Error> {
        let count = i32::try_from(batch.count).ok();
        self.staged.rows = count
            .and_then(|count| self.staged.rows.checked_add(count))
            .ok_or(Fault::Limit("a line holds at most 2,147,483,647 items"))?;
        self.staged.counted += batch.counted;
        self.staged.sources |= batch.sources;
        // The writer ends early only with an error, which `finish` tells.
        let _ = self.batches.send(batch).await;
        Ok(())
    }

    /// All rows are in.
    ///
    /// # Errors
    /// They could not be written.
    pub async fn finish(self) -> Result<Staged, Error> {
        let Self { batches, mut staging, staged } = self;
        drop(batches);
        if let Some(writer) = &mut staging.writer {
            writer.await.map_err(|error| Fault::Internal(error.to_string()))??;
        }
        staging.writer = None;
        Ok(Staged { staging, totals: staged })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (pool, import_id, writer) = (self.pool.clone(), self.import_id, self.writer.take());
        runtime.spawn(async move {
            if let Some(writer) = writer {
                // What it says does not matter any more.
                let _ = writer.await;
            }
            // What is left when that fails is found by whoever looks for abandoned imports.
            if let Err(error) = staging::clear(&pool, import_id).await {
                tracing::warn!(%error, %import_id, "an import's staged rows were not cleared");
            }
        });
    }
}

impl Change {
    /// Whether a version would take an import now.
    ///
    /// # Errors
    /// The phase or the version takes no items.
    pub async fn expect_import(
        &mut self,
        version_id: Uuid,
        etag: Option<&str>,
    ) -> Result<Version, Error> {
        self.work.admit()?;
        let version = self.version(version_id, etag).await?;
        version.expect_state(self.takes_items_while(), "take new items")?;
        Ok(version)
    }

    /// Puts an import's rows forward: all of them, or none.
    ///
    /// # Errors
    /// The phase or the version takes no items, or item keys are doubled.
    pub async fn import_decisions(&mut self, input: ImportDecisions) -> Result<Version, Error> {
        const NAMED: i64 = signoff_workflow::MAX_NAMED as i64;
        let ((before, line), known, (doubled, total)) = self.check_import(&input, NAMED).await?;
        if total > 0 {
            return Err(Error::ItemsExist(violations(&doubled, total)));
        }
        let Totals { rows, counted, sources } = input.staged.totals;
        let import_id = input.staged.staging.import_id;
        let last_item = line
            .last_item
            .checked_add(rows - known)
            .ok_or(Fault::Limit("a line holds at most 2,147,483,647 items"))?;
        let maker = self.maker();
        let numbering = Numbering { import_id, last_item: line.last_item, known: known > 0 };
        if numbering.known {
            staging::end_rulings(self.conn(), &before, import_id).await?;
        }
        staging::put(self.conn(), &before, numbering, maker).await?;
        let count = usize::try_from(rows).unwrap_or_default();
        makers::add(self.conn(), line.line_no, maker.user_id, count, last_item).await?;
        let mut after = before.clone();
        after.counts.enter_pending(rows, counted);
        after.sources |= sources;
        let after = self.save(after).await?;
        self.write_imported(numbering).await?;
        self.record_version(
            "decisions.added",
            None,
            Some(&before),
            &after,
            super::details::Details::default(),
        )?;
        Ok(after)
    }

    /// Checks everything that putting an import's rows forward would check: the version as it is,
    /// and the item keys that are there already, at most `limit` of them by name.
    ///
    /// # Errors
    /// The phase or the version takes no items.
    pub async fn validate_import(
        &mut self,
        input: ImportDecisions,
        limit: i64,
    ) -> Result<(Version, Duplicates), Error> {
        let ((version, _), _, duplicates) = self.check_import(&input, limit).await?;
        Ok((version, duplicates))
    }

    /// The version and its line, how many keys the line knows, and which are there already.
    async fn check_import(
        &mut self,
        input: &ImportDecisions,
        limit: i64,
    ) -> Result<((Version, Line), i32, Duplicates), Error> {
        let before = self.expect_import(input.version_id, input.etag.as_deref()).await?;
        let (scope, row) = (self.work.scope(), self.work.row().clone());
        let line = lines::find(self.conn(), scope, &row)
            .await?
            .ok_or_else(|| not_found(Kind::Version, input.version_id))?;
        let import_id = input.staged.staging.import_id;
        let (staged, mut doubled) = staging::count(self.conn(), import_id).await?;
        if staged != i64::from(input.staged.totals.rows) {
            return Err(Fault::Conflict("staged rows of the import are gone".into()).into());
        }
        let (known, held) = if line.last_item == 0 {
            (0, 0)
        } else {
            staging::match_known(self.conn(), &before, import_id).await?
        };
        doubled += held;
        let duplicates = if doubled == 0 {
            (Vec::new(), 0)
        } else {
            staging::doubled(self.conn(), import_id, limit).await?
        };
        Ok(((before, line), known, duplicates))
    }

    /// The states in which a version takes new items here.
    pub(super) fn takes_items_while(&self) -> &'static [VersionState] {
        if self.work.row().items_while_submitted {
            &[VersionState::Draft, VersionState::Submitted]
        } else {
            &[VersionState::Draft]
        }
    }

    /// Writes a detail row for each item, without keeping them all in memory.
    async fn write_imported(&mut self, rows: Numbering) -> Result<(), Error> {
        let contributed = self.maker().contributed;
        staging::open_imported(self.conn(), rows).await?;
        let mut writer = DetailWriter::new(&CONTENT_COLUMNS);
        loop {
            let page = staging::next_imported(self.conn()).await?;
            if page.is_empty() {
                break;
            }
            for item in &page {
                content_row(&mut writer, item, contributed)?;
            }
            self.work.command_mut().write_details(&writer.take_full()).await?;
        }
        self.work.command_mut().write_details(&writer.finish()).await?;
        Ok(())
    }
}

/// Keys that are there already, by the fields that name them.
fn violations(doubled: &[Doubled], total: i64) -> Violations {
    let mut violations = Violations::default();
    for of in doubled {
        violations.add(format!("decisions[{}].item_key", of.row_no - 1), of.to_string());
    }
    let named = violations.total();
    violations.count_more(usize::try_from(total).unwrap_or(named).saturating_sub(named));
    violations
}
