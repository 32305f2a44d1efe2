//! What there is to rebuild from, and what the service answered, both as JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Workflow;
use sqlx::{PgConnection, Row as _};
use wire::payload::Kind;

use crate::driver::Driver;

/// A record of the trail, and the tables of its details: nothing of it is a column that the service
/// could fill otherwise.
pub(super) struct Told {
    pub(super) sequence: i64,
    /// The canonical bytes, read as JSON.
    pub(super) content: Value,
    /// The rows of its details, each by the names of its columns.
    pub(super) details: Vec<BTreeMap<String, Value>>,
}

impl Told {
    /// A workflow's chain.
    pub(super) async fn read(database: &mut PgConnection, workflow: Workflow) -> Vec<Self> {
        let records = sqlx::query(
            "select seq, canonical, array(
                 select body from trail_details d
                 where (d.cycle_id, d.report_id, d.seq) = (t.cycle_id, t.report_id, t.seq)
                 order by chunk) as chunks
             from trail t where cycle_id = $1 and report_id = $2 order by seq",
        )
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .fetch_all(database)
        .await
        .unwrap();
        records
            .iter()
            .map(|record| {
                let chunks: Vec<Vec<u8>> = record.get("chunks");
                Self {
                    sequence: record.get("seq"),
                    content: serde_json::from_slice(record.get("canonical")).unwrap(),
                    details: chunks.iter().flat_map(|chunk| table(chunk)).collect(),
                }
            })
            .collect()
    }
}

fn table(chunk: &[u8]) -> Vec<BTreeMap<String, Value>> {
    #[derive(serde::Deserialize)]
    struct Table {
        columns: Vec<String>,
        rows: Vec<Vec<Value>>,
    }
    let Table { columns, rows } = serde_json::from_slice(chunk).unwrap();
    rows.into_iter().map(|row| columns.iter().cloned().zip(row).collect()).collect()
}

/// What was put forward, as its row has it for ever.
#[derive(Clone, Debug)]
pub(super) struct ContentRow {
    pub(super) text: String,
    pub(super) reason: String,
}

/// A reviewer's words and change, as their rows have them for ever.
#[derive(Clone, Debug)]
pub(super) struct RulingRow {
    pub(super) notes: String,
    pub(super) modification: Option<i32>,
}

/// The rows that never change, without the one column that does: where a ruling ends.
pub(super) struct Rows {
    pub(super) contents: BTreeMap<(i32, i32), ContentRow>,
    pub(super) rulings: BTreeMap<(i32, i32), RulingRow>,
    /// By item and number: the changed text and why.
    pub(super) modifications: BTreeMap<(i32, i32), (String, String)>,
}

impl Rows {
    /// Those of a workflow, which has one line.
    pub(super) async fn read(database: &mut PgConnection, workflow: Workflow) -> Self {
        let line = "select line_no from lines where cycle_id = $1";
        let line: Option<i64> = sqlx::query_scalar(line)
            .bind(workflow.cycle_id)
            .fetch_optional(&mut *database)
            .await
            .unwrap();
        let contents = sqlx::query(
            "select item_no, rev, payload, coalesce(modification_reason, '') as reason
             from items where line_no = $1",
        );
        let contents = contents.bind(line).fetch_all(&mut *database).await.unwrap();
        let rulings = sqlx::query(
            "select item_no, seq, coalesce(notes, '') as notes, modification_no
             from rulings where line_no = $1",
        );
        let rulings = rulings.bind(line).fetch_all(&mut *database).await.unwrap();
        let changes = sqlx::query(
            "select item_no, modification_no, payload, reason from modifications where line_no = $1",
        );
        let changes = changes.bind(line).fetch_all(&mut *database).await.unwrap();
        let text = |payload: Value| payload["sample_data"]["content"].as_str().unwrap().to_owned();
        Self {
            contents: contents
                .iter()
                .map(|row| {
                    let text = text(row.get("payload"));
                    let content = ContentRow { text, reason: row.get("reason") };
                    ((row.get("item_no"), row.get("rev")), content)
                })
                .collect(),
            rulings: rulings
                .iter()
                .map(|row| {
                    let ruling = RulingRow {
                        notes: row.get("notes"),
                        modification: row.get("modification_no"),
                    };
                    ((row.get("item_no"), row.get("seq")), ruling)
                })
                .collect(),
            modifications: changes
                .iter()
                .map(|row| {
                    let of = (row.get("item_no"), row.get("modification_no"));
                    (of, (text(row.get("payload")), row.get("reason")))
                })
                .collect(),
        }
    }
}

