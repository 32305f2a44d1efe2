//! A small intact chain for the tests.

use chrono::{DateTime, TimeZone, Utc};
use serde_json::json;
use signoff_workflow::Workflow;
use uuid::Uuid;

use crate::trail::Summary;
use crate::trail::{
    DetailChunk, DetailRows, DetailWriter, Entry, FORMAT, Head, Origin, Placement, Record, Source,
    TrailActor, canonical_bytes, record_hash,
};

pub(crate) fn workflow() -> Workflow {
    Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) }
}

pub(crate) fn time(micros: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 10, 0, 0).unwrap() + chrono::TimeDelta::microseconds(micros)
}

pub(crate) fn entry() -> Entry {
    Entry {
        phase: Some("planning".into()),
        action: "version.approved",
        actor: TrailActor {
            user_id: 7,
            subject: "ada".into(),
            acting_service: None,
            roles: vec!["report_owner".into()],
        },
        method: "/signoff.versioning.v1.VersioningService/ApproveVersion".into(),
        request_id: Some(Uuid::from_u128(3)),
        subject: "version 1".into(),
        reason: Some("all good".into()),
        before: None,
        after: Some(json!({"state": "approved"})),
        occurred_at: time(1),
        origin: Origin::Native,
        details: Vec::new(),
    }
}

/// Records with their chunks. Record 2 has two chunks, the others have none.
pub(crate) fn chain(length: i64) -> Vec<(Record, Vec<DetailChunk>)> {
    let mut writer = DetailWriter::new(&["item_key"]);
    for _ in 0..2 {
        writer.row(&["x".repeat(40_000)]).unwrap();
    }
    chain_with(length, &[writer.finish()])
}

/// The same, with short chunks.
pub(crate) fn short_chain(length: i64) -> Vec<(Record, Vec<DetailChunk>)> {
    let details = ["item_key", "rev"].map(|column| {
        let mut writer = DetailWriter::new(&[column]);
        writer.row(&["S-\u{e9}\"1"]).unwrap();
        writer.finish()
    });
    chain_with(length, &details)
}

fn chain_with(length: i64, details_of_2: &[DetailRows]) -> Vec<(Record, Vec<DetailChunk>)> {
    let mut head = Head::EMPTY;
    (1..=length)
        .map(|sequence| {
            let mut entry = entry();
            if sequence == 2 {
                entry.details = details_of_2.to_vec();
            }
            let chunks = entry.details.iter().flat_map(|rows| rows.chunks().to_vec()).collect();
            let mut details = Summary::default();
            entry.details.iter().for_each(|table| details.add(table));
            let placement = Placement {
                source: Source::Versioning,
                workflow: workflow(),
                previous: &head,
                recorded_at: time(sequence),
                details: details.finish(),
            };
            let canonical = canonical_bytes(&entry, &placement).unwrap();
            let record = Record {
                sequence,
                format: FORMAT,
                hash: record_hash(&head.hash, &canonical),
                previous_hash: head.hash,
                canonical,
                phase: entry.phase,
                action: entry.action.into(),
                actor: entry.actor.user_id,
                subject: entry.subject,
                request_id: entry.request_id,
                recorded_at: time(sequence),
                occurred_at: entry.occurred_at,
                origin: entry.origin,
            };
            head = Head { sequence, hash: record.hash };
            (record, chunks)
        })
        .collect()
}
