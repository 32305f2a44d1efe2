//! Counts from the start of the feeds.

use chrono::{DateTime, Utc};
use signoff_backend::Fault;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, Row};
use uuid::Uuid;

use super::{SOURCES, Stored, word};
use crate::domain::measure::named;

named! {
    /// What a count is good for.
    State:
    /// It is under way; another one is answered.
    Counting = "counting",
    /// It is answered.
    Live = "live",
    /// Another one took its place.
    Retired = "retired",
}

/// A count from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its number.
    pub number: i64,
    /// What it is good for.
    pub state: State,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// By whom; nobody asked for the first one.
    pub requested_by: Option<i64>,
    /// Why.
    pub reason: String,
    /// When it took the place of the one before.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Who wants to count anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The request.
    pub request_id: Uuid,
    /// Who asks.
    pub by: i64,
    /// Why.
    pub reason: String,
}

/// The advisory lock of whoever counts.
const COUNTING: i64 = 0x5349_474e_4f46_4602;

/// Takes the lock of whoever counts, for as long as the connection lasts. Whether nobody else has it.
pub async fn try_lock(conn: &mut PgConnection) -> Stored<bool> {
    let locked = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(COUNTING);
    Ok(locked.fetch_one(conn).await?)
}

/// The count that is answered.
pub async fn live(conn: &mut PgConnection) -> Stored<i64> {
    let found = sqlx::query_scalar("select generation from generations where state = 'live'");
    Ok(found.fetch_one(conn).await?)
}

/// The counts that are followed: the one that is answered, and one that is under way.
pub async fn followed(conn: &mut PgConnection) -> Stored<Vec<i64>> {
    let found = sqlx::query_scalar(
        "select generation from generations where state <> 'retired' order by generation",
    );
    Ok(found.fetch_all(conn).await?)
}

/// The latest count that somebody asked for.
pub async fn latest_rebuild(conn: &mut PgConnection) -> Stored<Option<Generation>> {
    let row = sqlx::query(
        "select generation, state, requested_at, requested_by, reason, finished_at \
         from generations where requested_by is not null order by generation desc limit 1",
    )
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Begins to count anew; or gives the count that the same request was given before, or that is under way.
/// To be called in a transaction.
///
/// # Errors
/// The request's id was used with another content.
pub async fn begin(conn: &mut PgConnection, wanted: &Wanted) -> Stored<Generation> {
    // One after the other.
    sqlx::query("lock table generations in share row exclusive mode").execute(&mut *conn).await?;
    if let Some(given) = given_before(conn, wanted).await? {
        return Ok(given);
    }
    // One whose feed refuses to go on does not get anywhere any more.
    sqlx::query(
        "update generations g set state = 'retired' where state = 'counting' and exists (
             select from feeds f where f.generation = g.generation and f.refused is not null)",
    )
    .execute(&mut *conn)
    .await?;
    let under_way = sqlx::query(
        "select generation, state, requested_at, requested_by, reason, finished_at \
         from generations where state = 'counting'",
    )
    .fetch_optional(&mut *conn)
    .await?;
    let given = match under_way {
        Some(row) => read(&row)?,
        None => new(conn, wanted).await?,
    };
    sqlx::query(
        "insert into rebuild_requests (request_id, generation, requested_by, reason)
         values ($1, $2, $3, $4)",
    )
    .bind(wanted.request_id)
    .bind(given.number)
    .bind(wanted.by)
    .bind(&wanted.reason)
    .execute(&mut *conn)
    .await?;
    Ok(given)
}

/// The count that the same request was given before.
async fn given_before(conn: &mut PgConnection, wanted: &Wanted) -> Stored<Option<Generation>> {
    let row = sqlx::query(
        "select g.generation, g.state, g.requested_at, g.requested_by, g.reason, g.finished_at, \
             r.requested_by = $2 and r.reason = $3 as is_same \
         from rebuild_requests r join generations g using (generation) where r.request_id = $1",
    )
    .bind(wanted.request_id)
    .bind(wanted.by)
    .bind(&wanted.reason)
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.try_get("is_same")? { read(&row).map(Some) } else { Err(Fault::RequestIdReused) }
}

