//! Facts beside closed versions: written once, never changed.

use std::collections::HashMap;

use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::domain::decision::Decision;
use crate::domain::error::Error;
use crate::domain::fact::{FinalDocument, Remediation};
use crate::domain::version::Version;

/// How far the remedy of an item was, newest first.
pub async fn remediations(
    conn: &mut PgConnection,
    line_no: i64,
    item_no: i32,
    limit: i64,
) -> Result<Vec<Remediation>, Error> {
    let rows = sqlx::query(
        "select * from remediations where line_no = $1 and item_no = $2
         order by revision desc limit $3",
    )
    .bind(line_no)
    .bind(item_no)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.iter().map(read_remediation).collect()
}

/// One update.
pub async fn remediation(
    conn: &mut PgConnection,
    line_no: i64,
    item_no: i32,
    revision: i32,
) -> Result<Option<Remediation>, Error> {
    let row = sqlx::query(
        "select * from remediations where line_no = $1 and item_no = $2 and revision = $3",
    )
    .bind(line_no)
    .bind(item_no)
    .bind(revision)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(read_remediation).transpose()
}

/// Notes with each decision how far the remedy of its item is.
pub async fn note_remediations(
    conn: &mut PgConnection,
    line_no: i64,
    decisions: &mut [Decision],
) -> Result<(), Error> {
    let items: Vec<i32> = decisions.iter().map(|decision| decision.id.item_no).collect();
    let rows = sqlx::query(
        "select r.* from unnest($2::integer[]) as wanted (item_no)
         cross join lateral (
             select x.* from remediations x
             where x.line_no = $1 and x.item_no = wanted.item_no
             order by x.revision desc limit 1
         ) r",
    )
    .bind(line_no)
    .bind(items)
    .fetch_all(conn)
    .await?;
    let mut latest = HashMap::with_capacity(rows.len());
    for row in &rows {
        latest.insert(row.try_get::<i32, _>("item_no")?, read_remediation(row)?);
    }
    for decision in decisions {
        decision.remediation = latest.get(&decision.id.item_no).cloned();
    }
    Ok(())
}

/// Writes an update.
pub async fn update_remediation(
    conn: &mut PgConnection,
    line_no: i64,
    item_no: i32,
    remediation: &Remediation,
) -> Result<(), Error> {
    sqlx::query(
        "insert into remediations (
             line_no, item_no, revision, number, status, deadline, reason, updated_by, updated_at,
             occurred_at, recorded_at, origin)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9, 'native')",
    )
    .bind(line_no)
    .bind(item_no)
    .bind(remediation.revision)
    .bind(remediation.number)
    .bind(&remediation.status)
    .bind(remediation.deadline)
    .bind(&remediation.reason)
    .bind(remediation.updated_by)
    .bind(remediation.updated_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Attaches the rendered document of an approved version.
pub async fn attach(
    conn: &mut PgConnection,
    version: &Version,
    document: &FinalDocument,
) -> Result<(), Error> {
    sqlx::query(
        "insert into final_documents (
             line_no, number, document_id, sha256, attached_by, attached_at, occurred_at, recorded_at,
             origin)
         values ($1, $2, $3, $4, $5, $6, $6, $6, 'native')",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(document.document_id)
    .bind(&document.sha256)
    .bind(document.attached_by)
    .bind(document.attached_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// The document of a version.
pub async fn document(
    conn: &mut PgConnection,
    version_id: Uuid,
) -> Result<Option<FinalDocument>, Error> {
    let row = sqlx::query(
        "select d.* from final_documents d join versions v using (line_no, number)
         where v.version_id = $1",
    )
    .bind(version_id)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(read_document).transpose()
}

/// How many updates of remedies and how many documents a workflow has.
pub async fn counts(conn: &mut PgConnection, workflow: Workflow) -> Result<(i64, i64), Error> {
    Ok(sqlx::query_as(
        "select (select count(*) from remediations join lines l using (line_no)
                 where l.cycle_id = $1 and l.report_id = $2),
             (select count(*) from final_documents join lines l using (line_no)
              where l.cycle_id = $1 and l.report_id = $2)",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_one(conn)
    .await?)
}

fn read_remediation(row: &PgRow) -> Result<Remediation, Error> {
    Ok(Remediation {
        revision: row.try_get("revision")?,
        number: row.try_get("number")?,
        status: row.try_get("status")?,
        deadline: row.try_get("deadline")?,
        reason: row.try_get("reason")?,
        updated_by: row.try_get("updated_by")?,
        updated_at: row.try_get("updated_at")?,
    })
}

/// Reads a row that holds a document.
pub(super) fn read_document(row: &PgRow) -> Result<FinalDocument, Error> {
    Ok(FinalDocument {
        document_id: row.try_get("document_id")?,
        sha256: row.try_get("sha256")?,
        attached_by: row.try_get("attached_by")?,
        attached_at: row.try_get("attached_at")?,
    })
}