/// All versions with their decisions as the service answers them now, oldest first.
pub(super) async fn answered(driver: &Driver) -> Vec<Value> {
    let mut versions = Vec::new();
    for version in &driver.headers {
        let decisions = driver.people[0].decisions(version).await;
        let decisions: Vec<Value> = decisions.iter().map(decision).collect();
        versions.push(json!({"header": header(version), "decisions": decisions}));
    }
    versions
}

fn header(version: &wire::Version) -> Value {
    let counts = version.counts.unwrap_or_default();
    let state = wire::VersionState::try_from(version.state).unwrap();
    json!({
        "version_id": version.version_id,
        "number": version.number,
        "state": state.as_str_name().trim_start_matches("VERSION_STATE_").to_lowercase(),
        "etag": version.etag,
        "parent": version.parent_version_id,
        "superseded_by": version.superseded_by_version_id,
        "counts": [counts.total, counts.pending, counts.approved, counts.rejected, counts.modified,
            counts.unconfirmed, counts.carried],
        "created": [version.created_by, when(version.created_at), version.creation_notes],
        "submitted": [version.submitted_by, when(version.submitted_at), version.submission_notes],
        "reviewed": [version.reviewed_by, when(version.reviewed_at), version.review_notes],
        "deleted": [version.deleted_by, when(version.deleted_at), version.delete_reason],
        "superseded_at": when(version.superseded_at),
        "updated_at": when(version.updated_at),
    })
}

fn decision(of: &wire::Decision) -> Value {
    let state = wire::DecisionState::try_from(of.state).unwrap();
    let source = wire::RecommendationSource::try_from(of.original_source).unwrap();
    let carried = of.source == i32::from(wire::RecommendationSource::CarriedForward);
    json!({
        "item_key": of.item_key,
        "text": text_of(of.payload.as_ref()),
        "changed": of.modified_payload.as_ref().map(|payload| text_of(Some(payload))),
        "why": of.modification_reason,
        "state": state.as_str_name().trim_start_matches("DECISION_STATE_").to_lowercase(),
        "source": source.as_str_name().trim_start_matches("RECOMMENDATION_SOURCE_").to_lowercase(),
        "carried": carried,
        "introduced_in": of.introduced_in_version_id,
        "recommended": [of.recommended_by, when(of.recommended_at)],
        "edited": [of.edited_by, when(of.edited_at)],
        "decided": [of.decided_by, when(of.decided_at)],
        "confirmed": [of.confirmed_by, when(of.confirmed_at)],
        "notes": of.notes,
    })
}

fn text_of(payload: Option<&wire::Payload>) -> String {
    let Some(Kind::Sample(sample)) = payload.and_then(|payload| payload.kind.clone()) else {
        panic!("a sample")
    };
    let data = sample.sample_data.unwrap();
    match data.fields["content"].kind.clone() {
        Some(prost_types::value::Kind::StringValue(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// A time as the trail writes it; empty where there is none.
fn when(time: Option<prost_types::Timestamp>) -> String {
    let Some(time) = time else { return String::new() };
    let nanos = u32::try_from(time.nanos).unwrap();
    stamp(DateTime::<Utc>::from_timestamp(time.seconds, nanos).unwrap())
}

/// A time in one form.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
