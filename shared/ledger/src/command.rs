//! One command: everything that it changes is there afterwards, or nothing.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use signoff_workflow::Workflow;
use sqlx::postgres::PgConnection;

use crate::feed::Wake;
use crate::gates::Gate;
use crate::lock::Guarded;
use crate::trail::store::{self, Answer, Pending};
use crate::trail::{FORMAT, Placement, Summary, canonical_bytes, record_hash};
use crate::{DetailRows, Entry, Head, LedgerError, Record, RequestKey, Source};

/// A command that holds its workflow's lock. Dropping it undoes everything.
#[derive(Debug)]
pub struct Command {
    start: Start,
    head: Head,
    pending: Vec<Pending>,
    /// Details of the next record that are written already.
    written: Summary,
}

/// What is known when a command begins.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) locked: Guarded,
    pub(crate) source: Source,
    pub(crate) workflow: Workflow,
    pub(crate) head: Head,
    pub(crate) gate: Gate,
    pub(crate) now: DateTime<Utc>,
    pub(crate) key: Option<RequestKey>,
    pub(crate) wake: Arc<Wake>,
}

impl Command {
    pub(crate) fn new(start: Start) -> Self {
        let start = Start { now: start.now.trunc_subsecs(6), ..start };
        Self { head: start.head, start, pending: Vec::new(), written: Summary::default() }
    }

    /// The connection, in the command's transaction, for the service's own statements.
    ///
    /// Do not begin or end a transaction on it: the command's own would end early.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.start.locked.connection()
    }

    /// The end of the chain, with what was [recorded](Self::record) so far.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The gate of the phase that the command was begun with, as it was then; that of a phase
    /// that was never opened, if it was begun without one.
    pub fn gate(&self) -> &Gate {
        &self.start.gate
    }

    /// The workflow whose lock is held.
    pub fn workflow(&self) -> Workflow {
        self.start.workflow
    }

    /// The time of the whole command by the database's clock, in microseconds. It is never
    /// before that of the last record.
    pub fn now(&self) -> DateTime<Utc> {
        self.start.now
    }

    /// Writes details of the next record now, for a command that touches more than fits into
    /// memory. The record must follow: without it, the transaction fails at its end.
    ///
    /// # Errors
    /// What the database says.
    pub async fn write_details(&mut self, details: &DetailRows) -> Result<(), LedgerError> {
        if details.chunks().is_empty() {
            return Ok(());
        }
        let (workflow, sequence) = (self.start.workflow, self.head.sequence + 1);
        let first = self.written.chunks();
        self.written.add(details);
        let connection = self.start.locked.connection();
        store::write_chunks(connection, workflow, sequence, first, details.chunks()).await
    }

    /// Adds a record to the chain; it is written at the end. Returns the end of the chain with
    /// it.
    ///
    /// # Errors
    /// The entry does not fit into a record.
    pub fn record(&mut self, entry: Entry) -> Result<Head, LedgerError> {
        let mut details = std::mem::take(&mut self.written);
        let first_chunk = details.chunks();
        entry.details.iter().for_each(|table| details.add(table));
        let placement = Placement {
            source: self.start.source,
            workflow: self.start.workflow,
            previous: &self.head,
            recorded_at: self.start.now,
            details: details.finish(),
        };
        let canonical = canonical_bytes(&entry, &placement)?;
        let hash = record_hash(&self.head.hash, &canonical);
        let record = Record {
            sequence: self.head.sequence + 1,
            format: FORMAT,
            canonical,
            hash,
            previous_hash: self.head.hash,
            phase: entry.phase,
            action: entry.action.to_owned(),
            actor: entry.actor.user_id,
            subject: entry.subject,
            request_id: entry.request_id,
            recorded_at: self.start.now,
            occurred_at: entry.occurred_at.trunc_subsecs(6),
            origin: entry.origin,
        };
        self.head = Head { sequence: record.sequence, hash };
        self.pending.push(Pending { record, first_chunk, details: entry.details });
        Ok(self.head)
    }

    /// Writes the records and the answer, and ends the transaction. A command with a key keeps
    /// an answer in any case, an empty one if it is given none.
    ///
    /// # Errors
    /// What the database says. After [`LedgerError::Unavailable`] it is not known whether the
    /// command took place: the same request id, sent again, finds out.
    pub async fn commit(self, answer: Option<Vec<u8>>) -> Result<Head, LedgerError> {
        let Self { mut start, head, pending, .. } = self;
        let answer = answer.unwrap_or_default();
        let answer = start.key.as_ref().map(|key| Answer { key, answer: &answer });
        let records = !pending.is_empty();
        store::write(start.locked.connection(), start.workflow, pending, answer).await?;
        start.locked.commit().await?;
        if records {
            start.wake.committed();
        }
        Ok(head)
    }
}
