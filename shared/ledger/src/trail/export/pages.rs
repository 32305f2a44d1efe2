//! The lines of a stored chain, page by page.

use std::collections::VecDeque;

use signoff_workflow::Workflow;

use super::writer::Writer;
use crate::trail::walk::Chunks;
use crate::trail::{Record, Source, store};
use crate::{LedgerError, Pool};

/// How many bytes of lines are given out at once, about.
const PIECE: usize = 256 * 1024;
/// How many records are read at a time. Most have about a kilobyte.
const RECORDS: i64 = 32;
/// How many chunks are read at a time. Those of bulk commands have 64 KiB.
const CHUNKS: i64 = 8;

/// A chain on its way into a file.
///
/// A connection is taken for each page and given back before anything is handed out: whoever takes
/// the lines slowly holds none. What is stored never changes, so pages that are read one after the
/// other up to an end that was read first are the chain as it stood then.
#[derive(Debug)]
pub struct Export {
    pool: Pool,
    workflow: Workflow,
    /// The number of the last record; 0 if there is none.
    last: i64,
    /// The number of the last record that has a chunk, if it is above `last`.
    last_of_chunks: i64,
    writer: Writer,
    records: VecDeque<Record>,
    /// The last record that was read. From below the first: one that was put there shows.
    read: i64,
    all_read: bool,
    /// The last record that was written.
    written: i64,
    chunks: Chunks,
    ended: bool,
}

impl Export {
    pub(crate) async fn begin(
        pool: Pool,
        source: Source,
        workflow: Workflow,
    ) -> Result<Self, LedgerError> {
        let (record, chunk) = {
            let mut connection = pool.acquire().await?;
            store::ends(&mut connection, workflow).await?
        };
        let last = record.unwrap_or(0);
        Ok(Self {
            pool,
            workflow,
            last,
            last_of_chunks: chunk.unwrap_or(0).max(last),
            writer: Writer::new(source, workflow)?,
            records: VecDeque::new(),
            read: i64::MIN,
            all_read: record.is_none(),
            written: i64::MIN,
            chunks: Chunks::of(workflow, CHUNKS),
            ended: false,
        })
    }

    /// The next lines, whole ones; nothing after the last.
    ///
    /// # Errors
    /// What the database says.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LedgerError> {
        while !self.ended && self.writer.waiting() < PIECE {
            let pool = self.pool.clone();
            pool.within(self.read_on()).await?;
            self.write_on()?;
        }
        Ok(Some(self.writer.take()).filter(|lines| !lines.is_empty()))
    }

    /// Reads what may come next, if it was not read yet.
    async fn read_on(&mut self) -> Result<(), LedgerError> {
        let want_records = self.records.is_empty() && !self.all_read;
        if !want_records && !self.chunks.want_reading() {
            return Ok(());
        }
        let mut connection = self.pool.acquire().await?;
        if want_records {
            let page =
                store::read(&mut connection, self.workflow, None, self.read, RECORDS).await?;
            self.records = page.into();
            self.records.retain(|record| record.sequence <= self.last);
            match self.records.back() {
                Some(record) => self.read = record.sequence,
                None => self.all_read = true,
            }
        }
        if self.chunks.want_reading() {
            self.chunks.read_on(&mut connection).await?;
        }
        Ok(())
    }

    /// Writes one line: a chunk of the last record, the next record, a chunk whose record is gone,
    /// or the last line.
    fn write_on(&mut self) -> Result<(), LedgerError> {
        if let Some((sequence, chunk, content)) = self.chunks.due(self.written) {
            return self.writer.chunk(sequence, chunk, &content);
        }
        if let Some(record) = self.records.pop_front() {
            self.written = record.sequence;
            return self.writer.record(&record.link());
        }
        if !self.all_read {
            return Ok(());
        }
        if let Some((sequence, chunk, content)) = self.chunks.due(self.last_of_chunks) {
            return self.writer.chunk(sequence, chunk, &content);
        }
        if self.last > 0 && self.written != self.last {
            let what = format!("trail record {} went away while it was exported", self.last);
            return Err(LedgerError::Corrupt(what));
        }
        self.ended = true;
        self.writer.end()
    }
}
