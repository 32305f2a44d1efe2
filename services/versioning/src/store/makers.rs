//! How many contents of a line each person made.

use signoff_backend::Fault;
use sqlx::PgConnection;

use crate::domain::error::Error;

/// Whether the person put forward or edited anything in the line.
pub async fn made_any(conn: &mut PgConnection, line_no: i64, user_id: i64) -> Result<bool, Error> {
    let found = sqlx::query("select from makers where line_no = $1 and user_id = $2")
        .bind(line_no)
        .bind(user_id)
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

/// Notes that the person made so many more contents, and the line's newest item.
pub async fn add(
    conn: &mut PgConnection,
    line_no: i64,
    user_id: i64,
    contents: usize,
    last_item: i32,
) -> Result<(), Error> {
    let contents = i64::try_from(contents).map_err(|_| Fault::Limit("too many items"))?;
    if contents == 0 {
        return Ok(());
    }
    sqlx::query(
        "with line as (update lines set last_item = $4 where line_no = $1 and last_item < $4)
         insert into makers (line_no, user_id, contents) values ($1, $2, $3)
         on conflict (line_no, user_id) do update set contents = makers.contents + excluded.contents",
    )
    .bind(line_no)
    .bind(user_id)
    .bind(contents)
    .bind(last_item)
    .execute(conn)
    .await?;
    Ok(())
}
