//! The way into a command.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use signoff_workflow::Workflow;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::command::{Command, Start};
use crate::feed::Wake;
use crate::gates::{self, Gate};
use crate::lock::Guarded;
use crate::pool::Pool;
use crate::queue::Queues;
use crate::trail::{Witness, store, walk};
use crate::{
    Cursor, Export, Feed, FeedError, Head, LedgerError, QueueOptions, Record, RequestKey, Source,
    Verification, idempotency,
};

/// A read-only transaction on one snapshot. It ends when it is dropped.
#[derive(Debug)]
pub struct Snapshot(pub(crate) Guarded);

impl Snapshot {
    /// Its connection.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.0.connection()
    }
}

impl Deref for Snapshot {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.lease()
    }
}

impl DerefMut for Snapshot {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.connection()
    }
}

/// What a service keeps beside its own tables. Clones share the pool and the lines.
#[derive(Clone, Debug)]
pub struct Ledger {
    pool: Pool,
    source: Source,
    queues: Arc<Queues>,
    wake: Arc<Wake>,
}

/// A command that has begun.
#[derive(Debug)]
pub enum Begun {
    /// The request was here before; this was the answer.
    Replay(Vec<u8>),
    /// It is new.
    New(Box<Command>),
}

/// All that a command must know first: the answer to its request id, whether the workflow is
/// closed, the head of the chain, the gate of its phase, the time. Time does not run backwards within a chain, whatever the clock.
const READ: &str = "
select greatest(clock_timestamp(), t.recorded_at) as now, t.seq as head_seq, t.hash as head_hash,
    k.method as key_method, k.caller as key_caller, k.content_hash as key_content_hash,
    k.answer as key_answer, g.phase is not null as has_gate, g.attempt, g.opened_attempt,
    g.opened_at, g.opened_by, g.stale_because, g.stale_reopening, g.marks, g.reopening, g.reopenings,
    g.rests_on, h.holders, h.hold_attempts, c.cycle_id is not null as is_closed
from (values ($1::uuid, $2::uuid)) as w (cycle_id, report_id)
left join lateral (
    select seq, hash, recorded_at from trail
    where cycle_id = w.cycle_id and report_id = w.report_id order by seq desc limit 1
) t on true
left join idempotency_keys k
    on k.cycle_id = w.cycle_id and k.report_id = w.report_id and k.request_id = $3
left join closed_workflows c on c.cycle_id = w.cycle_id and c.report_id = w.report_id
left join phase_gates g
    on g.cycle_id = w.cycle_id and g.report_id = w.report_id and g.phase = $4
left join lateral (
    select array_agg(holder) as holders, array_agg(attempt) as hold_attempts from phase_holds
    where cycle_id = w.cycle_id and report_id = w.report_id and phase = $4
) h on true";

impl Ledger {
    /// The ledger of one service on its own database.
    pub fn new(pool: Pool, source: Source, queue: QueueOptions) -> Self {
        let (queues, wake) = (Arc::new(Queues::new(queue)), Arc::new(Wake::new()));
        Self { pool, source, queues, wake }
    }

    /// The pool, for what is read outside of commands.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Whose chains it keeps.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Begins a command in a workflow: waits for its turn, takes the workflow's lock, and reads
    /// what it must know. With a `phase` (its slug) the command knows that phase's gate; with a
    /// `key` it is done once.
    ///
    /// Dropping the future at any moment leaves nothing behind.
    ///
    /// # Errors
    /// [`LedgerError::Busy`], [`LedgerError::RequestIdReused`], [`LedgerError::WorkflowClosed`], or
    /// what the database says.
    pub async fn begin(
        &self,
        workflow: Workflow,
        phase: Option<&str>,
        key: Option<&RequestKey>,
    ) -> Result<Begun, LedgerError> {
        let turn = self.queues.wait(workflow).await?;
        let mut locked = Guarded::locked(&self.pool, workflow, turn).await?;
        let row = sqlx::query(READ)
            .bind(workflow.cycle_id)
            .bind(workflow.report_id)
            .bind(key.map(|key| key.request_id))
            .bind(phase)
            .fetch_one(locked.connection())
            .await?;
        if let Some(key) = key
            && let Some(answer) = idempotency::first_answer(&row, key)?
        {
            locked.roll_back().await?;
            return Ok(Begun::Replay(answer));
        }
        if row.try_get("is_closed")? {
            return Err(LedgerError::WorkflowClosed);
        }
        Ok(Begun::New(Box::new(Command::new(Start {
            locked,
            source: self.source,
            workflow,
            head: head(&row)?,
            gate: gate(&row)?,
            now: row.try_get("now")?,
            key: key.cloned(),
            wake: Arc::clone(&self.wake),
        }))))
    }

