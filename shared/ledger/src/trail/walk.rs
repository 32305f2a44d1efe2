//! A walk along a stored chain, page by page on one snapshot.

use std::collections::VecDeque;

use signoff_workflow::Workflow;
use sqlx::postgres::PgConnection;

use super::store::{self, StoredChunk};
use super::{Contradiction, Damage, Flaw, Head, Source, Verification, Verifier, Witness};
use crate::LedgerError;

/// At 64 KiB each, a page of records or chunks has at most 4 MiB.
const PAGE: i64 = 64;

/// Walks the whole chain, which is to have the heads that were kept. The connection is to be in a transaction with one snapshot.
pub(crate) async fn verify(
    connection: &mut PgConnection,
    source: Source,
    workflow: Workflow,
    kept: &[Head],
    witness: &mut impl Witness,
) -> Result<Verification, LedgerError> {
    let mut verifier = Verifier::new(source, workflow).with_kept(kept.iter().copied());
    Ok(match walk(connection, workflow, &mut verifier, witness).await? {
        Ok(()) => verifier.finish(),
        Err(damage) => verifier.damaged(damage),
    })
}

async fn walk(
    connection: &mut PgConnection,
    workflow: Workflow,
    verifier: &mut Verifier,
    witness: &mut impl Witness,
) -> Result<Result<(), Damage>, LedgerError> {
    let contradicted = |sequence, what| Ok(Err(Damage { sequence, what: Flaw::Row(what) }));
    let mut chunks = Chunks::of(workflow, PAGE);
    // From below the first: a record that was put there is found as well.
    let mut after = i64::MIN;
    loop {
        let records = store::read(connection, workflow, None, after, PAGE).await?;
        let Some(last) = records.last() else { break };
        after = last.sequence;
        for record in &records {
            if let Err(damage) = verifier.record(record) {
                return Ok(Err(damage));
            }
            if let Err(what) = witness.record(connection, record).await? {
                return contradicted(record.sequence, what);
            }
            while let Some((sequence, chunk, content)) =
                chunks.next(connection, record.sequence).await?
            {
                if let Err(damage) = verifier.chunk(sequence, chunk, &content) {
                    return Ok(Err(damage));
                }
                if let Err(what) = witness.chunk(connection, &content).await? {
                    return contradicted(sequence, what);
                }
            }
        }
    }
    // Chunks behind the last record belong to one that is gone.
    if let Some((sequence, ..)) = chunks.next(connection, i64::MAX).await? {
        return Ok(verifier.behind(sequence));
    }
    // A tail that was cut off would look like rows that somebody put there.
    if let Err(damage) = verifier.complete() {
        return Ok(Err(damage));
    }
    match witness.end(connection).await? {
        Ok(()) => Ok(Ok(())),
        Err(Contradiction { record, what }) => {
            contradicted(record.unwrap_or(verifier.head().sequence.max(1)), what)
        }
    }
}

/// The chunks of all records, in order.
#[derive(Debug)]
pub(crate) struct Chunks {
    workflow: Workflow,
    page: i64,
    after: (i64, i32),
    read: VecDeque<StoredChunk>,
    all_read: bool,
}

impl Chunks {
    /// Those of a workflow's chain, read so many at a time.
    pub(crate) fn of(workflow: Workflow, page: i64) -> Self {
        Self { workflow, page, after: (i64::MIN, 0), read: VecDeque::new(), all_read: false }
    }

    /// Whether the next one is still to be read.
    pub(crate) fn want_reading(&self) -> bool {
        self.read.is_empty() && !self.all_read
    }

    /// Reads the next page.
    pub(crate) async fn read_on(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<(), LedgerError> {
        let page = store::read_details(connection, self.workflow, self.after, self.page).await?;
        match page.last() {
            Some((sequence, chunk, _)) => self.after = (*sequence, *chunk),
            None => self.all_read = true,
        }
        self.read = page.into();
        Ok(())
    }

    /// The next of those that were read, if it belongs to record `last` or to one before it.
    pub(crate) fn due(&mut self, last: i64) -> Option<StoredChunk> {
        self.read.pop_front_if(|(sequence, ..)| *sequence <= last)
    }

    /// The next chunk, if it belongs to record `last` or to one before it.
    async fn next(
        &mut self,
        connection: &mut PgConnection,
        last: i64,
    ) -> Result<Option<StoredChunk>, LedgerError> {
        if self.want_reading() {
            self.read_on(connection).await?;
        }
        Ok(self.due(last))
    }
}
