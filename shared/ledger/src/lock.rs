//! Transactions that end when they are dropped, and the one that holds a workflow's lock.

use sha2::{Digest, Sha256};
use signoff_workflow::Workflow;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::LedgerError;
use crate::pool::{Lease, Pool};
use crate::queue::Turn;

/// How a transaction begins that writes.
const WRITING: &str = "begin isolation level read committed read write";

/// An open transaction. Dropping it rolls back, and passes on the turn when that is done.
///
/// Not sqlx's `Transaction`: that one forgets a transaction whose beginning failed or was
/// cancelled, and would hand a connection that still holds the lock to the next one.
#[derive(Debug)]
pub(crate) struct Guarded(Lease);

impl Guarded {
    /// Begins with the workflow's lock, in one round trip. Nothing before the lock takes a
    /// transaction id, so ids come in the order of the lock; and what is read after it is what
    /// the last holder left, since every statement has a snapshot of its own.
    pub(crate) async fn locked(
        pool: &Pool,
        workflow: Workflow,
        turn: Turn,
    ) -> Result<Self, LedgerError> {
        let key = lock_key(workflow);
        let begin = format!("{WRITING}; select pg_advisory_xact_lock({key})");
        Self::begin(pool, AssertSqlSafe(begin), Some(turn)).await
    }

    /// Begins without a lock.
    pub(crate) async fn unlocked(pool: &Pool) -> Result<Self, LedgerError> {
        Self::begin(pool, WRITING, None).await
    }

    /// Begins with one snapshot for all that is read.
    pub(crate) async fn snapshot(pool: &Pool) -> Result<Self, LedgerError> {
        Self::begin(pool, "begin isolation level repeatable read read only", None).await
    }

    async fn begin(
        pool: &Pool,
        begin: impl SqlSafeStr,
        turn: Option<Turn>,
    ) -> Result<Self, LedgerError> {
        let mut lease = pool.acquire().await?;
        // Before the statement: it may take effect and never be answered.
        lease.in_transaction = true;
        lease.turn = turn;
        lease.execute(sqlx::raw_sql(begin)).await?;
        Ok(Self(lease))
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    pub(crate) fn lease(&self) -> &Lease {
        &self.0
    }

    pub(crate) async fn commit(self) -> Result<(), LedgerError> {
        self.end("commit").await
    }

    pub(crate) async fn roll_back(self) -> Result<(), LedgerError> {
        self.end("rollback").await
    }

    async fn end(mut self, how: &'static str) -> Result<(), LedgerError> {
        self.connection().execute(how).await?;
        self.0.in_transaction = false;
        // The next one need not wait until the connection is given back.
        self.0.turn = None;
        Ok(())
    }
}

/// The number of a workflow's advisory lock. Two workflows with the same number would wait for
/// each other, no more.
fn lock_key(workflow: Workflow) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(b"signoff-workflow-lock\0");
    hasher.update(workflow.cycle_id);
    hasher.update(workflow.report_id);
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hasher.finalize().into();
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_replica_computes_the_same_lock() {
        let workflow = Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
        assert_eq!(lock_key(workflow), -4_196_826_586_962_312_549);
        let turned = Workflow { cycle_id: Uuid::from_u128(2), report_id: Uuid::from_u128(1) };
        assert_ne!(lock_key(workflow), lock_key(turned));
    }
}
