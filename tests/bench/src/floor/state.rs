//! The states of subjects as the database writes them, and what the trail says of them.

use std::fmt::Write as _;

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use signoff_ledger::{DetailRows, DetailWriter};
use uuid::Uuid;

/// The columns of the details of the audit service's records.
const COLUMNS: [&str; 5] = ["subject_type", "subject_id", "revision", "change_type", "state_hash"];

/// The columns of a row that are no state, as an SQL array.
macro_rules! no_state {
    () => {
        "array['cycle_id', 'report_id', 'revision', 'change_type', 'changed_by', 'change_reason',
             'record_no', 'occurred_at', 'recorded_at', 'origin']"
    };
}

pub(super) use no_state;

/// The details of a record, row by row.
#[derive(Debug)]
pub(super) struct Details(DetailWriter);

impl Details {
    pub(super) fn new() -> Self {
        Self(DetailWriter::new(&COLUMNS))
    }

    /// A change after which a subject's state is this, as the database writes it.
    pub(super) fn add(
        &mut self,
        (kind, id): (&str, Uuid),
        (revision, change): (i64, &str),
        state: &str,
    ) -> Result<()> {
        let hash = hex::encode(Sha256::digest(state));
        Ok(self.0.row(&(kind, id, revision, change, hash))?)
    }

    pub(super) fn finish(self) -> DetailRows {
        self.0.finish()
    }
}

/// The details of a record about one subject.
pub(super) fn detail(
    subject: (&str, Uuid),
    change: (i64, &str),
    state: &Value,
) -> Result<DetailRows> {
    let mut details = Details::new();
    details.add(subject, change, &jsonb(state))?;
    Ok(details.finish())
}

/// JSON as PostgreSQL writes its JSONB: keys by length, then by their bytes.
pub(super) fn jsonb(value: &Value) -> String {
    let mut text = String::with_capacity(1024);
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| (name.len(), name.as_bytes()));
            text.push('{');
            for (i, (name, value)) in fields.into_iter().enumerate() {
                // Names are columns: nothing in them is escaped.
                let comma = if i > 0 { ", " } else { "" };
                let _ = write!(text, "{comma}\"{name}\": ");
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (i, value) in values.iter().enumerate() {
                text.push_str(if i > 0 { ", " } else { "" });
                write(value, text);
            }
            text.push(']');
        }
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

/// A time as it is in JSONB: in UTC, without the zeros at its end.
pub(super) fn time(at: DateTime<Utc>) -> String {
    let text = at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    format!("{}+00:00", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn states_are_as_the_database_writes_them() {
        let state = json!({"cases": 2, "id": "a\"b", "at": null, "by": [1, {"x": true}]});
        let written = r#"{"at": null, "by": [1, {"x": true}], "id": "a\"b", "cases": 2}"#;
        assert_eq!(jsonb(&state), written);
    }

    #[test]
    fn times_have_no_zeros_at_their_end() {
        let at = |micros| time(Utc.timestamp_micros(micros).unwrap());
        assert_eq!(at(1_000_120_000), "1970-01-01T00:16:40.12+00:00");
        assert_eq!(at(1_000_000_000), "1970-01-01T00:16:40+00:00");
        assert_eq!(at(1_000_000_001), "1970-01-01T00:16:40.000001+00:00");
    }
}
