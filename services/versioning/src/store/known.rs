//! Which keys a line knows.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};

use crate::domain::error::Error;
use crate::domain::item::KnownKey;

/// Those of the keys that the line knows, as they stand in its open version.
pub async fn keys(
    conn: &mut PgConnection,
    line_no: i64,
    number: i32,
    keys: &[&str],
) -> Result<HashMap<String, KnownKey>, Error> {
    sqlx::query(
        "select k.item_key, k.item_no, r.seq as ruling,
             (select max(x.rev) from items x
              where x.line_no = k.line_no and x.item_no = k.item_no) as last_rev,
             case
                 when r.state is null then exists (
                     select from items c
                     where c.line_no = k.line_no and c.item_no = k.item_no and c.introduced_in = $2)
                 when r.state in (1, 2) then true
                 else r.state in (3, 4) and r.from_version = $2
             end as present,
             (select x.from_version from rulings x
              where x.line_no = k.line_no and x.item_no = k.item_no and x.state = 3
                  and x.from_version < $2 and x.to_version > x.from_version
              order by x.seq desc limit 1) as rejected_in
         from unnest($3::text[]) as wanted (item_key)
         join lateral (
             select x.line_no, x.item_no, x.item_key from items x
             where x.line_no = $1 and x.rev = 1 and x.item_key = wanted.item_key
             limit 1
         ) k on true
         left join lateral (
             select x.seq, x.state, x.from_version from rulings x
             where x.line_no = k.line_no and x.item_no = k.item_no and x.to_version = 2147483647
             limit 1
         ) r on true",
    )
    .bind(line_no)
    .bind(number)
    .bind(keys)
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| {
        Ok((
            row.try_get("item_key")?,
            KnownKey {
                item_no: row.try_get("item_no")?,
                last_rev: row.try_get("last_rev")?,
                ruling: row.try_get("ruling")?,
                present: row.try_get("present")?,
                rejected_in: row.try_get("rejected_in")?,
            },
        ))
    })
    .collect()
}
