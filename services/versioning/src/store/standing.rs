//! What a line's open version holds, with its effective content: what a digest is made from.

use futures::TryStreamExt as _;
use signoff_backend::Fault;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::domain::digest::Piece;
use crate::domain::error::Error;
use crate::domain::payload::PayloadRegistry;
use crate::domain::states::RulingState;
use crate::domain::version::Version;

/// All items of the open version, in no order. Their payloads are read one at a time, and only where
/// they have places.
pub async fn pieces(
    conn: &mut PgConnection,
    version: &Version,
    payloads: &PayloadRegistry,
    kind: &str,
) -> Result<Vec<Piece>, Error> {
    let ordered =
        payloads.spec(kind).map_err(|error| Fault::Internal(error.to_string()))?.is_ordered();
    let mut rows = sqlx::query(
        "select k.item_key, r.state, coalesce(m.content_hash, c.content_hash) as content_hash,
             case when $3 then coalesce(m.payload, c.payload) end as payload,
             coalesce(m.payload_schema, c.payload_schema) as payload_schema
         from items k
         left join lateral (
             select x.rev, x.state, x.from_version, x.modification_no from rulings x
             where x.line_no = $1 and x.item_no = k.item_no and x.to_version = 2147483647
             limit 1
         ) r on true
         join lateral (
             select x.content_hash, x.payload, x.payload_schema from items x
             where x.line_no = $1 and x.item_no = k.item_no
                 and (x.rev = r.rev or r.rev is null and x.introduced_in = $2)
             order by x.rev desc limit 1
         ) c on true
         left join lateral (
             select x.content_hash, x.payload, x.payload_schema from modifications x
             where x.line_no = $1 and x.item_no = k.item_no
                 and x.modification_no = r.modification_no
             limit 1
         ) m on true
         where k.line_no = $1 and k.rev < 2
             and (r.state is null or r.state in (1, 2)
                 or r.state in (3, 4) and r.from_version = $2)",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(ordered)
    .fetch(conn);
    let mut pieces = Vec::new();
    while let Some(row) = rows.try_next().await? {
        pieces.push(read(&row, payloads, kind)?);
    }
    Ok(pieces)
}

fn read(row: &PgRow, payloads: &PayloadRegistry, kind: &str) -> Result<Piece, Error> {
    let state: Option<i16> = row.try_get("state")?;
    let state = state.map(RulingState::coded).transpose()?;
    let place = match row.try_get("payload")? {
        Some(body) => payloads
            .place(kind, row.try_get("payload_schema")?, body)
            .map_err(|error| Fault::Internal(error.to_string()))?,
        None => None,
    };
    Ok(Piece {
        item_key: row.try_get("item_key")?,
        hash: row.try_get("content_hash")?,
        place,
        rejected: state == Some(RulingState::Rejected),
    })
}
