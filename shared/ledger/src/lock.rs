//! Transactions that end when they are dropped, and the one that holds a workflow's lock.

use sha2::{Digest, Sha256};
use signoff_workflow::Workflow;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, Postgres};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::LedgerError;
use crate::queue::Turn;

/// An open transaction. Dropping it rolls back, and passes on the turn when that is done.
///
/// Not sqlx's `Transaction`: that one forgets a transaction whose beginning failed or was
/// cancelled, and would hand a connection that still holds the lock to the next one.
#[derive(Debug)]
pub(crate) struct Guarded {
    /// Always there, until the end.
    held: Option<(PoolConnection<Postgres>, Option<Turn>)>,
}

impl Guarded {
    /// Begins with the workflow's lock, in one round trip. Nothing before the lock takes a
    /// transaction id, so ids come in the order of the lock; and what is read after it is what
    /// the last holder left, since every statement has a snapshot of its own.
    pub(crate) async fn locked(
        pool: &PgPool,
        workflow: Workflow,
        turn: Turn,
    ) -> Result<Self, LedgerError> {
        let key = lock_key(workflow);
        let begin = format!(
            "begin isolation level read committed read write; select pg_advisory_xact_lock({key})"
        );
        Self::begin(pool, AssertSqlSafe(begin), Some(turn)).await
    }

    /// Begins with one snapshot for all that is read.
    pub(crate) async fn snapshot(pool: &PgPool) -> Result<Self, LedgerError> {
        Self::begin(pool, "begin isolation level repeatable read read only", None).await
    }

    async fn begin(
        pool: &PgPool,
        begin: impl SqlSafeStr,
        turn: Option<Turn>,
    ) -> Result<Self, LedgerError> {
        let connection = pool.acquire().await?;
        let mut guarded = Self { held: Some((connection, turn)) };
        guarded.connection().execute(sqlx::raw_sql(begin)).await?;
        Ok(guarded)
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        match &mut self.held {
            Some((connection, _)) => connection,
            None => unreachable!("it is taken only by what consumes or drops this"),
        }
    }

    pub(crate) async fn commit(mut self) -> Result<(), LedgerError> {
        self.connection().execute("commit").await?;
        self.held = None;
        Ok(())
    }

    pub(crate) async fn roll_back(mut self) -> Result<(), LedgerError> {
        self.connection().execute("rollback").await?;
        self.held = None;
        Ok(())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let Some((mut connection, turn)) = self.held.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // First the driver waits for the end of a statement that was cut short.
            if connection.execute("rollback").await.is_err() {
                connection.close_on_drop();
            }
            drop(connection);
            drop(turn);
        });
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
