//! Decisions as they stand in a version, whichever it is.
//!
//! A read reads little also before the tables have statistics. `k.rev < 2` instead of `= 1` keeps the
//! planner off the index on keys where items come by their numbers, since it would take `= 1` for
//! rare; `limit 1` has rows looked up one by one, where it might read the line again for each.

use signoff_backend::Fault;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::domain::decision::{Act, Decision, ReviewerChange, RulingInForce, StoredPayload};
use crate::domain::error::Error;
use crate::domain::ids::DecisionId;
use crate::domain::states::{Origin, RulingState, Source, Standing, VersionState};
use crate::domain::version::VersionRef;

/// Decisions of the versions `v`: the items whose ruling in force at `v.number` keeps them, and
/// those that `v` brought and nobody ruled on. `$1` is the line; `from` joins versions `v` and, as
/// `k`, the first content of each item, which every item of the line has.
macro_rules! decision_rows {
    ($from:literal, $($rest:expr),+ $(,)?) => {
        concat!(
            "select v.number, v.version_id, v.state as version_state, v.parent_number,
                 p.version_id as parent_id, k.item_no, k.item_key, c.*, b.version_id as introduced_id,
                 r.state, r.decided_by, r.ruling_notes, r.disposition, r.ruled_at, r.ruling_recorded_at,
                 r.ruling_origin, m.*, f.*
             from ",
            $from,
            "
             left join lateral (
                 select x.rev as ruled_rev, x.state, x.from_version, x.modification_no, x.decided_by,
                     x.notes as ruling_notes, x.disposition, x.occurred_at as ruled_at,
                     x.recorded_at as ruling_recorded_at, x.origin as ruling_origin
                 from rulings x
                 where x.line_no = k.line_no and x.item_no = k.item_no
                     and x.from_version <= v.number and x.to_version > v.number
                 limit 1
             ) r on true
             join lateral (
                 select x.rev, x.introduced_in, x.payload, x.payload_schema, x.source, x.recommended_by,
                     x.recommended_at, x.recommendation_reason, x.recommendation_metadata, x.edited_by,
                     x.edited_at, x.modification_reason, x.previous_version, x.occurred_at, x.recorded_at,
                     x.origin
                 from items x
                 where x.line_no = k.line_no and x.item_no = k.item_no
                     and (x.rev = r.ruled_rev or r.ruled_rev is null and x.introduced_in = v.number)
                 order by x.rev desc limit 1
             ) c on true
             left join lateral (
                 select x.payload as changed_payload, x.payload_schema as changed_schema,
                     x.reason as change_reason, x.notes as change_notes, x.made_by, x.made_at
                 from modifications x
                 where x.line_no = k.line_no and x.item_no = k.item_no
                     and x.modification_no = r.modification_no
                 limit 1
             ) m on true
             left join lateral (
                 select x.decided_by as confirmed_by, x.occurred_at as confirmed_at from rulings x
                 where r.state = 2 and x.line_no = k.line_no and x.item_no = k.item_no
                     and x.modification_no = r.modification_no and x.state = 2
                 order by x.seq limit 1
             ) f on true
             left join versions p on p.line_no = v.line_no and p.number = v.parent_number
             left join versions b on b.line_no = v.line_no and b.number = c.introduced_in
             where v.line_no = $1 and k.line_no = $1
                 and (r.state is null or r.state in (1, 2)
                     or r.state in (3, 4) and r.from_version = v.number) ",
            $($rest),+
        )
    };
}

pub(super) use decision_rows;

/// Those of the items that the version holds, by item.
pub async fn of_items(
    conn: &mut PgConnection,
    line_no: i64,
    number: i32,
    items: &[i32],
) -> Result<Vec<Decision>, Error> {
    let rows = sqlx::query(decision_rows!(
        "versions v join items k on k.line_no = v.line_no and k.rev < 2",
        "and v.number = $2 and k.item_no = any($3) order by k.item_no"
    ))
    .bind(line_no)
    .bind(number)
    .bind(items)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| read(row, line_no)).collect()
}

/// One item in the versions below a number that hold it, newest first.
pub async fn lineage(
    conn: &mut PgConnection,
    line_no: i64,
    item_no: i32,
    below: i32,
    limit: i64,
) -> Result<Vec<Decision>, Error> {
    let rows = sqlx::query(decision_rows!(
        "versions v join items k on k.line_no = v.line_no and k.rev < 2",
        "and k.item_no = $2 and v.number < $3 order by v.number desc limit $4"
    ))
    .bind(line_no)
    .bind(item_no)
    .bind(below)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| read(row, line_no)).collect()
}

