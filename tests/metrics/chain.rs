//! Chains of records that no service wrote, built and hashed as the trail's format says.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use signoff_contract::feed::v1 as wire;
use signoff_tests::world::whole;
use signoff_workflow::Workflow;

/// A record, and the chunks of its details.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) workflow: Workflow,
    pub(crate) sequence: i64,
    pub(crate) canonical: Vec<u8>,
    pub(crate) previous_hash: [u8; 32],
    pub(crate) hash: [u8; 32],
    pub(crate) chunks: Vec<(Vec<u8>, [u8; 32])>,
}

/// What a record says.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) action: &'static str,
    pub(crate) phase: Option<&'static str>,
    pub(crate) by: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) subject: String,
    pub(crate) before: Value,
    pub(crate) after: Value,
    pub(crate) details: Vec<Value>,
}

/// The chain of a workflow at a service.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) source: wire::Source,
    pub(crate) workflow: Workflow,
    pub(crate) records: Vec<Record>,
}

/// A source's name in records.
pub(crate) fn name(source: wire::Source) -> &'static str {
    match source {
        wire::Source::Audit => "audit",
        wire::Source::Gateway => "gateway",
        _ => "versioning",
    }
}

/// The hash of a record.
pub(crate) fn hash(previous: &[u8; 32], canonical: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"signoff-trail-v1\0");
    hasher.update(previous);
    hasher.update(canonical);
    hasher.finalize().into()
}

impl Chain {
    pub(crate) fn new(source: wire::Source, workflow: Workflow) -> Self {
        Self { source, workflow, records: Vec::new() }
    }

    /// Adds a record, and gives it.
    pub(crate) fn add(&mut self, said: &Said) -> Record {
        let sequence = i64::try_from(self.records.len()).unwrap() + 1;
        let previous_hash = self.records.last().map_or([0; 32], |last| last.hash);
        let record = self.made(said, sequence, previous_hash);
        self.records.push(record.clone());
        record
    }

    /// A record in this place, without adding it.
    pub(crate) fn made(&self, said: &Said, sequence: i64, previous_hash: [u8; 32]) -> Record {
        let chunks: Vec<(Vec<u8>, [u8; 32])> = said
            .details
            .iter()
            .map(|chunk| {
                let body = serde_json::to_vec(chunk).unwrap();
                let hash = Sha256::digest(&body).into();
                (body, hash)
            })
            .collect();
        let mut root = Sha256::new();
        chunks.iter().for_each(|(_, hash)| root.update(hash));
        let touched: usize =
            said.details.iter().map(|chunk| chunk["rows"].as_array().unwrap().len()).sum();
        let details = match chunks.len() {
            0 => Value::Null,
            n => {
                let root = hex::encode(root.finalize());
                json!({"chunks": n, "root": root, "touched": touched})
            }
        };
        let at = said.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        // In the order of their names, as the format has them.
        let canonical = json!({
            "action": said.action,
            "actor": {
                "acting_service": null,
                "roles": ["tester"],
                "subject": format!("user-{}", said.by),
                "user_id": said.by,
            },
            "after": said.after,
            "before": said.before,
            "cycle_id": self.workflow.cycle_id,
            "details": details,
            "format": 1,
            "method": "/a.B/C",
            "occurred_at": at,
            "origin": "native",
            "phase": said.phase,
            "previous_hash": hex::encode(previous_hash),
            "reason": null,
            "recorded_at": at,
            "report_id": self.workflow.report_id,
            "request_id": null,
            "sequence": sequence,
            "source": name(self.source),
            "subject": said.subject,
        });
        let canonical = serde_json::to_vec(&canonical).unwrap();
        let hash = hash(&previous_hash, &canonical);
        Record { workflow: self.workflow, sequence, canonical, previous_hash, hash, chunks }
    }

    /// The chain as an exported file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut lines = vec![json!({"trail": {
            "version": 1,
            "source": name(self.source),
            "cycle_id": self.workflow.cycle_id,
            "report_id": self.workflow.report_id,
        }})];
        for record in &self.records {
            lines.push(json!({"record": {
                "sequence": record.sequence,
                "canonical": String::from_utf8(record.canonical.clone()).unwrap(),
            }}));
            for (body, _) in &record.chunks {
                lines.push(json!({"details": {
                    "sequence": record.sequence,
                    "body": String::from_utf8(body.clone()).unwrap(),
                }}));
            }
        }
        lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
    }
}

impl Record {
    /// The record with other bytes, hashed anew.
    pub(crate) fn with_bytes(self, canonical: Vec<u8>) -> Self {
        let hash = hash(&self.previous_hash, &canonical);
        Self { canonical, hash, ..self }
    }

    /// The record as a feed sends it, with so many chunks in each part.
    pub(crate) fn parts(&self, each: usize) -> Vec<wire::FeedRecord> {
        let chunk = |(nth, (body, hash)): (usize, &(Vec<u8>, [u8; 32]))| wire::FeedDetails {
            chunk: i32::try_from(nth).unwrap(),
            body: body.clone(),
            hash: hash.to_vec(),
        };
        let chunks: Vec<wire::FeedDetails> = self.chunks.iter().enumerate().map(chunk).collect();
        let mut parts: Vec<wire::FeedRecord> = chunks
            .chunks(each)
            .map(|details| wire::FeedRecord {
                scope: Some(whole(self.workflow)),
                details: details.to_vec(),
                details_follow: true,
                ..Default::default()
            })
            .collect();
        if parts.is_empty() {
            parts
                .push(wire::FeedRecord { scope: Some(whole(self.workflow)), ..Default::default() });
        }
        parts[0].record = Some(wire::TrailRecord {
            sequence: self.sequence,
            format: 1,
            canonical: self.canonical.clone(),
            previous_hash: self.previous_hash.to_vec(),
            hash: self.hash.to_vec(),
            ..Default::default()
        });
        parts.last_mut().unwrap().details_follow = false;
        parts
    }
}
