//! The rows that the chain speaks of.
//!
//! They are looked up one by one (`limit 1`): joined, the planner may read a whole line for each,
//! as long as it has no statistics.

use std::collections::HashMap;
use std::fmt;
use std::ops::AddAssign;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use signoff_ledger::{Origin, Record};
use signoff_workflow::{Phase, PhaseTable, Scope, Workflow};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::claims::{Content, Ended, Restated, Ruling};
use crate::domain::error::Error;
use crate::domain::payload::canonical;
use crate::domain::states::{RulingState, Source};
use crate::store::versions;

type Found = Result<Result<(), String>, sqlx::Error>;

/// Who made a record, when, and where it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Author {
    user_id: i64,
    at: DateTime<Utc>,
    occurred_at: DateTime<Utc>,
    origin: Origin,
    /// Whether they confirm changes, and do not rule.
    confirms: bool,
}

impl Author {
    /// Of a record.
    pub(super) fn of(record: &Record) -> Self {
        Self {
            user_id: record.actor,
            at: record.recorded_at,
            occurred_at: record.occurred_at,
            origin: record.origin,
            confirms: record.action == "modifications.confirmed",
        }
    }
}

/// How much a line has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) contents: i64,
    pub(super) rulings: i64,
    pub(super) ended: i64,
    pub(super) changes: i64,
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.contents += other.contents;
        self.rulings += other.rulings;
        self.ended += other.ended;
        self.changes += other.changes;
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contents, rulings, ended, changes } = self;
        write!(
            f,
            "{contents} contents, {changes} changes and {rulings} rulings, {ended} of them ended"
        )
    }
}

/// The line, number and phase of a version of the workflow.
pub(super) async fn version(
    connection: &mut PgConnection,
    workflow: Workflow,
    version_id: Uuid,
) -> Result<Option<(i64, i32, String)>, sqlx::Error> {
    sqlx::query_as(
        "select v.line_no, v.number, l.phase from versions v join lines l using (line_no)
         where v.version_id = $1 and l.cycle_id = $2 and l.report_id = $3",
    )
    .bind(version_id)
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_optional(connection)
    .await
}

