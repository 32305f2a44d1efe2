//! How far feeds were followed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use signoff_ledger::Source;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::{SOURCES, Stored, source_named};
use crate::domain::count::Rejected;

/// A feed that is followed for a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Followed {
    /// For which count.
    pub generation: i64,
    /// Which feed.
    pub source: Source,
}

/// What a feed said of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Every record committed before this moment was sent.
    pub watermark: Option<DateTime<Utc>>,
    /// How many records waited to be sent.
    pub waiting: i64,
    /// There were more.
    pub waiting_or_more: bool,
    /// What held it back.
    pub held_by: Option<HeldBy>,
}

/// A process of the source's database server with an open transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldBy {
    /// Its process id there.
    pub process_id: i32,
    /// Its database.
    pub database: String,
    /// As whom it is connected.
    pub role: String,
    /// What it calls itself.
    pub application: String,
    /// For how long it has been seen to hold the feed back, in seconds.
    pub seconds: f64,
}

/// How far a feed was followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// Which feed.
    pub source: Source,
    /// Behind the last record that was counted.
    pub cursor: String,
    /// How many were.
    pub records: i64,
    /// How many could not be counted as they should be.
    pub rejected: i64,
    /// What the feed said last.
    pub said: Said,
    /// When.
    pub heard_at: Option<DateTime<Utc>>,
    /// Why it refused to go on.
    pub refused: Option<String>,
}

/// How far the feeds were followed for a count.
pub async fn positions(conn: &mut PgConnection, generation: i64) -> Stored<Vec<Position>> {
    let rows = sqlx::query(
        "select source, cursor, records, rejected, watermark, waiting, waiting_or_more, held_by, \
             heard_at, refused from feeds where generation = $1 \
         order by array_position($2::text[], source)",
    )
    .bind(generation)
    .bind(SOURCES.map(|source| source.name()).as_slice())
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Position {
                source: source_named(row.try_get("source")?)?,
                cursor: row.try_get("cursor")?,
                records: row.try_get("records")?,
                rejected: row.try_get("rejected")?,
                said: Said {
                    watermark: row.try_get("watermark")?,
                    waiting: row.try_get("waiting")?,
                    waiting_or_more: row.try_get("waiting_or_more")?,
                    held_by: row
                        .try_get::<Option<Json<HeldBy>>, _>("held_by")?
                        .map(|Json(held)| held),
                },
                heard_at: row.try_get("heard_at")?,
                refused: row.try_get("refused")?,
            })
        })
        .collect()
}

/// Where a feed goes on; nothing, if the count is no more.
pub async fn cursor(conn: &mut PgConnection, of: Followed) -> Stored<Option<String>> {
    let found =
        sqlx::query_scalar("select cursor from feeds where generation = $1 and source = $2");
    Ok(found.bind(of.generation).bind(of.source.name()).fetch_optional(conn).await?)
}

/// Moves a cursor on, and keeps what the feed said. Whether it was where it is moved from: if not,
/// somebody else has counted.
pub async fn advance(
    conn: &mut PgConnection,
    of: Followed,
    (from, to): (&str, &str),
    said: Option<&Said>,
) -> Stored<bool> {
    let moved = match said {
        None => sqlx::query(
            "update feeds set cursor = $4, heard_at = clock_timestamp(), refused = null \
             where generation = $1 and source = $2 and cursor = $3",
        )
        .bind(of.generation)
        .bind(of.source.name())
        .bind(from)
        .bind(to),
        Some(said) => sqlx::query(
            "update feeds set cursor = $4, heard_at = clock_timestamp(), refused = null, \
             watermark = coalesce($5, watermark), waiting = $6, waiting_or_more = $7, held_by = $8 \
             where generation = $1 and source = $2 and cursor = $3",
        )
        .bind(of.generation)
        .bind(of.source.name())
        .bind(from)
        .bind(to)
        .bind(said.watermark)
        .bind(said.waiting)
        .bind(said.waiting_or_more)
        .bind(said.held_by.as_ref().map(Json)),
    };
    Ok(moved.execute(conn).await?.rows_affected() == 1)
}

/// Keeps why a feed refuses to go on.
pub async fn refuse(conn: &mut PgConnection, of: Followed, why: &str) -> Stored<()> {
    sqlx::query("update feeds set refused = $3 where generation = $1 and source = $2")
        .bind(of.generation)
        .bind(of.source.name())
        .bind(why)
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps how many records were counted, and which could not be as they should be. One that is there again
/// counts once: whoever counts anew, and hears it once, gets as far.
pub async fn tally(
    conn: &mut PgConnection,
    of: Followed,
    records: i64,
    rejected: &[Rejected],
) -> Stored<()> {
    if records == 0 && rejected.is_empty() {
        return Ok(());
    }
    let each = || rejected.iter();
    sqlx::query(
        "with named as (
             insert into rejected_records (generation, source, cycle_id, report_id, sequence, reason, what)
             select $1, $2, r.* from unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[]) r
         )
         update feeds set records = records + $8, rejected = rejected + $9
         where generation = $1 and source = $2",
    )
    .bind(of.generation)
    .bind(of.source.name())
    .bind(each().map(|of| of.workflow.cycle_id).collect::<Vec<_>>())
    .bind(each().map(|of| of.workflow.report_id).collect::<Vec<_>>())
    .bind(each().map(|of| of.sequence).collect::<Vec<_>>())
    .bind(each().map(|of| of.reason.name()).collect::<Vec<_>>())
    .bind(each().map(|of| of.what.as_str()).collect::<Vec<_>>())
    .bind(records)
    .bind(i64::try_from(rejected.len()).unwrap_or(i64::MAX))
    .execute(conn)
    .await?;
    Ok(())
}
