//! Lines of business.

use signoff_backend::Fault;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::domain::member::Lob;

/// All of them, by id; retired ones too.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<Lob>, Fault> {
    let rows = sqlx::query("select lob_id, name, retired from lobs order by lob_id")
        .fetch_all(conn)
        .await?;
    rows.iter().map(read).collect()
}

/// Those after an id.
pub async fn page(
    conn: &mut PgConnection,
    retired: bool,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Lob>, Fault> {
    let rows = sqlx::query(
        "select lob_id, name, retired from lobs
         where ($1 or not retired) and ($2::uuid is null or lob_id > $2) order by lob_id limit $3",
    )
    .bind(retired)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.iter().map(read).collect()
}

/// Writes them as they are now.
pub async fn set(conn: &mut PgConnection, lobs: &[Lob]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = lobs.iter().map(|lob| lob.lob_id).collect();
    let names: Vec<&str> = lobs.iter().map(|lob| lob.name.as_str()).collect();
    let retired: Vec<bool> = lobs.iter().map(|lob| lob.retired).collect();
    sqlx::query(
        "insert into lobs (lob_id, name, retired)
         select * from unnest($1::uuid[], $2::text[], $3::boolean[])
         on conflict (lob_id) do update set name = excluded.name, retired = excluded.retired",
    )
    .bind(ids)
    .bind(names)
    .bind(retired)
    .execute(conn)
    .await?;
    Ok(())
}

fn read(row: &PgRow) -> Result<Lob, Fault> {
    Ok(Lob {
        lob_id: row.try_get("lob_id")?,
        name: row.try_get("name")?,
        retired: row.try_get("retired")?,
    })
}