/// Compares contents with their rows.
pub(super) async fn contents(
    connection: &mut PgConnection,
    line_no: i64,
    number: i32,
    author: Author,
    claimed: &[Content],
) -> Found {
    let rows = sqlx::query(
        "select items.item_no, items.rev, item_key, introduced_in, payload, content_hash, source,
             coalesce(edited_by, recommended_by) as made_by, recorded_at,
             case when edited_by is null then recommendation_reason else modification_reason end
                 as reason,
             contributed, edit_of_rev, payload_schema,
             (coalesce(edited_at, recommended_at), occurred_at, items.origin) = ($4, $4, $5)
                 as dated,
             case when edited_by is null then recommendation_metadata end as metadata,
             edited_by is null or exists (
                 select from items o
                 where o.line_no = items.line_no and o.item_no = items.item_no
                     and o.rev = items.edit_of_rev
                     and (o.source, o.recommended_by, o.recommended_at, o.contributed)
                         = (items.source, items.recommended_by, items.recommended_at,
                             items.contributed)
                     and o.recommendation_reason is not distinct from items.recommendation_reason
                     and o.recommendation_metadata
                         is not distinct from items.recommendation_metadata
             ) as inherits
         from unnest($2::integer[], $3::integer[]) as wanted (item_no, rev)
         cross join lateral (
             select x.* from items x
             where x.line_no = $1 and x.item_no = wanted.item_no and x.rev = wanted.rev limit 1
         ) items",
    )
    .bind(line_no)
    .bind(claimed.iter().map(|claim| claim.item_no).collect::<Vec<_>>())
    .bind(claimed.iter().map(|claim| claim.rev).collect::<Vec<_>>())
    .bind(author.occurred_at)
    .bind(author.origin.name())
    .fetch_all(connection)
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let key: (i32, i32) = (row.try_get("item_no")?, row.try_get("rev")?);
        found.insert(key, row);
    }
    for claim in claimed {
        let what = format!("content {} of item {}", claim.rev, claim.item_key);
        let Some(row) = found.get(&(claim.item_no, claim.rev)) else {
            return Ok(Err(format!("{what} is gone")));
        };
        let payload: Value = row.try_get("payload")?;
        let stored: Vec<u8> = row.try_get("content_hash")?;
        let (by, at): (i64, DateTime<Utc>) = (row.try_get("made_by")?, row.try_get("recorded_at")?);
        let (key, introduced_in): (String, i32) =
            (row.try_get("item_key")?, row.try_get("introduced_in")?);
        if hex::encode(canonical::hash(&payload)) != claim.content_hash
            || hex::encode(stored) != claim.content_hash
            || row.try_get::<i16, _>("payload_schema")? != claim.schema
        {
            return Ok(Err(format!("{what} is not what was recorded")));
        }
        if key != claim.item_key
            || introduced_in != number
            || (by, at) != (author.user_id, author.at)
            || !row.try_get::<bool, _>("dated")?
        {
            return Ok(Err(format!("{what} says another key, version, maker or time")));
        }
        let source = Source::coded(row.try_get("source")?).map(Source::name);
        let metadata: Option<Value> = row.try_get("metadata")?;
        if metadata.map(|of| hex::encode(canonical::hash(&of))) != claim.metadata_hash
            || row.try_get::<Option<i32>, _>("edit_of_rev")? != claim.edit_of_rev
            || row.try_get::<bool, _>("contributed")? != claim.contributed
            || !row.try_get::<bool, _>("inherits")?
        {
            return Ok(Err(format!("the recommendation of {what} is not what was recorded")));
        }
        if source != Ok(claim.source.as_str()) {
            return Ok(Err(format!("{what} says another source")));
        }
        if text_hash(row.try_get("reason")?) != claim.reason_hash {
            return Ok(Err(format!("the reason of {what} is not what was recorded")));
        }
    }
    Ok(Ok(()))
}

