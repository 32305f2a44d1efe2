//! What a trail says, read by code that does not know the services: which record wrote what.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::tables::{Row, bytes};

/// A record, and what belongs to it.
pub(super) struct Said {
    pub(super) seq: i64,
    pub(super) hash: [u8; 32],
    at: DateTime<Utc>,
    action: String,
    subject: String,
    after: Map<String, Value>,
    /// Its chunks of details, as JSON.
    pub(super) chunks: Vec<Value>,
}

/// The trail of one workflow, as it was before anybody was at it.
#[derive(Default)]
pub(super) struct Told {
    records: Vec<Said>,
}

impl Told {
    /// Reads the rows of `trail` and `trail_details`, each of one workflow and in order.
    pub(super) fn of(trail: &[&Row], details: &[&Row]) -> Self {
        let mut chunks: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
        for row in details {
            let body = serde_json::from_slice(&bytes(&row.json["body"])).unwrap();
            chunks.entry(row.int("seq")).or_default().push(body);
        }
        let records = trail
            .iter()
            .map(|row| {
                let bytes_of = |column: &str| bytes(&row.json[column]);
                let record: Value = serde_json::from_slice(&bytes_of("canonical")).unwrap();
                Said {
                    seq: row.int("seq"),
                    hash: bytes_of("hash").try_into().unwrap(),
                    at: time(&record["recorded_at"]).unwrap(),
                    action: record["action"].as_str().unwrap().to_owned(),
                    subject: record["subject"].as_str().unwrap().to_owned(),
                    after: record["after"].as_object().cloned().unwrap_or_default(),
                    chunks: chunks.remove(&row.int("seq")).unwrap_or_default(),
                }
            })
            .collect();
        Self { records }
    }

    pub(super) fn records(&self) -> &[Said] {
        &self.records
    }

    /// The number of the last record.
    pub(super) fn last(&self) -> i64 {
        self.records.last().map_or(0, |said| said.seq)
    }

    /// The first record that was made at the time that a row says; with details, if it is one that has some.
    pub(super) fn at(&self, row: &Row, column: &str, with_details: bool) -> i64 {
        let at = time(&row.json[column]).unwrap();
        let of_then =
            |said: &&Said| said.at == at && (!with_details || said.columns().next().is_some());
        self.records.iter().find(of_then).unwrap().seq
    }

    /// The first and the last record about a subject.
    pub(super) fn about(&self, subject: &str) -> Option<(i64, i64)> {
        let mut all = self.records.iter().filter(|said| said.subject == subject);
        let first = all.next()?.seq;
        Some((first, all.next_back().map_or(first, |said| said.seq)))
    }

    /// The last record that spoke of a field of a subject; the first about it, if none did.
    pub(super) fn spoke_of(&self, subject: &str, field: &str) -> i64 {
        let speaks = |said: &&Said| {
            said.subject == subject && (said.after.contains_key(field) || said.describes(field))
        };
        let last = self.records.iter().rfind(speaks).map(|said| said.seq);
        last.unwrap_or_else(|| self.about(subject).unwrap().0)
    }

    /// The first record about a version that put items forward in it or ruled on some.
    pub(super) fn first_with_items(&self, version: &str) -> Option<i64> {
        let fits = |said: &&Said| said.subject == version && said.columns().any(|c| c == "item_no");
        self.records.iter().find(fits).map(|said| said.seq)
    }

    /// The last record of an action.
    pub(super) fn last_of(&self, action: &str) -> i64 {
        self.records.iter().rfind(|said| said.action == action).unwrap().seq
    }

    /// The last record that lists a line of business.
    pub(super) fn last_with_lob(&self, id: &str) -> i64 {
        let lists = |said: &&Said| {
            let lobs = said.after["lobs"].as_array().unwrap();
            lobs.iter().any(|lob| lob["lob_id"] == id)
        };
        self.records.iter().rfind(lists).unwrap().seq
    }

    /// The record about one of these versions that ended a ruling.
    pub(super) fn ended(&self, versions: &[String], item_no: i64, seq: i64) -> Option<i64> {
        let ended = |said: &&Said| {
            versions.contains(&said.subject)
                && said.rows().any(|row| {
                    row["item_no"] == item_no && row.get("ended_ruling") == Some(&seq.into())
                })
        };
        self.records.iter().find(ended).map(|said| said.seq)
    }
}

impl Said {
    fn columns(&self) -> impl Iterator<Item = &str> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk["columns"].as_array().unwrap())
            .map(|column| column.as_str().unwrap())
    }

    fn rows(&self) -> impl Iterator<Item = Map<String, Value>> {
        self.chunks.iter().flat_map(|chunk| {
            let columns = chunk["columns"].as_array().unwrap();
            chunk["rows"].as_array().unwrap().iter().map(move |row| {
                let names = columns.iter().map(|column| column.as_str().unwrap().to_owned());
                names.zip(row.as_array().unwrap().iter().cloned()).collect()
            })
        })
    }

    fn describes(&self, field: &str) -> bool {
        self.rows().any(|row| row.get("field").is_some_and(|of| of == field))
    }
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}
