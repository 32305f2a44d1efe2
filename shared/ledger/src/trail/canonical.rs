//! The canonical form: the bytes that are hashed and stored.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;
use signoff_workflow::Workflow;
use uuid::Uuid;

use super::{Details, Entry, EntryError, FORMAT, Head, MAX_CANONICAL, Origin, Source};

/// How deeply `before` and `after` may be nested. Readers commonly stop at 128.
const MAX_DEPTH: usize = 100;

/// Where a record comes to stand.
pub(crate) struct Placement<'a> {
    pub(crate) source: Source,
    pub(crate) workflow: Workflow,
    /// The record before it.
    pub(crate) previous: &'a Head,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) details: Option<Details>,
}

// The fields stand in the order of their names: serde writes them as they stand.
#[derive(Serialize)]
struct Canonical<'a> {
    action: &'a str,
    actor: CanonicalActor<'a>,
    after: Option<Sorted<'a>>,
    before: Option<Sorted<'a>>,
    cycle_id: Uuid,
    details: Option<CanonicalDetails>,
    format: i16,
    method: &'a str,
    occurred_at: String,
    origin: Origin,
    phase: Option<&'a str>,
    previous_hash: String,
    reason: Option<&'a str>,
    recorded_at: String,
    report_id: Uuid,
    request_id: Option<Uuid>,
    sequence: i64,
    source: Source,
    subject: &'a str,
}

#[derive(Serialize)]
struct CanonicalActor<'a> {
    acting_service: Option<&'a str>,
    roles: &'a [String],
    subject: &'a str,
    user_id: i64,
}

#[derive(Serialize)]
struct CanonicalDetails {
    chunks: i32,
    root: String,
    touched: i64,
}

/// One JSON object, names sorted by their bytes at every level, no spaces.
pub(crate) fn canonical_bytes(
    entry: &Entry,
    placement: &Placement<'_>,
) -> Result<Vec<u8>, EntryError> {
    for value in [&entry.before, &entry.after].into_iter().flatten() {
        if is_deeper(value, MAX_DEPTH) {
            return Err(EntryError::TooDeep { limit: MAX_DEPTH });
        }
    }
    let canonical = Canonical {
        action: entry.action,
        actor: CanonicalActor {
            acting_service: entry.actor.acting_service.as_deref(),
            roles: &entry.actor.roles,
            subject: &entry.actor.subject,
            user_id: entry.actor.user_id,
        },
        after: entry.after.as_ref().map(Sorted),
        before: entry.before.as_ref().map(Sorted),
        cycle_id: placement.workflow.cycle_id,
        details: placement.details.as_ref().map(|details| CanonicalDetails {
            chunks: details.chunks,
            root: hex::encode(details.root),
            touched: details.touched,
        }),
        format: FORMAT,
        method: &entry.method,
        occurred_at: micros(entry.occurred_at),
        origin: entry.origin,
        phase: entry.phase.as_deref(),
        previous_hash: hex::encode(placement.previous.hash),
        reason: entry.reason.as_deref(),
        recorded_at: micros(placement.recorded_at),
        report_id: placement.workflow.report_id,
        request_id: entry.request_id,
        sequence: placement.previous.sequence + 1,
        source: placement.source,
        subject: &entry.subject,
    };
    let bytes = serde_json::to_vec(&canonical).map_err(|_| EntryError::Json)?;
    if bytes.len() > MAX_CANONICAL {
        return Err(EntryError::TooLarge { size: bytes.len() });
    }
    Ok(bytes)
}

/// RFC 3339 in UTC with six decimals.
fn micros(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn is_deeper(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(values) => {
            limit == 0 || values.iter().any(|value| is_deeper(value, limit - 1))
        }
        Value::Object(fields) => {
            limit == 0 || fields.values().any(|value| is_deeper(value, limit - 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Writes objects with sorted names, whatever order the map in memory keeps.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(value) => value.serialize(serializer),
            Value::String(value) => serializer.serialize_str(value),
            Value::Array(values) => {
                let mut array = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    array.serialize_element(&Sorted(value))?;
                }
                array.end()
            }
            Value::Object(fields) => {
                let sorted: BTreeMap<_, _> = fields.iter().collect();
                let mut object = serializer.serialize_map(Some(sorted.len()))?;
                for (name, value) in sorted {
                    object.serialize_entry(name, &Sorted(value))?;
                }
                object.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::verifier::sample;
    use super::*;

    fn bytes(entry: &Entry) -> Result<Vec<u8>, EntryError> {
        let placement = Placement {
            source: Source::Versioning,
            workflow: sample::workflow(),
            previous: &Head::EMPTY,
            recorded_at: sample::time(7),
            details: Some(Details { chunks: 2, touched: 9, root: [1; 32] }),
        };
        canonical_bytes(entry, &placement)
    }

    #[test]
    fn the_first_format_is_written_like_this_for_ever() {
        let mut entry = sample::entry();
        entry.after = Some(json!({"b": [1, {"z": null, "a": "é\"\n"}], "a": 1.5}));
        entry.actor.acting_service = Some("metrics".into());
        let expected = concat!(
            r#"{"action":"version.approved","actor":{"acting_service":"metrics","#,
            r#""roles":["report_owner"],"subject":"ada","user_id":7},"#,
            r#""after":{"a":1.5,"b":[1,{"a":"é\"\n","z":null}]},"before":null,"#,
            r#""cycle_id":"00000000-0000-0000-0000-000000000001","#,
            r#""details":{"chunks":2,"#,
            r#""root":"0101010101010101010101010101010101010101010101010101010101010101","#,
            r#""touched":9},"format":1,"#,
            r#""method":"/signoff.versioning.v1.VersioningService/ApproveVersion","#,
            r#""occurred_at":"2026-11-20T10:00:00.000001Z","origin":"native","phase":"planning","#,
            r#""previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","#,
            r#""reason":"all good","recorded_at":"2026-11-20T10:00:00.000007Z","#,
            r#""report_id":"00000000-0000-0000-0000-000000000002","#,
            r#""request_id":"00000000-0000-0000-0000-000000000003","sequence":1,"#,
            r#""source":"versioning","subject":"version 1"}"#,
        );
        assert_eq!(String::from_utf8(bytes(&entry).unwrap()).unwrap(), expected);
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_refused() {
        let mut entry = sample::entry();
        entry.after = Some(json!("x".repeat(MAX_CANONICAL)));
        let Err(EntryError::TooLarge { size }) = bytes(&entry) else { panic!("it is too large") };
        assert!(size > 65_536);
        // As many characters less as it is too long.
        entry.after = Some(json!("x".repeat(2 * MAX_CANONICAL - size)));
        assert_eq!(bytes(&entry).unwrap().len(), MAX_CANONICAL);
        for around in [|inner: Value| json!([inner]), |inner: Value| json!({"a": inner})] {
            let nested = |depth| (0..depth).fold(json!(1), |inner, _| around(inner));
            entry.after = Some(nested(MAX_DEPTH));
            bytes(&entry).unwrap();
            entry.after = Some(nested(MAX_DEPTH + 1));
            assert_eq!(bytes(&entry), Err(EntryError::TooDeep { limit: MAX_DEPTH }));
        }
    }
}
