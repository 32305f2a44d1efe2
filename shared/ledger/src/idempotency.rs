//! The first answer to each request, kept for when the request comes again.

use std::time::Duration;

use signoff_workflow::Workflow;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::trail::{Hash, store};
use crate::{LedgerError, Pool};

/// How long answers are kept unless the service is told otherwise: seven days.
pub const IDEMPOTENCY_RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many keys a statement of the sweep takes away.
const SWEEP_CHUNK: i64 = 1000;

/// What a request is known by, and what tells it from another one with the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The id that the caller gave it.
    pub request_id: Uuid,
    /// The full name of the RPC.
    pub method: String,
    /// The caller's user id.
    pub caller: i64,
    /// The SHA-256 of the request, its id included.
    pub content_hash: Hash,
}

/// The first answer, if this request was here before.
pub(crate) fn first_answer(row: &PgRow, key: &RequestKey) -> Result<Option<Vec<u8>>, LedgerError> {
    let Some(method) = row.try_get::<Option<&str>, _>("key_method")? else { return Ok(None) };
    let same = method == key.method
        && row.try_get::<i64, _>("key_caller")? == key.caller
        && store::hash(row, "key_content_hash")? == key.content_hash;
    if same { Ok(Some(row.try_get("key_answer")?)) } else { Err(LedgerError::RequestIdReused) }
}

/// Whether there is an answer to a request of this id.
pub(crate) async fn is_known(
    pool: &Pool,
    workflow: Workflow,
    request_id: Uuid,
) -> Result<bool, LedgerError> {
    let found = sqlx::query(
        "select from idempotency_keys where cycle_id = $1 and report_id = $2 and request_id = $3",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(request_id)
    .fetch_optional(&mut *pool.acquire().await?)
    .await?;
    Ok(found.is_some())
}

/// Deletes the keys that are older than `age` by the database's clock, in short statements.
pub(crate) async fn sweep(pool: &Pool, age: Duration) -> Result<u64, LedgerError> {
    let mut swept = 0;
    loop {
        let mut connection = pool.acquire().await?;
        let delete = sqlx::query(
            "delete from idempotency_keys where ctid = any(array(
                select ctid from idempotency_keys
                where recorded_at < clock_timestamp() - make_interval(secs => $1)
                order by recorded_at limit $2))",
        )
        .bind(age.as_secs_f64())
        .bind(SWEEP_CHUNK);
        let chunk =
            pool.within(async { delete.execute(&mut *connection).await }).await?.rows_affected();
        swept += chunk;
        if chunk < SWEEP_CHUNK.unsigned_abs() {
            return Ok(swept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_for_seven_days() {
        assert_eq!(IDEMPOTENCY_RETENTION.as_secs(), 604_800);
    }
}