/// Compares rulings with their rows.
pub(super) async fn rulings(
    connection: &mut PgConnection,
    line_no: i64,
    number: i32,
    author: Author,
    claimed: &[Ruling],
) -> Found {
    let rows = sqlx::query(
        "select r.item_no, r.seq, r.rev, r.from_version, r.state, r.decided_by, r.notes,
             r.recorded_at, m.payload as changed, m.content_hash as change_hash,
             m.reason as change_reason, m.notes as change_notes, r.disposition is not null as accepted,
             (r.occurred_at, r.origin) = ($4, $5) and r.restated_from is null
                 and (m.line_no is null
                     or (m.rev, m.made_in, m.made_by, m.made_at, m.occurred_at, m.recorded_at, m.origin)
                         = (r.rev, r.from_version, r.decided_by, r.occurred_at, r.occurred_at,
                             r.recorded_at, r.origin)) as dated,
             m.payload_schema as change_schema,
             r.modification_no is not distinct from case r.state
                 when 2 then case when ended.state = 2 or $7 then ended.modification_no
                     else kept.modification_no end
                 when 4 then m.modification_no end as refers
         from unnest($2::integer[], $3::integer[], $6::integer[]) as wanted (item_no, seq, ended)
         cross join lateral (
             select x.* from rulings x
             where x.line_no = $1 and x.item_no = wanted.item_no and x.seq = wanted.seq limit 1
         ) r
         left join lateral (
             select x.state, x.modification_no from rulings x
             where x.line_no = $1 and x.item_no = wanted.item_no and x.seq = wanted.ended limit 1
         ) ended on true
         left join lateral (
             -- What was confirmed before, and comes back with an approval.
             select x.modification_no from rulings x
             where r.state = 2 and x.line_no = $1 and x.item_no = wanted.item_no
                 and x.seq < wanted.seq and x.rev = r.rev and x.state = 2
             order by x.seq desc limit 1
         ) kept on true
         left join modifications m
             on m.line_no = r.line_no and m.item_no = r.item_no
                 and m.modification_no = r.modification_no and r.state = 4",
    )
    .bind(line_no)
    .bind(claimed.iter().map(|claim| claim.item_no).collect::<Vec<_>>())
    .bind(claimed.iter().map(|claim| claim.seq).collect::<Vec<_>>())
    .bind(author.occurred_at)
    .bind(author.origin.name())
    .bind(claimed.iter().map(|claim| claim.ended_ruling).collect::<Vec<_>>())
    .bind(author.confirms)
    .fetch_all(connection)
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let key: (i32, i32) = (row.try_get("item_no")?, row.try_get("seq")?);
        found.insert(key, row);
    }
    for claim in claimed {
        let what = format!("ruling {} on item number {}", claim.seq, claim.item_no);
        let Some(row) = found.get(&(claim.item_no, claim.seq)) else {
            return Ok(Err(format!("{what} is gone")));
        };
        let state = RulingState::coded(row.try_get("state")?).map(RulingState::name);
        let changed: Option<Value> = row.try_get("changed")?;
        let change_hash: Option<Vec<u8>> = row.try_get("change_hash")?;
        let made: (i64, DateTime<Utc>) = (row.try_get("decided_by")?, row.try_get("recorded_at")?);
        let place: (i32, i32) = (row.try_get("rev")?, row.try_get("from_version")?);
        if state != Ok(claim.state.as_str())
            || place != (claim.rev, number)
            || made != (author.user_id, author.at)
            || !row.try_get::<bool, _>("dated")?
            || !row.try_get::<bool, _>("refers")?
        {
            return Ok(Err(format!("{what} is not what was recorded")));
        }
        if row.try_get::<bool, _>("accepted")? != claim.accepted_without_finding {
            return Ok(Err(format!("the disposition of {what} is not what was recorded")));
        }
        if text_hash(row.try_get("notes")?) != claim.notes_hash {
            return Ok(Err(format!("the notes of {what} are not what was recorded")));
        }
        if changed.is_some() && text_hash(row.try_get("change_notes")?) != claim.notes_hash
            || text_hash(row.try_get("change_reason")?) != claim.reason_hash
        {
            return Ok(Err(format!("the reason of {what} is not what was recorded")));
        }
        let rehashed = changed.map(|payload| hex::encode(canonical::hash(&payload)));
        let schema: Option<i16> = row.try_get("change_schema")?;
        if rehashed != claim.change_hash
            || change_hash.map(hex::encode) != claim.change_hash
            || schema.is_some_and(|schema| schema != claim.schema)
        {
            return Ok(Err(format!("the change of {what} is not what was recorded")));
        }
    }
    Ok(Ok(()))
}