    /// The feed of all its chains, behind a place or from the first record on.
    ///
    /// # Errors
    /// [`FeedError::EpochChanged`](crate::FeedError) if that place is not there, or what the database
    /// says.
    pub async fn follow(&self, position: Option<Cursor>) -> Result<Feed, FeedError> {
        Feed::begin(self.pool.clone(), self.source, Arc::clone(&self.wake), position).await
    }

    /// Wakes those who follow the feed, here and in other processes, until `shutdown`; then the feeds
    /// that are followed here end. Without it they look once a second.
    pub async fn wake_followers(&self, shutdown: CancellationToken) {
        self.wake.run(&self.pool, shutdown).await;
    }

    /// When the feeds end that are followed here, for one that another service sends through this one.
    pub fn end_of_feeds(&self) -> CancellationToken {
        self.wake.end().clone()
    }

    /// Whether a request with this id was done before, whatever it was: its answer is had by
    /// [`begin`](Self::begin).
    ///
    /// # Errors
    /// What the database says.
    pub async fn knows(&self, workflow: Workflow, request_id: Uuid) -> Result<bool, LedgerError> {
        idempotency::is_known(&self.pool, workflow, request_id).await
    }

    /// One snapshot of the database, for reads of several statements that must agree.
    ///
    /// # Errors
    /// What the database says.
    pub async fn snapshot(&self) -> Result<Snapshot, LedgerError> {
        self.pool.snapshot().await
    }

    /// Records of a workflow's chain after number `after`, in order, at most `limit`; of one
    /// phase (its slug) or of all.
    ///
    /// # Errors
    /// What the database says.
    pub async fn get_trail(
        &self,
        workflow: Workflow,
        phase: Option<&str>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Record>, LedgerError> {
        let mut connection = self.pool.acquire().await?;
        store::read(&mut connection, workflow, phase, after, i64::from(limit)).await
    }

    /// Walks a workflow's chain as it is now, in bounded memory, on one snapshot. The witness
    /// compares the service's own rows with what the chain says; [`NoWitness`](crate::NoWitness)
    /// does not.
    ///
    /// # Errors
    /// What the database says. A chain that does not fit is no error.
    pub async fn verify(
        &self,
        workflow: Workflow,
        witness: &mut impl Witness,
    ) -> Result<Verification, LedgerError> {
        self.verify_against(workflow, &[], witness).await
    }

    /// The same, and whether the chain has the heads that were kept elsewhere.
    ///
    /// # Errors
    /// What the database says. A chain that does not fit is no error.
    pub async fn verify_against(
        &self,
        workflow: Workflow,
        kept: &[Head],
        witness: &mut impl Witness,
    ) -> Result<Verification, LedgerError> {
        let mut snapshot = Guarded::snapshot(&self.pool).await?;
        let found =
            walk::verify(snapshot.connection(), self.source, workflow, kept, witness).await?;
        snapshot.roll_back().await?;
        Ok(found)
    }

    /// A workflow's chain as it is now, as lines of a file that can be verified without a
    /// database. Only a page is read at a time, and no connection is held between two.
    ///
    /// # Errors
    /// What the database says.
    pub async fn export(&self, workflow: Workflow) -> Result<Export, LedgerError> {
        Export::begin(self.pool.clone(), self.source, workflow).await
    }

    /// Forgets answers that are older than `age`, and says how many they were. See
    /// [`IDEMPOTENCY_RETENTION`](crate::IDEMPOTENCY_RETENTION).
    ///
    /// # Errors
    /// What the database says.
    pub async fn sweep_idempotency(&self, age: Duration) -> Result<u64, LedgerError> {
        idempotency::sweep(&self.pool, age).await
    }
}

fn head(row: &PgRow) -> Result<Head, LedgerError> {
    match row.try_get("head_seq")? {
        Some(sequence) => Ok(Head { sequence, hash: store::hash(row, "head_hash")? }),
        None => Ok(Head::EMPTY),
    }
}

fn gate(row: &PgRow) -> Result<Gate, LedgerError> {
    if row.try_get("has_gate")? { gates::store::gate(row) } else { Ok(Gate::default()) }
}