pub(super) const fn standing_code(standing: Standing) -> i16 {
    match standing {
        Standing::Pending => 0,
        Standing::Approved => RulingState::Approved.code(),
        Standing::Modified => RulingState::Modified.code(),
        Standing::Rejected => RulingState::Rejected.code(),
        Standing::Proposed => RulingState::Proposed.code(),
    }
}

/// A row of [`decision_rows`].
pub(super) fn read(row: &PgRow, line_no: i64) -> Result<Decision, Error> {
    let version =
        VersionRef { number: row.try_get("number")?, version_id: row.try_get("version_id")? };
    let parent_number: Option<i32> = row.try_get("parent_number")?;
    let parent_id: Option<uuid::Uuid> = row.try_get("parent_id")?;
    let state: Option<i16> = row.try_get("state")?;
    let (standing, ruling) = match state {
        None => (Standing::Pending, None),
        Some(code) => {
            let standing = Standing::ruled(RulingState::coded(code)?)
                .ok_or_else(|| Fault::Internal("a removed item is listed".to_owned()))?;
            (standing, Some(read_ruling(row)?))
        }
    };
    let edited_by: Option<i64> = row.try_get("edited_by")?;
    let edited_at: Option<chrono::DateTime<chrono::Utc>> = row.try_get("edited_at")?;
    let confirmed_by: Option<i64> = row.try_get("confirmed_by")?;
    let confirmed_at: Option<chrono::DateTime<chrono::Utc>> = row.try_get("confirmed_at")?;
    Ok(Decision {
        id: DecisionId { line_no, item_no: row.try_get("item_no")?, version: version.number },
        version,
        version_state: VersionState::named(row.try_get("version_state")?)?,
        parent: parent_number
            .zip(parent_id)
            .map(|(number, version_id)| VersionRef { number, version_id }),
        item_key: row.try_get("item_key")?,
        rev: row.try_get("rev")?,
        payload: StoredPayload {
            schema: row.try_get("payload_schema")?,
            body: row.try_get("payload")?,
        },
        standing,
        source: Source::coded(row.try_get("source")?)?,
        recommended: Act { by: row.try_get("recommended_by")?, at: row.try_get("recommended_at")? },
        recommendation_reason: row.try_get("recommendation_reason")?,
        recommendation_metadata: row.try_get("recommendation_metadata")?,
        edited: edited_by.zip(edited_at).map(|(by, at)| Act { by, at }),
        edit_reason: row.try_get("modification_reason")?,
        ruling,
        change: read_change(row)?,
        confirmed: confirmed_by.zip(confirmed_at).map(|(by, at)| Act { by, at }),
        introduced_in: VersionRef {
            number: row.try_get("introduced_in")?,
            version_id: row.try_get("introduced_id")?,
        },
        rejected_in: row.try_get("previous_version")?,
        occurred_at: row.try_get("occurred_at")?,
        recorded_at: row.try_get("recorded_at")?,
        origin: Origin::named(row.try_get("origin")?)?,
        remediation: None,
    })
}

fn read_ruling(row: &PgRow) -> Result<RulingInForce, Error> {
    let disposition: Option<i16> = row.try_get("disposition")?;
    let occurred_at = row.try_get("ruled_at")?;
    Ok(RulingInForce {
        act: Act { by: row.try_get("decided_by")?, at: occurred_at },
        notes: row.try_get("ruling_notes")?,
        accepted_without_finding: disposition.is_some(),
        occurred_at,
        recorded_at: row.try_get("ruling_recorded_at")?,
        origin: Origin::named(row.try_get("ruling_origin")?)?,
    })
}

fn read_change(row: &PgRow) -> Result<Option<ReviewerChange>, Error> {
    let made_by: Option<i64> = row.try_get("made_by")?;
    let Some(made_by) = made_by else { return Ok(None) };
    Ok(Some(ReviewerChange {
        payload: StoredPayload {
            schema: row.try_get("changed_schema")?,
            body: row.try_get("changed_payload")?,
        },
        reason: row.try_get("change_reason")?,
        made_by,
        made_at: row.try_get("made_at")?,
        notes: row.try_get("change_notes")?,
    }))
}
