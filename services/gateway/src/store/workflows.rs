//! Workflows.

use signoff_backend::Fault;
use signoff_ledger::Closing;
use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::domain::member::Opened;

/// A workflow as it is read.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which.
    pub workflow: Workflow,
    /// As it was opened.
    pub opened: Opened,
    /// Its end, if it was closed.
    pub closing: Option<Closing>,
}

/// Which workflows are listed.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Only those that this person is a member of.
    pub member: Option<i64>,
    /// Only of this test cycle.
    pub cycle_id: Option<uuid::Uuid>,
    /// Only of this report.
    pub report_id: Option<uuid::Uuid>,
    /// Only those after this one, newest first.
    pub after: Option<(chrono::DateTime<chrono::Utc>, Workflow)>,
    /// How many at most.
    pub limit: i64,
}

/// Writes down that a workflow was opened; false if it was before.
pub async fn insert(
    conn: &mut PgConnection,
    workflow: Workflow,
    opened: &Opened,
) -> Result<bool, Fault> {
    let done = sqlx::query(
        "insert into workflows (cycle_id, report_id, cycle_name, report_name, opened_at, opened_by, revision)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(&opened.cycle_name)
    .bind(&opened.report_name)
    .bind(opened.at)
    .bind(opened.by)
    .bind(opened.revision)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts a change of its members.
pub async fn revise(conn: &mut PgConnection, workflow: Workflow) -> Result<(), Fault> {
    sqlx::query(
        "update workflows set revision = revision + 1 where cycle_id = $1 and report_id = $2",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .execute(conn)
    .await?;
    Ok(())
}

/// One workflow, if it was opened.
pub async fn find(conn: &mut PgConnection, workflow: Workflow) -> Result<Option<Found>, Fault> {
    let row = sqlx::query(
        "select w.*, c.closed_at, c.closed_by, c.reason as close_reason
         from workflows w left join closed_workflows c using (cycle_id, report_id)
         where w.cycle_id = $1 and w.report_id = $2",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Workflows, newest first.
pub async fn list(conn: &mut PgConnection, listed: &Listed) -> Result<Vec<Found>, Fault> {
    let rows = sqlx::query(
        "select w.*, c.closed_at, c.closed_by, c.reason as close_reason
         from workflows w left join closed_workflows c using (cycle_id, report_id)
         where ($1::bigint is null or exists (
                 select from members m
                 where m.user_id = $1 and m.cycle_id = w.cycle_id and m.report_id = w.report_id
                     and m.ended_at is null))
             and ($2::uuid is null or w.cycle_id = $2)
             and ($3::uuid is null or w.report_id = $3)
             and ($4::timestamptz is null or w.opened_at < $4
                 or w.opened_at = $4 and (w.cycle_id, w.report_id) > ($5::uuid, $6::uuid))
         order by w.opened_at desc, w.cycle_id, w.report_id
         limit $7",
    )
    .bind(listed.member)
    .bind(listed.cycle_id)
    .bind(listed.report_id)
    .bind(listed.after.map(|(at, _)| at))
    .bind(listed.after.map(|(_, workflow)| workflow.cycle_id))
    .bind(listed.after.map(|(_, workflow)| workflow.report_id))
    .bind(listed.limit)
    .fetch_all(conn)
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &PgRow) -> Result<Found, Fault> {
    let closed_at: Option<_> = row.try_get("closed_at")?;
    let closing = match closed_at {
        Some(at) => Some(Closing {
            at,
            by: row.try_get("closed_by")?,
            reason: row.try_get("close_reason")?,
        }),
        None => None,
    };
    Ok(Found {
        workflow: Workflow {
            cycle_id: row.try_get("cycle_id")?,
            report_id: row.try_get("report_id")?,
        },
        opened: Opened {
            cycle_name: row.try_get("cycle_name")?,
            report_name: row.try_get("report_name")?,
            at: row.try_get("opened_at")?,
            by: row.try_get("opened_by")?,
            revision: row.try_get("revision")?,
        },
        closing,
    })
}