/// A new count, from empty cursors.
async fn new(conn: &mut PgConnection, wanted: &Wanted) -> Stored<Generation> {
    let row = sqlx::query(
        "insert into generations (generation, state, requested_by, reason)
         select max(generation) + 1, 'counting', $1, $2 from generations
         returning generation, state, requested_at, requested_by, reason, finished_at",
    )
    .bind(wanted.by)
    .bind(&wanted.reason)
    .fetch_one(&mut *conn)
    .await?;
    let begun = read(&row)?;
    sqlx::query("insert into feeds (generation, source) select $1, unnest($2::text[])")
        .bind(begun.number)
        .bind(SOURCES.map(|source| source.name()).as_slice())
        .execute(conn)
        .await?;
    Ok(begun)
}

/// Puts a count that is under way in the place of the one that is answered, once it has counted as much:
/// whoever reads sees no number go back. Whether it did.
pub async fn swap(conn: &mut PgConnection) -> Stored<bool> {
    let mut tx = conn.begin().await?;
    // Nobody counts meanwhile.
    let rows = sqlx::query(
        "select f.source, f.records, f.watermark is not null as is_near, f.refused is not null as refused, \
             g.state
         from feeds f join generations g using (generation) where g.state <> 'retired'
         order by f.generation, f.source for update of f",
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut live = std::collections::HashMap::new();
    let mut counting = Vec::new();
    for row in &rows {
        let (source, records): (String, i64) = (row.try_get("source")?, row.try_get("records")?);
        match row.try_get("state")? {
            "live" => {
                // One that was refused knows records that are gone.
                let refused: bool = row.try_get("refused")?;
                live.insert(source, if refused { 0 } else { records });
            }
            _ => counting.push((source, records, row.try_get::<bool, _>("is_near")?)),
        }
    }
    let is_as_far = |(source, records, is_near): &(String, i64, bool)| {
        *is_near && *records >= live.get(source).copied().unwrap_or_default()
    };
    if counting.is_empty() || !counting.iter().all(is_as_far) {
        return Ok(false);
    }
    sqlx::query("update generations set state = 'retired' where state = 'live'")
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "update generations set state = 'live', finished_at = clock_timestamp() where state = 'counting'",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// The tables whose rows are of a count, that of its cursors first: without them nobody goes on counting.
const TABLES: [&str; 8] = [
    "feeds",
    "rulings",
    "requests",
    "versions",
    "heads",
    "rejected_records",
    "time_buckets",
    "rollups",
];

/// Clears some rows of a count whose place was taken. Whether there may be more.
pub async fn clear_retired(conn: &mut PgConnection) -> Stored<bool> {
    let retired = sqlx::query_scalar::<_, i64>(
        "select generation from generations where state = 'retired' and not is_cleared limit 1",
    );
    let Some(generation) = retired.fetch_optional(&mut *conn).await? else { return Ok(false) };
    for table in TABLES {
        // By the generation, with which every key begins: the rows of the others are not looked at.
        let delete = format!(
            "delete from {table} where ctid = any(array( \
             select ctid from {table} where generation = $1 limit 5000))"
        );
        let cleared = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(generation);
        if cleared.execute(&mut *conn).await?.rows_affected() > 0 {
            return Ok(true);
        }
    }
    sqlx::query("update generations set is_cleared = true where generation = $1")
        .bind(generation)
        .execute(conn)
        .await?;
    Ok(true)
}

fn read(row: &PgRow) -> Stored<Generation> {
    let state: &str = row.try_get("state")?;
    Ok(Generation {
        number: row.try_get("generation")?,
        state: word(State::named(state), state)?,
        requested_at: row.try_get("requested_at")?,
        requested_by: row.try_get("requested_by")?,
        reason: row.try_get("reason")?,
        finished_at: row.try_get("finished_at")?,
    })
}
