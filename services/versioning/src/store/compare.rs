//! How two versions of a line differ.
//!
//! Items that nobody touched since the lower of the two are the same in both: only those that were
//! are looked at.

use signoff_backend::Fault;
use sqlx::{PgConnection, Row};

use crate::domain::decision::Difference;
use crate::domain::error::Error;
use crate::domain::version::Version;

/// Items with the way in which they differ; `$2` and `$3` the versions, `$4` the lower of them.
macro_rules! differences {
    ($rest:literal) => {
        concat!(
            "with touched as (
                 select item_no from items where line_no = $1 and introduced_in >= $4
                 union
                 select item_no from rulings where line_no = $1 and seq > 1 and from_version >= $4
             ),
             held as (
                 select t.item_no, v.number, coalesce(r.state, 0) as state,
                     coalesce(m.content_hash, c.content_hash) as content_hash
                 from touched t
                 cross join (values ($2::integer), ($3::integer)) as v (number)
                 left join lateral (
                     select x.rev, x.state, x.from_version, x.modification_no from rulings x
                     where x.line_no = $1 and x.item_no = t.item_no
                         and x.from_version <= v.number and x.to_version > v.number
                     limit 1
                 ) r on true
                 join lateral (
                     select x.content_hash from items x
                     where x.line_no = $1 and x.item_no = t.item_no
                         and (x.rev = r.rev or r.rev is null and x.introduced_in = v.number)
                     order by x.rev desc limit 1
                 ) c on true
                 left join lateral (
                     select x.content_hash from modifications x
                     where x.line_no = $1 and x.item_no = t.item_no
                         and x.modification_no = r.modification_no
                     limit 1
                 ) m on true
                 where r.state is null or r.state in (1, 2)
                     or r.state in (3, 4) and r.from_version = v.number
             ),
             differing as (
                 select item_no, case
                     when a.item_no is null then 1
                     when b.item_no is null then 2
                     when a.content_hash <> b.content_hash then 3
                     when a.state <> b.state then 4
                 end as kind
                 from (select * from held where number = $2) a
                 full join (select * from held where number = $3) b using (item_no)
             ) ",
            $rest
        )
    };
}

/// How many items differ, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// In the second only.
    pub added: i32,
    /// In the first only.
    pub removed: i32,
    /// With another effective payload.
    pub changed: i32,
    /// With the same effective payload, ruled differently.
    pub ruled_differently: i32,
}

/// Counts the differences between two versions of a line.
pub async fn totals(
    conn: &mut PgConnection,
    one: &Version,
    other: &Version,
) -> Result<Totals, Error> {
    let row = sqlx::query(differences!(
        "select (count(*) filter (where kind = 1))::integer as added,
             (count(*) filter (where kind = 2))::integer as removed,
             (count(*) filter (where kind = 3))::integer as changed,
             (count(*) filter (where kind = 4))::integer as ruled_differently
         from differing"
    ))
    .bind(one.line_no)
    .bind(one.number)
    .bind(other.number)
    .bind(one.number.min(other.number))
    .fetch_one(conn)
    .await?;
    Ok(Totals {
        added: row.try_get("added")?,
        removed: row.try_get("removed")?,
        changed: row.try_get("changed")?,
        ruled_differently: row.try_get("ruled_differently")?,
    })
}

/// The items after one that differ, and how.
pub async fn page(
    conn: &mut PgConnection,
    one: &Version,
    other: &Version,
    after: i32,
    limit: i64,
) -> Result<Vec<(i32, Difference)>, Error> {
    let rows = sqlx::query(differences!(
        "select item_no, kind from differing
         where kind is not null and item_no > $5 order by item_no limit $6"
    ))
    .bind(one.line_no)
    .bind(one.number)
    .bind(other.number)
    .bind(one.number.min(other.number))
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let kind = match row.try_get("kind")? {
                1 => Difference::Added,
                2 => Difference::Removed,
                3 => Difference::Changed,
                4 => Difference::RuledDifferently,
                other => return Err(Fault::Internal(format!("difference {other}")).into()),
            };
            Ok((row.try_get("item_no")?, kind))
        })
        .collect()
}
