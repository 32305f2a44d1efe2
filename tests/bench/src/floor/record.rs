//! The record of a change, as FORMAT.md says, and the statement that ends a command.

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signoff_ledger::{DetailRows, DetailWriter};
use signoff_workflow::Workflow;
use uuid::Uuid;

use super::session::{Header, Start};
use crate::PHASE;
use crate::data::Sample;

/// What is done: a method of a service, in a phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    /// The service's name in records.
    pub(super) source: &'static str,
    /// The phase's.
    pub(super) phase: &'static str,
    /// The method's full name.
    pub(super) name: &'static str,
    /// How long its answer is.
    pub(super) answer: usize,
}

impl Method {
    /// A method of versioning, in the phase of all its workloads. A version is about so long.
    pub(super) const fn of_versioning(name: &'static str) -> Self {
        Self { source: "versioning", phase: PHASE.slug, name, answer: 260 }
    }
}

/// Who does something, and by which request.
#[derive(Clone, Debug)]
pub(super) struct Author {
    pub(super) workflow: Workflow,
    pub(super) user_id: i64,
    pub(super) roles: &'static [&'static str],
    pub(super) method: Method,
    pub(super) request_id: Uuid,
}

impl Author {
    /// Somebody with a new request.
    pub(super) fn new(
        workflow: Workflow,
        (user_id, roles): (i64, &'static [&'static str]),
        method: Method,
    ) -> Self {
        Self { workflow, user_id, roles, method, request_id: Uuid::new_v4() }
    }
}

/// What is told of a change: what happened, to what, why, and how that was before and is after.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) action: &'static str,
    pub(super) subject: Uuid,
    pub(super) reason: Option<&'static str>,
    pub(super) before: Option<Value>,
    pub(super) after: Value,
}

/// A record with its details, ready to be written.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) action: &'static str,
    pub(super) subject: String,
    pub(super) at: DateTime<Utc>,
    pub(super) sequence: i64,
    pub(super) canonical: Vec<u8>,
    pub(super) hash: [u8; 32],
    pub(super) previous: Vec<u8>,
    pub(super) chunks: Vec<i32>,
    pub(super) hashes: Vec<Vec<u8>>,
    pub(super) bodies: Vec<Vec<u8>>,
}

impl Record {
    /// The record of a change.
    pub(super) fn of(
        author: &Author,
        start: &Start,
        told: Told,
        details: &DetailRows,
    ) -> Result<Self> {
        let Told { action, subject, reason, before, after } = told;
        let mut root = Sha256::new();
        for chunk in details.chunks() {
            root.update(chunk.hash);
        }
        let sequence = start.head.0 + 1;
        // The names of objects are sorted: serde_json keeps them in a tree.
        let canonical = serde_json::to_vec(&json!({
            "action": action,
            "actor": {
                "acting_service": null,
                "roles": author.roles,
                "subject": format!("user-{}", author.user_id),
                "user_id": author.user_id,
            },
            "after": after,
            "before": before,
            "cycle_id": author.workflow.cycle_id,
            "details": {
                "chunks": details.chunks().len(),
                "root": hex::encode(root.finalize()),
                "touched": details.touched(),
            },
            "format": 1,
            "method": author.method.name,
            "occurred_at": micros(start.now),
            "origin": "native",
            "phase": author.method.phase,
            "previous_hash": hex::encode(&start.head.1),
            "reason": reason,
            "recorded_at": micros(start.now),
            "report_id": author.workflow.report_id,
            "request_id": author.request_id,
            "sequence": sequence,
            "source": author.method.source,
            "subject": subject,
        }))?;
        let mut hash = Sha256::new();
        hash.update(b"signoff-trail-v1\0");
        hash.update(&start.head.1);
        hash.update(&canonical);
        Ok(Self {
            action,
            subject: subject.to_string(),
            at: start.now,
            sequence,
            canonical,
            hash: hash.finalize().into(),
            previous: start.head.1.clone(),
            chunks: (0..).take(details.chunks().len()).collect(),
            hashes: details.chunks().iter().map(|chunk| chunk.hash.to_vec()).collect(),
            bodies: details.chunks().iter().map(|chunk| chunk.body.clone()).collect(),
        })
    }
}

