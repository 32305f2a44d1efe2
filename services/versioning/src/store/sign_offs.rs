//! Sign-offs of versions.

use signoff_backend::Fault;
use signoff_workflow::{PhaseRow, Role, Scope, Workflow};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::sign_off::{SignOff, SignOffStatus};

/// Sign-offs with the ids of their versions.
macro_rules! sign_offs {
    ($rest:literal) => {
        concat!(
            "select s.*, v.version_id
             from sign_offs s join versions v using (line_no, number) ",
            $rest
        )
    };
}

/// The sign-off with this id, if it is of the scope's line.
pub async fn by_id(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
    sign_off_id: Uuid,
) -> Result<Option<SignOff>, Error> {
    let found = sqlx::query(sign_offs!(
        "join lines l using (line_no)
         where l.cycle_id = $1 and l.report_id = $2 and l.phase = $3 and s.sign_off_id = $4"
    ))
    .bind(scope.workflow.cycle_id)
    .bind(scope.workflow.report_id)
    .bind(row.slug)
    .bind(sign_off_id)
    .fetch_optional(conn)
    .await?;
    found.as_ref().map(read).transpose()
}

/// The sign-offs of a version after one, in the order in which they were asked for.
pub async fn of_version(
    conn: &mut PgConnection,
    line_no: i64,
    number: i32,
    after: i32,
    limit: i64,
) -> Result<Vec<SignOff>, Error> {
    let found = sqlx::query(sign_offs!(
        "where s.line_no = $1 and s.number = $2 and s.sign_off_no > $3
         order by s.sign_off_no limit $4"
    ))
    .bind(line_no)
    .bind(number)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    found.iter().map(read).collect()
}

/// All sign-offs of a workflow.
pub async fn of_workflow(
    conn: &mut PgConnection,
    workflow: Workflow,
) -> Result<Vec<SignOff>, Error> {
    let found = sqlx::query(sign_offs!(
        "join lines l using (line_no) where l.cycle_id = $1 and l.report_id = $2"
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_all(conn)
    .await?;
    found.iter().map(read).collect()
}

/// Writes a new request.
pub async fn insert(conn: &mut PgConnection, sign_off: &SignOff) -> Result<(), Error> {
    sqlx::query(
        "insert into sign_offs (
             line_no, number, sign_off_no, sign_off_id, role, status, revision, user_id, requested_by,
             requested_at, occurred_at, recorded_at, origin)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10, 'native')",
    )
    .bind(sign_off.line_no)
    .bind(sign_off.number)
    .bind(sign_off.sign_off_no)
    .bind(sign_off.sign_off_id)
    .bind(sign_off.role.name())
    .bind(sign_off.status.name())
    .bind(sign_off.revision)
    .bind(sign_off.user_id)
    .bind(sign_off.requested_by)
    .bind(sign_off.requested_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what may change in a sign-off.
pub async fn save(conn: &mut PgConnection, sign_off: &SignOff) -> Result<(), Error> {
    let saved = sqlx::query(
        "update sign_offs set
             status = $4, revision = $5, user_id = $6, delegated_from = $7, delegation_reason = $8,
             decided_at = $9, comments = $10, content_digest = $11, voided_at = $12, void_reason = $13
         where line_no = $1 and number = $2 and sign_off_no = $3 and revision = $5 - 1",
    )
    .bind(sign_off.line_no)
    .bind(sign_off.number)
    .bind(sign_off.sign_off_no)
    .bind(sign_off.status.name())
    .bind(sign_off.revision)
    .bind(sign_off.user_id)
    .bind(sign_off.delegated.as_ref().map(|(from, _)| *from))
    .bind(sign_off.delegated.as_ref().map(|(_, reason)| reason.as_str()))
    .bind(sign_off.decided_at)
    .bind(&sign_off.comments)
    .bind(&sign_off.content_digest)
    .bind(sign_off.voided.as_ref().map(|(at, _)| *at))
    .bind(sign_off.voided.as_ref().map(|(_, reason)| reason.as_str()))
    .execute(conn)
    .await?;
    if saved.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Fault::Conflict("the sign-off changed under the lock".into()).into())
    }
}

/// A role by its name in the database.
pub(super) fn role(name: &str) -> Result<Role, Fault> {
    name.parse().map_err(|error: signoff_workflow::UnknownRole| Fault::Internal(error.to_string()))
}

fn read(row: &PgRow) -> Result<SignOff, Error> {
    let delegated_from: Option<i64> = row.try_get("delegated_from")?;
    let voided_at: Option<chrono::DateTime<chrono::Utc>> = row.try_get("voided_at")?;
    Ok(SignOff {
        line_no: row.try_get("line_no")?,
        number: row.try_get("number")?,
        version_id: row.try_get("version_id")?,
        sign_off_no: row.try_get("sign_off_no")?,
        sign_off_id: row.try_get("sign_off_id")?,
        role: role(row.try_get("role")?)?,
        status: SignOffStatus::named(row.try_get("status")?)?,
        revision: row.try_get("revision")?,
        user_id: row.try_get("user_id")?,
        requested_by: row.try_get("requested_by")?,
        requested_at: row.try_get("requested_at")?,
        delegated: delegated_from.zip(row.try_get("delegation_reason")?),
        decided_at: row.try_get("decided_at")?,
        comments: row.try_get("comments")?,
        content_digest: row.try_get("content_digest")?,
        voided: voided_at.zip(row.try_get("void_reason")?),
    })
}
