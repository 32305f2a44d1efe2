//! Fields that payloads and metadata have in common.

use chrono::NaiveDate;
use prost_types::Struct;
use serde_json::Value;
use signoff_contract::convert::{JsonLimits, NotAnObject, json_from_wire, json_to_wire};
use uuid::Uuid;

use crate::domain::payload::check::{MAX_JSON_BYTES, MAX_JSON_DEPTH};
use crate::domain::payload::{Check, Object};

const LIMITS: JsonLimits = JsonLimits { depth: MAX_JSON_DEPTH, encoded_bytes: MAX_JSON_BYTES };

/// Free-form JSON, or nothing where it is unset or wrong; the latter is noted.
pub(in crate::rpc) fn object(
    check: &mut Check<'_>,
    field: &str,
    value: Option<Struct>,
) -> Option<Object> {
    let (path, violations) = check.parts();
    match json_from_wire(value?, format_args!("{path}.{field}"), LIMITS, violations) {
        Some(Value::Object(object)) => Some(object),
        Some(_) | None => None,
    }
}

/// Free-form JSON for the wire.
pub(in crate::rpc) fn object_to_wire(value: Option<Object>) -> Result<Option<Struct>, NotAnObject> {
    value.map(|object| json_to_wire(&Value::Object(object))).transpose()
}

/// An id for the wire; empty where there is none.
pub(in crate::rpc) fn id_to_wire(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// A date for the wire; empty where there is none.
pub(in crate::rpc) fn date_to_wire(date: Option<NaiveDate>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}
