//! Lanes: counts that triggers keep, and whether somebody owns them now.

use chrono::{DateTime, Utc};
use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::workflow_time;
use crate::domain::error::Error;
use crate::domain::lane::{Counts, Lane};

/// Lanes of a workflow ($1, $2) after one ($3) that have test cases in the plan, or owners at a moment ($4; now, if
/// there is none), and only those of some lines of business ($5), if any are given.
const LANES: &str = concat!(
    "with moment as (select coalesce($4, ",
    workflow_time!(),
    ") as now),
wanted as (
    select lob_id from lanes where cycle_id = $1 and report_id = $2 and cases > 0
    union
    select lob_id from assignments
    where cycle_id = $1 and report_id = $2 and effective_from <= (select now from moment)
        and (effective_to is null or effective_to > (select now from moment))
)
select w.lob_id, coalesce(l.cases, 0) as cases, coalesce(l.with_document, 0) as with_document,
    coalesce(l.accepted, 0) as accepted, coalesce(l.in_test, 0) as in_test,
    coalesce(l.executed, 0) as executed, coalesce(l.concluded, 0) as concluded,
    coalesce(l.to_observe, 0) as to_observe, coalesce(l.stale, 0) as stale,
    coalesce(l.open_actions, 0) as open_actions,
    exists (
        select from assignments a
        where a.cycle_id = $1 and a.report_id = $2 and a.lob_id = w.lob_id
            and a.assignment_type = 'primary' and a.effective_from <= (select now from moment)
            and (a.effective_to is null or a.effective_to > (select now from moment))
    ) as owned
from wanted w
left join lanes l on l.cycle_id = $1 and l.report_id = $2 and l.lob_id = w.lob_id
where ($3::uuid is null or w.lob_id > $3) and ($5::uuid[] is null or w.lob_id = any($5))
order by w.lob_id limit $6"
);

/// Lanes in order of their ids; the one without a line of business comes first.
pub async fn list(
    conn: &mut PgConnection,
    workflow: Workflow,
    after: Option<Uuid>,
    at: Option<DateTime<Utc>>,
    of: Option<&[Uuid]>,
    limit: i64,
) -> Result<Vec<Lane>, Error> {
    let rows = sqlx::query(LANES)
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .bind(after)
        .bind(at)
        .bind(of)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

/// All lanes of a workflow.
pub async fn all(
    conn: &mut PgConnection,
    workflow: Workflow,
    at: Option<DateTime<Utc>>,
) -> Result<Vec<Lane>, Error> {
    list(conn, workflow, None, at, None, i64::MAX).await
}

fn read(row: &PgRow) -> Result<Lane, Error> {
    let lob_id: Uuid = row.try_get("lob_id")?;
    Ok(Lane {
        lob_id: (!lob_id.is_nil()).then_some(lob_id),
        owned: row.try_get("owned")?,
        counts: Counts {
            cases: row.try_get("cases")?,
            with_document: row.try_get("with_document")?,
            accepted: row.try_get("accepted")?,
            in_test: row.try_get("in_test")?,
            executed: row.try_get("executed")?,
            concluded: row.try_get("concluded")?,
            to_observe: row.try_get("to_observe")?,
            stale: row.try_get("stale")?,
            open_actions: row.try_get("open_actions")?,
        },
    })
}
