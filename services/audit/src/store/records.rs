//! What somebody recorded in a form of their own: inserted, and read as history.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Mark;
use crate::domain::error::Error;

/// Writes a new record of a phase, by its slug.
pub async fn insert(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    (id, phase): (Uuid, &str),
    data: &Value,
) -> Result<(), Error> {
    sqlx::query(
        "insert into records (
             cycle_id, report_id, id, phase, data, revision, change_type, changed_by, change_reason,
             record_no, occurred_at, recorded_at, origin)
         values ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10, $10, 'native')",
    )
    .bind(mark.workflow.cycle_id)
    .bind(mark.workflow.report_id)
    .bind(id)
    .bind(phase)
    .bind(data)
    .bind(mark.change_type)
    .bind(mark.by)
    .bind(mark.reason)
    .bind(mark.record_no)
    .bind(mark.at)
    .execute(conn)
    .await?;
    Ok(())
}