/// Compares restated rulings with their rows, and with those that they state again.
pub(super) async fn restated(
    connection: &mut PgConnection,
    line_no: i64,
    number: i32,
    author: Author,
    claimed: &[Restated],
) -> Found {
    let agreeing: i64 = sqlx::query_scalar(
        "select count(*)
         from unnest($3::integer[], $4::integer[], $5::integer[], $6::integer[])
             as claimed (item_no, seq, rev, restated_from)
         cross join lateral (
             select x.* from rulings x
             where x.line_no = $1 and x.item_no = claimed.item_no and x.seq = claimed.seq limit 1
         ) r
         left join lateral (
             select x.* from rulings x
             where x.line_no = $1 and x.item_no = claimed.item_no and x.seq = claimed.restated_from
             limit 1
         ) o on true
         where r.from_version = $2 and r.rev = claimed.rev
             and r.restated_from is not distinct from claimed.restated_from
             and r.state = coalesce(o.state, 5) and r.disposition is null
             and (r.decided_by, r.occurred_at, r.recorded_at, r.origin)
                 = (coalesce(o.decided_by, $7), coalesce(o.occurred_at, $8), $9,
                     coalesce(o.origin, $10))
             and r.notes is not distinct from o.notes
             and r.modification_no is not distinct from o.modification_no",
    )
    .bind(line_no)
    .bind(number)
    .bind(claimed.iter().map(|claim| claim.item_no).collect::<Vec<_>>())
    .bind(claimed.iter().map(|claim| claim.seq).collect::<Vec<_>>())
    .bind(claimed.iter().map(|claim| claim.rev).collect::<Vec<_>>())
    .bind(claimed.iter().map(|claim| claim.restated_from).collect::<Vec<_>>())
    .bind(author.user_id)
    .bind(author.occurred_at)
    .bind(author.at)
    .bind(author.origin.name())
    .fetch_one(connection)
    .await?;
    Ok(if usize::try_from(agreeing) == Ok(claimed.len()) {
        Ok(())
    } else {
        Err("rulings that a draft began with are not what was recorded".to_owned())
    })
}

/// Compares the ends of rulings: they ended in this version.
pub(super) async fn ended(
    connection: &mut PgConnection,
    line_no: i64,
    number: i32,
    claimed: &[Ended],
) -> Found {
    let agreeing: i64 = sqlx::query_scalar(
        "select count(*)
         from unnest($3::integer[], $4::integer[]) as claimed (item_no, seq)
         cross join lateral (
             select x.to_version from rulings x
             where x.line_no = $1 and x.item_no = claimed.item_no and x.seq = claimed.seq limit 1
         ) r
         where r.to_version = $2",
    )
    .bind(line_no)
    .bind(number)
    .bind(claimed.iter().map(|(item_no, _)| *item_no).collect::<Vec<_>>())
    .bind(claimed.iter().map(|(_, seq)| *seq).collect::<Vec<_>>())
    .fetch_one(connection)
    .await?;
    Ok(if usize::try_from(agreeing) == Ok(claimed.len()) {
        Ok(())
    } else {
        Err("rulings that it ended are in force, or ended elsewhere".to_owned())
    })
}

/// The SHA-256 of a text, in hexadecimal.
fn text_hash(text: Option<String>) -> Option<String> {
    text.map(|text| hex::encode(Sha256::digest(text)))
}

/// How much a line has.
pub(super) async fn sums(connection: &mut PgConnection, line_no: i64) -> Result<Sums, sqlx::Error> {
    let (contents, changes, rulings, ended) = sqlx::query_as(
        "select (select count(*) from items where line_no = $1),
             (select count(*) from modifications where line_no = $1), count(*),
             count(*) filter (where to_version <> 2147483647)
         from rulings where line_no = $1",
    )
    .bind(line_no)
    .fetch_one(connection)
    .await?;
    Ok(Sums { contents, rulings, ended, changes })
}

/// Whether it is not as it should be who made how many of a line's contents.
pub(super) async fn wrong_makers(
    connection: &mut PgConnection,
    line_no: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (
             select from (select user_id, contents from makers where line_no = $1) m
             full join (
                 select coalesce(edited_by, recommended_by) as user_id, count(*) as made
                 from items where line_no = $1 group by 1
             ) i using (user_id)
             where m.contents is distinct from i.made)",
    )
    .bind(line_no)
    .fetch_one(connection)
    .await
}

