//! Reading: a statement for the header and one for the rest, which answers what the service's
//! answer is made of.

use anyhow::Result;
use futures::TryStreamExt as _;
use sqlx::Row as _;
use uuid::Uuid;

use super::Floor;

/// What is answered of each decision.
macro_rules! columns {
    () => {
        "k.item_no, k.item_key, c.rev, c.payload, c.payload_schema, c.source, c.recommended_by,
         c.recommended_at, c.recommendation_reason, c.recommendation_metadata, c.edited_by,
         c.edited_at, c.modification_reason, c.previous_version, c.introduced_in, c.occurred_at,
         c.recorded_at, r.state, r.decided_by, r.notes, r.disposition, r.occurred_at as ruled_at,
         m.payload as changed, m.reason, m.made_by, m.made_at "
    };
}

/// The ruling that a version `v` sees, its content and its change.
macro_rules! standing {
    () => {
        "left join lateral (
             select x.* from rulings x
             where x.line_no = v.line_no and x.item_no = k.item_no
                 and x.from_version <= v.number and x.to_version > v.number
             limit 1
         ) r on true
         join lateral (
             select x.* from items x
             where x.line_no = v.line_no and x.item_no = k.item_no
                 and (x.rev = r.rev or r.rev is null and x.introduced_in = v.number)
             order by x.rev desc limit 1
         ) c on true
         left join modifications m
             on m.line_no = v.line_no and m.item_no = k.item_no
                 and m.modification_no = r.modification_no "
    };
}

const HEADER: &str = "
select v.line_no, v.number, v.state, v.parent_number, p.version_id as parent_id
from versions v
left join versions p on p.line_no = v.line_no and p.number = v.parent_number
where v.version_id = $1";

/// A walk along the first contents in the order of their numbers, which ends with the page: each
/// item's ruling and content are looked up by their keys.
const PAGE: &str = concat!(
    "select ",
    columns!(),
    "from (select $1::bigint as line_no, $2::integer as number) v
     join items k on k.line_no = $1 and k.rev < 2 and k.item_no > $3 ",
    standing!(),
    "where r.state is null or r.state in (1, 2) or r.state in (3, 4) and r.from_version = $2
     order by k.item_no limit $4"
);

const LINEAGE: &str = concat!(
    "select v.version_id, v.number, v.state as version_state, v.parent_number, ",
    columns!(),
    "from versions v
     cross join lateral (
         select k.item_no, k.item_key from items k
         where k.line_no = v.line_no and k.item_no = $2 and k.rev = 1
     ) k ",
    standing!(),
    "where v.line_no = $1 and (r.state is null or r.state in (1, 2)
         or r.state in (3, 4) and r.from_version = v.number)
     order by v.number desc limit 100"
);

impl Floor {
    /// How many rows a page of a version's decisions has after an item.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn page(&mut self, version_id: Uuid, after: i32, limit: i64) -> Result<usize> {
        let header = sqlx::query(HEADER).bind(version_id).fetch_one(&mut self.conn).await?;
        let (line_no, number): (i64, i32) = (header.try_get(0)?, header.try_get(1)?);
        let query = sqlx::query(PAGE).bind(line_no).bind(number).bind(after).bind(limit);
        Ok(query.fetch_all(&mut self.conn).await?.len())
    }

    /// How many versions hold an item.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn lineage(&mut self, line_no: i64, item_no: i32) -> Result<usize> {
        let query = sqlx::query(LINEAGE).bind(line_no).bind(item_no);
        Ok(query.fetch_all(&mut self.conn).await?.len())
    }

    /// How many bytes all decisions of a version are, as text: read along the tables, not item by
    /// item.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn export(&mut self, line_no: i64, number: i32) -> Result<usize> {
        let statement = format!(
            concat!(
                "copy (select ",
                columns!(),
                "from items k
                 left join rulings r
                     on r.line_no = k.line_no and r.item_no = k.item_no
                         and r.from_version <= {number} and r.to_version > {number}
                 join items c
                     on c.line_no = k.line_no and c.item_no = k.item_no
                         and (c.rev = r.rev or r.rev is null and c.introduced_in = {number})
                 left join modifications m
                     on m.line_no = k.line_no and m.item_no = k.item_no
                         and m.modification_no = r.modification_no
                 where k.line_no = {line_no} and k.rev = 1
                     and (r.state is null or r.state in (1, 2)
                         or r.state in (3, 4) and r.from_version = {number})
                 order by k.item_no) to stdout"
            ),
            number = number,
            line_no = line_no,
        );
        let mut out = self.conn.copy_out_raw(&statement).await?;
        let mut bytes = 0;
        while let Some(chunk) = out.try_next().await? {
            bytes += chunk.len();
        }
        drop(out);
        Ok(bytes)
    }
}