/// RFC 3339 in UTC with six decimals.
fn micros(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Contents that are put forward from an item number on: the first edition of each.
pub(super) fn contents(samples: &[Sample], hashes: &[[u8; 32]], first: i32) -> Result<DetailRows> {
    let mut writer = DetailWriter::new(&[
        "item_no",
        "rev",
        "item_key",
        "content_hash",
        "source",
        "ended_ruling",
        "contributed",
        "reason_hash",
        "metadata_hash",
    ]);
    let none = None::<&str>;
    for ((sample, hash), item_no) in samples.iter().zip(hashes).zip(first..) {
        let hash = hex::encode(hash);
        writer.row(&(item_no, 1, sample.key(), hash, "tester", none, false, none, none))?;
    }
    Ok(writer.finish())
}

/// Counts of a header in which nothing is changed by a reviewer or counts for a derived total.
pub(super) fn counts(of: &Header) -> Value {
    json!({
        "total": of.total, "pending": of.pending, "approved": of.approved,
        "rejected": of.rejected, "modified": 0, "proposed": 0, "carried": of.carried,
        "counted": 0, "counted_kept": 0,
    })
}

/// What the record of a new draft says of it.
pub(super) fn new_draft(draft: &Header, parent: Option<i32>, at: DateTime<Utc>) -> Value {
    json!({
        "version_id": draft.version_id, "number": draft.number, "state": "draft",
        "revision": draft.revision, "metadata_schema": 1, "content_digest": null,
        "sources": draft.sources, "occurred_at": at, "origin": "native",
        "parent_number": parent, "created_at": at, "created_by": draft.created_by,
        "creation_notes": null, "submitted_at": null, "submitted_by": null, "submitters": [],
        "submission_notes": null, "reviewed_at": null, "reviewed_by": null, "review_notes": null,
        "self_approved": false, "superseded_at": null, "superseded_by_version_id": null,
        "deleted_at": null, "deleted_by": null, "delete_reason": null, "counts": counts(draft),
    })
}

/// What changed in a header, before or after: its number, state, revision and counts.
pub(super) fn changed(header: &Header) -> Value {
    json!({
        "number": header.number, "state": header.state, "revision": header.revision,
        "counts": counts(header),
    })
}

/// The answer that is kept, as far as it is as long as the service's.
pub(super) const ANSWER: [u8; 1024] = [0; 1024];

/// The end of a command: the record, its details and the answer. `$1` to `$16`; the statement
/// begins with `with` and what the command itself changes.
macro_rules! ending {
    ($changes:expr) => {
        concat!(
            "with ",
            $changes,
            "record as (
                 insert into trail (cycle_id, report_id, seq, format, canonical, hash,
                     previous_hash, phase, action, actor, subject, request_id, recorded_at,
                     occurred_at, origin)
                 values ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, 'native')
             ), details as (
                 insert into trail_details (cycle_id, report_id, seq, chunk, hash, body)
                 select $1, $2, $3, d.* from unnest($13::int[], $14::bytea[], $15::bytea[]) as d
             )
             insert into idempotency_keys (
                 cycle_id, report_id, request_id, method, caller, content_hash, answer)
             values ($1, $2, $11, $16, $9, $5, $17)"
        )
    };
}

/// Binds `$1` to `$17` of an [`ending!`].
macro_rules! bind_ending {
    ($query:expr, $author:expr, $record:expr) => {
        $query
            .bind($author.workflow.cycle_id)
            .bind($author.workflow.report_id)
            .bind($record.sequence)
            .bind(&$record.canonical)
            .bind($record.hash.as_slice())
            .bind(&$record.previous)
            .bind($author.method.phase)
            .bind($record.action)
            .bind($author.user_id)
            .bind(&$record.subject)
            .bind($author.request_id)
            .bind($record.at)
            .bind(&$record.chunks)
            .bind(&$record.hashes)
            .bind(&$record.bodies)
            .bind($author.method.name)
            .bind(&$crate::floor::record::ANSWER[..$author.method.answer])
    };
}

pub(super) use {bind_ending, ending};
