//! A new version from a baseline that is not the line's last one.
//!
//! Nothing is copied: only items that were touched after the baseline are looked at, and only where
//! what is in force differs from what the baseline had, that is stated again.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row};

use super::rulings;
use crate::domain::error::Error;
use crate::domain::version::Version;

/// A ruling that a new draft begins with.
#[derive(Clone, Copy, Debug)]
pub struct Restated {
    /// The item.
    pub item_no: i32,
    /// Its new ruling's number.
    pub seq: i32,
    /// The content.
    pub rev: i32,
    /// The baseline's ruling, stated again; `None` for a removal.
    pub restated_from: Option<i32>,
    /// The ruling that it ends.
    pub ended: Option<i32>,
}

/// States again, from the draft `version` on, what its baseline (0: nothing) had.
pub async fn from_baseline(
    conn: &mut PgConnection,
    version: &Version,
    baseline: i32,
    decided_by: i64,
    at: DateTime<Utc>,
) -> Result<Vec<Restated>, Error> {
    let differing = differences(conn, version.line_no, baseline).await?;
    if differing.is_empty() {
        return Ok(differing);
    }
    let ended: Vec<i32> = differing
        .iter()
        .filter(|restated| restated.ended.is_some())
        .map(|restated| restated.item_no)
        .collect();
    rulings::end(conn, version, &ended).await?;
    let column = |of: fn(&Restated) -> i32| differing.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "insert into rulings (
             line_no, item_no, seq, rev, from_version, state, modification_no, decided_by, notes,
             restated_from, occurred_at, recorded_at, origin)
         select $1, new.item_no, new.seq, new.rev, $2, coalesce(r.state, 5), r.modification_no,
             coalesce(r.decided_by, $3), r.notes, r.seq, coalesce(r.occurred_at, $4), $4,
             coalesce(r.origin, 'native')
         from unnest($5::integer[], $6::integer[], $7::integer[], $8::integer[])
             as new (item_no, seq, rev, restated_from)
         left join lateral (
             select x.* from rulings x
             where x.line_no = $1 and x.item_no = new.item_no and x.seq = new.restated_from
             limit 1
         ) r on true",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(decided_by)
    .bind(at)
    .bind(column(|restated| restated.item_no))
    .bind(column(|restated| restated.seq))
    .bind(column(|restated| restated.rev))
    .bind(differing.iter().map(|restated| restated.restated_from).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(differing)
}

async fn differences(
    conn: &mut PgConnection,
    line_no: i64,
    baseline: i32,
) -> Result<Vec<Restated>, Error> {
    sqlx::query(
        "with touched as (
             select item_no from items where line_no = $1 and introduced_in > $2
             union
             select item_no from rulings where line_no = $1 and seq > 1 and from_version > $2
         )
         select touched.item_no, had.seq as had_seq, had.rev as had_rev, last.seq as last_seq,
             case when last.to_version = 2147483647 then last.seq end as in_force,
             last.rev as last_rev
         from touched
         left join lateral (
             select r.seq, r.rev from rulings r
             where r.line_no = $1 and r.item_no = touched.item_no and r.state in (1, 2)
                 and r.from_version <= $2 and r.to_version > $2
             limit 1
         ) had on true
         left join lateral (
             select r.seq, r.rev, r.state, r.to_version from rulings r
             where r.line_no = $1 and r.item_no = touched.item_no
             order by r.seq desc limit 1
         ) last on true
         where case
             when had.seq is null then last.to_version = 2147483647 and last.state in (1, 2)
             else had.seq <> last.seq or last.to_version <> 2147483647
         end
         order by touched.item_no",
    )
    .bind(line_no)
    .bind(baseline)
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| {
        let had: Option<i32> = row.try_get("had_seq")?;
        let last: i32 = row.try_get("last_seq")?;
        Ok(Restated {
            item_no: row.try_get("item_no")?,
            seq: last + 1,
            rev: row.try_get(if had.is_some() { "had_rev" } else { "last_rev" })?,
            restated_from: had,
            ended: row.try_get("in_force")?,
        })
    })
    .collect()
}
