//! Contents of items: written once.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::domain::error::Error;
use crate::domain::item::{ItemAt, NewContent};
use crate::domain::payload::Content;
use crate::domain::version::Version;

/// Who puts contents forward, and when.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    /// The person.
    pub user_id: i64,
    /// Whether they act as the phase's approver.
    pub contributed: bool,
    /// The time of the command.
    pub at: DateTime<Utc>,
}

/// Writes what was put forward in the open version.
pub async fn put(
    conn: &mut PgConnection,
    version: &Version,
    contents: &[NewContent],
    maker: Maker,
) -> Result<(), Error> {
    if contents.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&NewContent) -> i32| contents.iter().map(of).collect::<Vec<_>>();
    let recommendations = || contents.iter().map(|new| &new.recommendation);
    sqlx::query(
        "insert into items (
             line_no, item_no, rev, item_key, introduced_in, payload, payload_schema,
             content_hash, counted, source, recommended_by, recommended_at, recommendation_reason,
             recommendation_metadata, contributed, previous_version, occurred_at, recorded_at, origin)
         select $1, item_no, rev, item_key, $2, payload, payload_schema, content_hash,
             counted, source, $3, $4, reason, metadata, $5, previous_version, $4, $4, 'native'
         from unnest($6::integer[], $7::integer[], $8::text[], $9::jsonb[], $10::smallint[],
             $11::bytea[], $12::boolean[], $13::smallint[], $14::text[], $15::jsonb[],
             $16::integer[])
             as new (item_no, rev, item_key, payload, payload_schema, content_hash, counted, source,
                 reason, metadata, previous_version)",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(maker.user_id)
    .bind(maker.at)
    .bind(maker.contributed)
    .bind(column(|new| new.item_no))
    .bind(column(|new| new.rev))
    .bind(recommendations().map(|new| new.content.item_key.as_str()).collect::<Vec<_>>())
    .bind(recommendations().map(|new| Json(&new.content.body)).collect::<Vec<_>>())
    .bind(recommendations().map(|new| new.content.schema).collect::<Vec<_>>())
    .bind(recommendations().map(|new| new.content.hash.as_slice()).collect::<Vec<_>>())
    .bind(recommendations().map(|new| new.content.counted).collect::<Vec<_>>())
    .bind(recommendations().map(|new| new.source.code()).collect::<Vec<_>>())
    .bind(recommendations().map(|new| new.reason.as_deref()).collect::<Vec<_>>())
    .bind(recommendations().map(|new| new.metadata.as_ref().map(Json)).collect::<Vec<_>>())
    .bind(contents.iter().map(|new| new.previous_version).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes an edit of an item: its next rev, with the recommendation of the one before.
pub async fn edit(
    conn: &mut PgConnection,
    version: &Version,
    item: &ItemAt,
    content: &Content,
    reason: Option<&str>,
    maker: Maker,
) -> Result<i32, Error> {
    let rev: i32 = sqlx::query_scalar(
        "insert into items (
             line_no, item_no, rev, item_key, introduced_in, edit_of_rev, payload, payload_schema,
             content_hash, counted, source, recommended_by, recommended_at, recommendation_reason,
             recommendation_metadata, contributed, edited_by, edited_at, modification_reason,
             previous_version, occurred_at, recorded_at, origin)
         select c.line_no, c.item_no,
             (select max(x.rev) + 1 from items x where x.line_no = $1 and x.item_no = $2),
             c.item_key, $4, c.rev, $5, $6, $7, $8, c.source, c.recommended_by,
             c.recommended_at, c.recommendation_reason, c.recommendation_metadata, c.contributed, $9,
             $10, $11, c.previous_version, $10, $10, 'native'
         from items c
         where c.line_no = $1 and c.item_no = $2 and c.rev = $3
         returning rev",
    )
    .bind(version.line_no)
    .bind(item.item_no)
    .bind(item.rev)
    .bind(version.number)
    .bind(&content.body)
    .bind(content.schema)
    .bind(content.hash.as_slice())
    .bind(content.counted)
    .bind(maker.user_id)
    .bind(maker.at)
    .bind(reason)
    .fetch_one(conn)
    .await?;
    Ok(rev)
}
