//! Pages of a version's decisions.
//!
//! A page costs what it holds, wherever it begins and whatever the planner believes: each statement
//! looks at a bounded stretch of items. Where a filter lets few of them through, the next stretch is
//! longer. (With the end of the page left to `limit`, a plan for any parameters reads the whole line.)

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};

use super::decisions::{decision_rows, read, standing_code};
use super::lines;
use crate::domain::decision::{Cursor, Decision, Filter};
use crate::domain::error::Error;
use crate::domain::version::Version;

/// The longest stretch of items that one statement looks at.
const LONGEST: i32 = 8_192;

/// A filter's conditions on decisions; `$4` to `$8`.
macro_rules! filtered {
    () => {
        "and ($4::smallint[] is null or coalesce(r.state, 0) = any($4))
         and ($5::smallint[] is null or case
                 when c.introduced_in < v.number then $6 else c.source = any($5) end)
         and ($7::boolean is null or (c.introduced_in < v.number) = $7)
         and ($8 = '' or starts_with(k.item_key, $8)) "
    };
}

/// The decisions on the items of a stretch of numbers.
const BY_ITEM: &str = decision_rows!(
    "items k join versions v on v.line_no = $1 and v.number = $2",
    filtered!(),
    "and k.rev < 2 and k.item_no > $9 and k.item_no <= $3 order by k.item_no limit $10",
);

/// The decisions on so many items in the order of their keys.
const BY_KEY: &str = decision_rows!(
    "(select x.line_no, x.item_no, x.item_key from items x
      where x.line_no = $1 and x.rev = 1 and x.item_key > $9 order by x.item_key limit $3) k
     join versions v on v.line_no = $1 and v.number = $2",
    filtered!(),
    "order by k.item_key limit $10",
);

/// A page of a version's decisions after `cursor`, in the cursor's order.
pub async fn page(
    conn: &mut PgConnection,
    version: &Version,
    filter: &Filter,
    cursor: &Cursor,
    limit: i64,
) -> Result<Vec<Decision>, Error> {
    let most = usize::try_from(limit).unwrap_or_default();
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    match cursor {
        Cursor::Item(after) => by_item(conn, version, filter, *after, limit, most).await,
        Cursor::Key(after) => by_key(conn, version, filter, after, limit, most).await,
    }
}

async fn by_item(
    conn: &mut PgConnection,
    version: &Version,
    filter: &Filter,
    mut after: i32,
    mut stretch: i32,
    most: usize,
) -> Result<Vec<Decision>, Error> {
    let mut found: Vec<Decision> = Vec::new();
    let mut last_item = None;
    loop {
        let upto = after.saturating_add(stretch);
        let query = with_filter(sqlx::query(BY_ITEM), version, filter, upto)
            .bind(after)
            .bind(wanted(most, &found));
        for row in query.fetch_all(&mut *conn).await? {
            found.push(read(&row, version.line_no)?);
        }
        if found.len() >= most {
            return Ok(found);
        }
        let end = match last_item {
            Some(end) => end,
            None => *last_item.insert(lines::last_item(conn, version.line_no).await?),
        };
        if upto >= end {
            return Ok(found);
        }
        (after, stretch) = (upto, longer(stretch));
    }
}

async fn by_key(
    conn: &mut PgConnection,
    version: &Version,
    filter: &Filter,
    after: &str,
    mut stretch: i32,
    most: usize,
) -> Result<Vec<Decision>, Error> {
    let (mut found, mut after): (Vec<Decision>, String) = (Vec::new(), after.to_owned());
    loop {
        let query = with_filter(sqlx::query(BY_KEY), version, filter, stretch)
            .bind(&after)
            .bind(wanted(most, &found));
        for row in query.fetch_all(&mut *conn).await? {
            found.push(read(&row, version.line_no)?);
        }
        if found.len() >= most {
            return Ok(found);
        }
        match lines::key_after(conn, version.line_no, &after, stretch).await? {
            Some(last) => (after, stretch) = (last, longer(stretch)),
            None => return Ok(found),
        }
    }
}

/// How many more decisions the page takes.
fn wanted(most: usize, found: &[Decision]) -> i64 {
    i64::try_from(most.saturating_sub(found.len())).unwrap_or(i64::MAX)
}

fn longer(stretch: i32) -> i32 {
    stretch.saturating_mul(4).min(LONGEST.max(stretch))
}

/// Binds what both orders have in common; `$3` is where the stretch ends, or how long it is.
fn with_filter<'q>(
    query: Query<'q, Postgres, PgArguments>,
    version: &Version,
    filter: &'q Filter,
    end: i32,
) -> Query<'q, Postgres, PgArguments> {
    let states: Option<Vec<i16>> = (!filter.standings.is_empty())
        .then(|| filter.standings.iter().copied().map(standing_code).collect());
    let by_source = !filter.sources.is_empty() || filter.carried_source;
    let sources: Option<Vec<i16>> =
        by_source.then(|| filter.sources.iter().map(|source| source.code()).collect());
    query
        .bind(version.line_no)
        .bind(version.number)
        .bind(end)
        .bind(states)
        .bind(sources)
        .bind(filter.carried_source)
        .bind(filter.carried)
        .bind(&filter.item_key_prefix)
}