/// The lines of a workflow, with the last numbers that they gave to a version and to an item.
pub(super) async fn lines(
    connection: &mut PgConnection,
    workflow: Workflow,
) -> Result<Vec<(i64, i32, i32)>, sqlx::Error> {
    sqlx::query_as(
        "select line_no, last_number, last_item from lines where cycle_id = $1 and report_id = $2",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_all(connection)
    .await
}

/// The versions whose entry in the registry is not what their approval says, or is missing, or is
/// there without one. Of a phase that is not known here, nobody can say which type it has.
pub(super) async fn wrong_artifacts(
    connection: &mut PgConnection,
    workflow: Workflow,
    phases: &PhaseTable,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "select coalesce(v.version_id, a.version_id)
         from (
             select l.phase, v.number, v.version_id, v.reviewed_at, v.reviewed_by, v.review_notes,
                 v.superseded_at, t.artifact_type, v.origin
             from lines l join versions v using (line_no)
             left join unnest($3::text[], $4::text[]) as t (phase, artifact_type) using (phase)
             where l.cycle_id = $1 and l.report_id = $2 and v.state in ('approved', 'superseded')
         ) v
         full join (select * from artifacts where cycle_id = $1 and report_id = $2) a
             using (phase, number)
         where (a.version_id, a.approved_at, a.approved_by, a.notes, a.superseded_at,
                 a.artifact_type, a.occurred_at, a.recorded_at, a.origin)
             is distinct from
             (v.version_id, v.reviewed_at, v.reviewed_by, v.review_notes, v.superseded_at,
                 coalesce(v.artifact_type, a.artifact_type), v.reviewed_at, v.reviewed_at, v.origin)",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(phases.rows().iter().map(|row| row.slug).collect::<Vec<_>>())
    .bind(phases.rows().iter().map(|row| row.artifact_type).collect::<Vec<_>>())
    .fetch_all(connection)
    .await
}

/// A header as it is stored.
pub(super) struct Header {
    pub(super) version_id: Uuid,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    summary: Value,
    metadata: Option<Value>,
    phase_data: Option<Value>,
}

impl Header {
    /// The fields that are not what was recorded.
    pub(super) fn differing<'a>(
        &'a self,
        recorded: &'a Map<String, Value>,
        metadata: &str,
        phase_data: &str,
    ) -> impl Iterator<Item = &'a str> {
        // What no record speaks of is null: an earlier release did not know the field.
        let fields = self.summary.as_object().into_iter().flatten();
        let fields = fields
            .filter(|(field, value)| recorded.get(*field).unwrap_or(&Value::Null) != *value)
            .map(|(field, _)| field.as_str());
        let texts =
            [("metadata", &self.metadata, metadata), ("phase_data", &self.phase_data, phase_data)]
                .map(|(field, stored, recorded)| {
                    let recorded: Option<Value> = serde_json::from_str(recorded).ok();
                    let same = stored.as_ref().map(canonical::hash)
                        == recorded.as_ref().map(canonical::hash);
                    (!same).then_some(field)
                });
        fields.chain(texts.into_iter().flatten())
    }
}

/// The headers of all versions of a workflow.
pub(super) async fn headers(
    connection: &mut PgConnection,
    workflow: Workflow,
) -> Result<Vec<Header>, Error> {
    // The phase is not in a header's summary: which one it is does not matter here.
    let scope = Scope { workflow, phase: Phase::new(0) };
    let found = versions::of_workflow(connection, scope).await?;
    Ok(found
        .into_iter()
        .map(|version| Header {
            version_id: version.version_id,
            recorded_at: version.recorded_at,
            updated_at: version.updated_at,
            summary: version.summary(),
            metadata: version.metadata,
            phase_data: version.phase_data,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_record_speaks_of_is_null() {
        let header = |required: Value| Header {
            version_id: Uuid::nil(),
            recorded_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            summary: json!({"number": 1, "required_sign_offs": required}),
            metadata: None,
            phase_data: None,
        };
        let recorded = Map::from_iter([("number".to_owned(), json!(1))]);
        assert_eq!(header(Value::Null).differing(&recorded, "", "").next(), None);
        let another = header(json!(["test_lead"]));
        let differing: Vec<_> = another.differing(&recorded, "", "{}").collect();
        assert_eq!(differing, ["required_sign_offs", "phase_data"]);
    }
}
