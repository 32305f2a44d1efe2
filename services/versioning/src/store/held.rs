//! What a line's open version holds, as far as commands need it.
//!
//! The open version is the line's newest, so a ruling is in force in it exactly if its end is not
//! known: an index finds those. They are found item by item (`limit 1` says so to the planner, which
//! without statistics would read all rulings of the line for each item).

use signoff_backend::Fault;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::domain::error::Error;
use crate::domain::item::{Confirmed, ItemAt};
use crate::domain::states::{RulingState, Source, Standing};
use crate::domain::version::Version;

/// The columns of an item, from its content `c`, its ruling in force `r`, that one's modification
/// `m`, and the confirmed modification `kept` that an approval keeps; `$1` line, `$3` the actor, `$4` whether the actor made anything in the line.
macro_rules! item_columns {
    ($rest:literal) => {
        concat!(
            "select c.item_no, c.item_key, c.rev, c.introduced_in, c.source, c.contributed,
                 r.state, r.seq as ruling, r.modification_no,
                 coalesce((select max(x.seq) from rulings x
                           where x.line_no = c.line_no and x.item_no = c.item_no), 0) as last_seq,
                 coalesce(m.counted, c.counted) as counted, c.counted as counted_as_put,
                 kept.modification_no as kept_no, kept.counted as kept_counted,
                 $4 and (c.recommended_by = $3 or exists (
                     with recursive edits (rev, edit_of_rev, edited_by) as (
                         values (c.rev, c.edit_of_rev, c.edited_by)
                         union all
                         select o.rev, o.edit_of_rev, o.edited_by
                         from edits join items o
                             on o.line_no = c.line_no and o.item_no = c.item_no
                                 and o.rev = edits.edit_of_rev
                     )
                     select from edits where edits.edited_by = $3
                 )) as mine ",
            $rest
        )
    };
}

/// Those of the items that the open version holds.
pub async fn of(
    conn: &mut PgConnection,
    version: &Version,
    items: &[i32],
    actor: i64,
    made_any: bool,
) -> Result<Vec<ItemAt>, Error> {
    sqlx::query(item_columns!(
        "from unnest($5::integer[]) as wanted (item_no)
         left join lateral (
             select x.* from rulings x
             where x.line_no = $1 and x.item_no = wanted.item_no and x.to_version = 2147483647
             limit 1
         ) r on true
         join lateral (
             select x.* from items x
             where x.line_no = $1 and x.item_no = wanted.item_no and (r.rev is null or x.rev = r.rev)
             order by x.rev desc limit 1
         ) c on true
         left join lateral (
             select x.counted from modifications x
             where x.line_no = $1 and x.item_no = wanted.item_no
                 and x.modification_no = r.modification_no
             limit 1
         ) m on true
         left join lateral (
             -- In force until a ruling of this version replaced it: approving brings it back.
             select x.modification_no, changed.counted from rulings x
             join modifications changed
                 on changed.line_no = x.line_no and changed.item_no = x.item_no
                     and changed.modification_no = x.modification_no
             where r.state in (3, 4) and x.line_no = $1 and x.item_no = wanted.item_no
                 and x.rev = r.rev and x.state = 2 and x.to_version = $2
                 and not exists (
                     select from rulings restated
                     where restated.line_no = $1 and restated.item_no = wanted.item_no
                         and restated.seq > x.seq and restated.from_version = $2
                         and restated.restated_from is not null)
             order by x.seq desc limit 1
         ) kept on true
         where case
             when r.state is null then c.introduced_in = $2
             when r.state in (1, 2) then true
             else r.state in (3, 4) and r.from_version = $2
         end"
    ))
    .bind(version.line_no)
    .bind(version.number)
    .bind(actor)
    .bind(made_any)
    .bind(items)
    .fetch_all(conn)
    .await?
    .iter()
    .map(read)
    .collect()
}

/// All items of the open version that nobody has ruled on.
pub async fn pending(
    conn: &mut PgConnection,
    version: &Version,
    actor: i64,
    made_any: bool,
) -> Result<Vec<ItemAt>, Error> {
    sqlx::query(item_columns!(
        "from items c
         left join lateral (
             select x.* from rulings x
             where x.line_no = c.line_no and x.item_no = c.item_no and x.to_version = 2147483647
             limit 1
         ) r on true
         left join lateral (
             select x.rev from items x
             where x.line_no = c.line_no and x.item_no = c.item_no and x.rev > c.rev
             limit 1
         ) newer on true
         left join modifications m on false
         left join modifications kept on false
         where c.line_no = $1 and c.introduced_in = $2 and r.seq is null and newer.rev is null
         order by c.item_no"
    ))
    .bind(version.line_no)
    .bind(version.number)
    .bind(actor)
    .bind(made_any)
    .fetch_all(conn)
    .await?
    .iter()
    .map(read)
    .collect()
}

fn read(row: &PgRow) -> Result<ItemAt, Error> {
    let state: Option<i16> = row.try_get("state")?;
    let standing = match state {
        None => Standing::Pending,
        Some(code) => Standing::ruled(RulingState::coded(code)?)
            .ok_or_else(|| Fault::Internal("a removed item is held".to_owned()))?,
    };
    let modification: Option<i32> = row.try_get("modification_no")?;
    let counted = row.try_get("counted")?;
    let confirmed = if standing == Standing::Modified {
        modification.map(|modification| Confirmed { modification, counted })
    } else {
        let (number, counts) = (row.try_get("kept_no")?, row.try_get("kept_counted")?);
        Option::<i32>::zip(number, counts)
            .map(|(modification, counted)| Confirmed { modification, counted })
    };
    Ok(ItemAt {
        item_no: row.try_get("item_no")?,
        item_key: row.try_get("item_key")?,
        rev: row.try_get("rev")?,
        introduced_in: row.try_get("introduced_in")?,
        standing,
        ruling: row.try_get("ruling")?,
        modification,
        confirmed,
        last_seq: row.try_get("last_seq")?,
        counted,
        counted_as_put: row.try_get("counted_as_put")?,
        source: Source::coded(row.try_get("source")?)?,
        contributed: row.try_get("contributed")?,
        mine: row.try_get("mine")?,
    })
}
