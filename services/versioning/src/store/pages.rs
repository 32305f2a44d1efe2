//! Pages of a version's decisions.
//!
//! A page costs what it holds, wherever it begins and whatever the planner believes: each statement
//! looks at a bounded stretch of items. Where a filter lets few of them through, the next stretch is
//! longer. (With the end of the page left to `limit`, a plan for any parameters reads the whole line.)

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row};

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

/// The decisions on the items of a stretch of numbers, read along the tables. An item that was edited
/// in the version may come more than once, its newest content first.
const BY_ITEM: &str = concat!(
    "select v.number, v.version_id, v.state as version_state, v.parent_number,
         p.version_id as parent_id, k.item_no, k.item_key, c.rev, c.introduced_in, c.payload,
         c.payload_schema, c.source, c.recommended_by, c.recommended_at, c.recommendation_reason,
         c.recommendation_metadata, c.edited_by, c.edited_at, c.modification_reason,
         c.previous_version, c.occurred_at, c.recorded_at, c.origin, b.version_id as introduced_id,
         r.state, r.decided_by, r.notes as ruling_notes, r.disposition, r.occurred_at as ruled_at,
         r.recorded_at as ruling_recorded_at, r.origin as ruling_origin, m.payload as changed_payload,
         m.payload_schema as changed_schema, m.reason as change_reason, m.notes as change_notes,
         m.made_by, m.made_at, f.confirmed_by, f.confirmed_at
     from versions v
     join items k
         on k.line_no = $1 and k.item_no > $9 and k.item_no <= $3 and k.rev < 2
     left join rulings r
         on r.line_no = $1 and r.item_no > $9 and r.item_no <= $3 and r.item_no = k.item_no
             and r.from_version <= v.number and r.to_version > v.number
     join items c
         on c.line_no = $1 and c.item_no > $9 and c.item_no <= $3 and c.item_no = k.item_no
             and (c.rev = r.rev or r.rev is null and c.introduced_in = v.number)
     left join modifications m
         on m.line_no = $1 and m.item_no > $9 and m.item_no <= $3 and m.item_no = k.item_no
             and m.modification_no = r.modification_no
     left join lateral (
         select x.decided_by as confirmed_by, x.occurred_at as confirmed_at from rulings x
         where r.state = 2 and x.line_no = $1 and x.item_no = k.item_no
             and x.modification_no = r.modification_no and x.state = 2
         order by x.seq limit 1
     ) f on true
     left join versions p on p.line_no = $1 and p.number = v.parent_number
     left join versions b on b.line_no = $1 and b.number = c.introduced_in
     where v.line_no = $1 and v.number = $2
         and (r.state is null or r.state in (1, 2)
             or r.state in (3, 4) and r.from_version = v.number) ",
    filtered!(),
    "order by k.item_no, c.rev desc"
);

/// The decisions on so many items in the order of their keys.
const BY_KEY: &str = decision_rows!(
    "(select x.line_no, x.item_no, x.item_key from items x
      where x.line_no = $1 and x.rev = 1 and x.item_key > $9 order by x.item_key limit $3) k
     join versions v on v.line_no = $1 and v.number = $2",
    filtered!(),
    "order by k.item_key",
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
    let mut page = match cursor {
        Cursor::Item(after) => by_item(conn, version, filter, *after, limit, most).await?,
        Cursor::Key(after) => by_key(conn, version, filter, after, limit, most).await?,
    };
    page.truncate(most);
    Ok(page)
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
        let query = with_filter(sqlx::query(BY_ITEM), version, filter, upto).bind(after);
        for row in query.fetch_all(&mut *conn).await? {
            let item_no: i32 = row.try_get("item_no")?;
            // Of an item's contents in a draft, the newest comes first, and counts.
            if found.last().is_none_or(|last| last.id.item_no != item_no) {
                found.push(read(&row, version.line_no)?);
            }
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
    let (mut found, mut after) = (Vec::new(), after.to_owned());
    loop {
        let query = with_filter(sqlx::query(BY_KEY), version, filter, stretch).bind(&after);
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
