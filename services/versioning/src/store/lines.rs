//! Lines: who owns which numbers.

use chrono::{DateTime, Utc};
use signoff_backend::Fault;
use signoff_workflow::{PhaseRow, Scope};
use sqlx::{PgConnection, Row};

use crate::domain::error::Error;

/// A line's head.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Its internal number.
    pub line_no: i64,
    /// The number of its newest version; 0 before the first.
    pub last_number: i32,
    /// The number of its newest item; 0 before the first.
    pub last_item: i32,
}

/// The scope's line, if it was ever started.
pub async fn find(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
) -> Result<Option<Line>, Error> {
    let found = sqlx::query(
        "select line_no, last_number, last_item from lines
         where cycle_id = $1 and report_id = $2 and phase = $3",
    )
    .bind(scope.workflow.cycle_id)
    .bind(scope.workflow.report_id)
    .bind(row.slug)
    .fetch_optional(conn)
    .await?;
    found.as_ref().map(read).transpose()
}

/// The scope's line, made if it is not there. The workflow's lock is held, so nobody else makes it.
pub async fn find_or_make(
    conn: &mut PgConnection,
    scope: Scope,
    row: &PhaseRow,
    at: DateTime<Utc>,
) -> Result<Line, Error> {
    let made = sqlx::query(
        "insert into lines (cycle_id, report_id, phase, line_id, items_while_submitted, self_approval, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (cycle_id, report_id, phase) do nothing
         returning line_no, last_number, last_item",
    )
    .bind(scope.workflow.cycle_id)
    .bind(scope.workflow.report_id)
    .bind(row.slug)
    .bind(scope.line_id())
    .bind(row.items_while_submitted)
    .bind(row.self_approval)
    .bind(at)
    .fetch_optional(&mut *conn)
    .await?;
    match made {
        Some(made) => read(&made),
        None => find(conn, scope, row)
            .await?
            .ok_or_else(|| Fault::Internal("a line is there and is not".to_owned()).into()),
    }
}

/// Gives the next version number, under the line's row lock.
pub async fn next_number(conn: &mut PgConnection, line_no: i64) -> Result<i32, Error> {
    let given = sqlx::query(
        "update lines set last_number = last_number + 1 where line_no = $1 returning last_number",
    )
    .bind(line_no)
    .fetch_one(conn)
    .await?;
    Ok(given.try_get("last_number")?)
}

/// The number of a line's newest item.
pub async fn last_item(conn: &mut PgConnection, line_no: i64) -> Result<i32, Error> {
    let found = sqlx::query_scalar("select last_item from lines where line_no = $1");
    Ok(found.bind(line_no).fetch_one(conn).await?)
}

/// The key of a line that comes so many behind `after`; none if there are not so many.
pub async fn key_after(
    conn: &mut PgConnection,
    line_no: i64,
    after: &str,
    count: i32,
) -> Result<Option<String>, Error> {
    let found = sqlx::query_scalar(
        "select item_key from items where line_no = $1 and rev = 1 and item_key > $2
         order by item_key offset $3 limit 1",
    );
    Ok(found.bind(line_no).bind(after).bind(count - 1).fetch_optional(conn).await?)
}

fn read(row: &sqlx::postgres::PgRow) -> Result<Line, Error> {
    Ok(Line {
        line_no: row.try_get("line_no")?,
        last_number: row.try_get("last_number")?,
        last_item: row.try_get("last_item")?,
    })
}
