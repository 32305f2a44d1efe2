//! Rulings: only their end is ever set, once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use crate::domain::decision::{Act, PastRuling, StoredPayload};
use crate::domain::error::Error;
use crate::domain::item::{Change, NewRuling};
use crate::domain::states::RulingState;
use crate::domain::version::Version;

/// Ends what is in force for the items, in the open version. A statement of its own: the order of
/// ending and inserting within one is undefined.
pub async fn end(conn: &mut PgConnection, version: &Version, items: &[i32]) -> Result<(), Error> {
    if items.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update rulings set to_version = $2
         where ctid = any(array(
             select r.ctid from unnest($3::integer[]) as ended (item_no)
             join lateral (
                 select x.ctid from rulings x
                 where x.line_no = $1 and x.item_no = ended.item_no and x.to_version = 2147483647
                 limit 1
             ) r on true))",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(items)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes rulings on items of the open version, after ending those that they replace.
pub async fn write(
    conn: &mut PgConnection,
    version: &Version,
    rulings: &[NewRuling<'_>],
    decided_by: i64,
    notes: Option<&str>,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let ended: Vec<i32> = rulings
        .iter()
        .filter(|ruling| ruling.item.ruling.is_some())
        .map(|ruling| ruling.item.item_no)
        .collect();
    end(conn, version, &ended).await?;
    let proposed = write_modifications(conn, version, rulings, decided_by, at).await?;
    let modification = |ruling: &NewRuling<'_>| match ruling.state {
        RulingState::Proposed => proposed.get(&ruling.item.item_no).copied(),
        RulingState::Modified => ruling.confirmed().map(|confirmed| confirmed.modification),
        RulingState::Approved | RulingState::Rejected | RulingState::Removed => None,
    };
    let notes_of = |ruling: &NewRuling<'_>| match ruling.opinion {
        Some(opinion) => opinion.notes.clone(),
        None => notes.map(str::to_owned),
    };
    let disposition = |ruling: &NewRuling<'_>| {
        ruling.opinion.is_some_and(|opinion| opinion.accepted_without_finding).then_some(1_i16)
    };
    sqlx::query(
        "insert into rulings (
             line_no, item_no, seq, rev, from_version, state, modification_no, disposition, decided_by,
             notes, occurred_at, recorded_at, origin)
         select $1, item_no, seq, rev, $2, state, modification_no, disposition, $3, notes, $4, $4, 'native'
         from unnest($5::integer[], $6::integer[], $7::integer[], $8::smallint[], $9::integer[],
             $10::smallint[], $11::text[])
             as new (item_no, seq, rev, state, modification_no, disposition, notes)",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(decided_by)
    .bind(at)
    .bind(rulings.iter().map(|ruling| ruling.item.item_no).collect::<Vec<_>>())
    .bind(rulings.iter().map(NewRuling::seq).collect::<Vec<_>>())
    .bind(rulings.iter().map(|ruling| ruling.item.rev).collect::<Vec<_>>())
    .bind(rulings.iter().map(|ruling| ruling.state.code()).collect::<Vec<_>>())
    .bind(rulings.iter().map(modification).collect::<Vec<_>>())
    .bind(rulings.iter().map(disposition).collect::<Vec<_>>())
    .bind(rulings.iter().map(notes_of).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the reviewer's changes and gives their numbers by item.
async fn write_modifications(
    conn: &mut PgConnection,
    version: &Version,
    rulings: &[NewRuling<'_>],
    made_by: i64,
    at: DateTime<Utc>,
) -> Result<HashMap<i32, i32>, Error> {
    let changes: Vec<(&NewRuling<'_>, &Change)> = rulings
        .iter()
        .filter_map(|ruling| ruling.change().map(|change| (ruling, change)))
        .collect();
    if changes.is_empty() {
        return Ok(HashMap::new());
    }
    let contents = || changes.iter().map(|(_, change)| &change.replacement.content);
    sqlx::query(
        "insert into modifications (
             line_no, item_no, modification_no, rev, payload, payload_schema, content_hash, counted,
             reason, notes, made_in, made_by, made_at, occurred_at, recorded_at, origin)
         select $1, item_no,
             (select coalesce(max(x.modification_no), 0) + 1 from modifications x
              where x.line_no = $1 and x.item_no = new.item_no),
             rev, payload, payload_schema, content_hash, counted, reason, notes, $2, $3, $4, $4, $4,
             'native'
         from unnest($5::integer[], $6::integer[], $7::jsonb[], $8::smallint[], $9::bytea[],
             $10::boolean[], $11::text[], $12::text[])
             as new (item_no, rev, payload, payload_schema, content_hash, counted, reason, notes)
         returning item_no, modification_no",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(made_by)
    .bind(at)
    .bind(changes.iter().map(|(ruling, _)| ruling.item.item_no).collect::<Vec<_>>())
    .bind(changes.iter().map(|(ruling, _)| ruling.item.rev).collect::<Vec<_>>())
    .bind(contents().map(|content| Json(&content.body)).collect::<Vec<_>>())
    .bind(contents().map(|content| content.schema).collect::<Vec<_>>())
    .bind(contents().map(|content| content.hash.as_slice()).collect::<Vec<_>>())
    .bind(contents().map(|content| content.counted).collect::<Vec<_>>())
    .bind(changes.iter().map(|(_, change)| change.reason.as_str()).collect::<Vec<_>>())
    .bind(
        changes
            .iter()
            .map(|(ruling, _)| ruling.opinion.and_then(|opinion| opinion.notes.as_deref()))
            .collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| Ok((row.try_get("item_no")?, row.try_get("modification_no")?)))
    .collect()
}

/// Those of the items whose unconfirmed modification this person made.
pub async fn proposed_by(
    conn: &mut PgConnection,
    version: &Version,
    items: &[i32],
    user_id: i64,
) -> Result<Vec<i32>, Error> {
    Ok(sqlx::query_scalar(
        "select m.item_no
         from unnest($2::integer[]) as wanted (item_no)
         join lateral (
             select x.modification_no from rulings x
             where x.line_no = $1 and x.item_no = wanted.item_no and x.to_version = 2147483647
                 and x.state = 4
             limit 1
         ) r on true
         join modifications m
             on m.line_no = $1 and m.item_no = wanted.item_no
                 and m.modification_no = r.modification_no
         where m.made_by = $3",
    )
    .bind(version.line_no)
    .bind(items)
    .bind(user_id)
    .fetch_all(conn)
    .await?)
}

/// The newest rulings on an item, newest first.
pub async fn of_item(
    conn: &mut PgConnection,
    line_no: i64,
    item_no: i32,
    limit: i64,
) -> Result<Vec<PastRuling>, Error> {
    let rows = sqlx::query(
        "select r.from_version, r.to_version, r.state, r.decided_by, r.occurred_at, r.notes,
             r.disposition, r.restated_from, m.payload, m.payload_schema, m.reason
         from rulings r
         left join modifications m using (line_no, item_no, modification_no)
         where r.line_no = $1 and r.item_no = $2
         order by r.seq desc limit $3",
    )
    .bind(line_no)
    .bind(item_no)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.iter().map(read_past).collect()
}

fn read_past(row: &PgRow) -> Result<PastRuling, Error> {
    let body: Option<serde_json::Value> = row.try_get("payload")?;
    let schema: Option<i16> = row.try_get("payload_schema")?;
    let reason: Option<String> = row.try_get("reason")?;
    let disposition: Option<i16> = row.try_get("disposition")?;
    let restated: Option<i32> = row.try_get("restated_from")?;
    let to_version: i32 = row.try_get("to_version")?;
    Ok(PastRuling {
        version: row.try_get("from_version")?,
        state: RulingState::coded(row.try_get("state")?)?,
        act: Act { by: row.try_get("decided_by")?, at: row.try_get("occurred_at")? },
        notes: row.try_get("notes")?,
        change: body
            .zip(schema)
            .zip(reason)
            .map(|((body, schema), reason)| (StoredPayload { schema, body }, reason)),
        accepted_without_finding: disposition.is_some(),
        replaced_in: (to_version != i32::MAX).then_some(to_version),
        restated: restated.is_some(),
    })
}
