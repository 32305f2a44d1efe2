//! What HTTP requests say, checked: every field at fault is named.

use std::time::Duration;

use axum::extract::Request;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, IF_MATCH};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use prost::bytes::Bytes;
use prost_types::Struct;
use serde_json::{Map, Value};
use signoff_chassis::Refusal;
use signoff_contract::convert::json_to_wire;
use signoff_contract::workflow::v1::Scope;
use signoff_workflow::{PhaseTable, Violations};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::problem::Problem;
use crate::Gateway;
use crate::forward::hold;

/// The fields of a body, or the parameters of a query.
pub(super) type Fields = Map<String, Value>;

/// The header that makes a request be done once (IETF draft "The Idempotency-Key HTTP Header Field").
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Longest body, in bytes.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// How many times its length a body may take, read as JSON.
const AS_JSON: usize = 16;
/// How long a body may take to come.
const WITHIN: Duration = Duration::from_secs(60);

/// A request whose token is believed: nobody else's body is read.
pub(super) struct Whole {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Room for what it takes.
    _held: Option<OwnedSemaphorePermit>,
}

/// Reads a request to its end.
pub(super) async fn whole(gateway: &Gateway, request: Request) -> Result<Whole, Problem> {
    let (parts, body) = request.into_parts();
    let principal = gateway.principal(&parts.headers).await.map_err(Problem::from)?;
    let _open = gateway.callers().enter(&principal).map_err(Problem::from)?;
    // Who says how much comes need not send it.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Problem::too_large(MAX_BODY));
    }
    let whole = Limited::new(body, MAX_BODY).collect();
    match tokio::time::timeout(WITHIN, whole).await {
        Ok(Ok(body)) => {
            let (body, mut held) = (body.to_bytes(), None);
            hold(&mut held, body.len() * AS_JSON, gateway.room()).map_err(Problem::from)?;
            Ok(Whole { headers: parts.headers, body, _held: held })
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::too_large(MAX_BODY)),
        Ok(Err(_)) => Err(Problem::invalid(Violations::one("body", "did not come to its end"))),
        Err(_elapsed) => Err(Refusal::deadline_exceeded().into()),
    }
}

/// A body: a JSON object.
pub(super) fn object(headers: &HeaderMap, body: &[u8]) -> Result<Fields, Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = kind.is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json") || essence.ends_with("+json")
    });
    if !is_json {
        return Err(Problem::unsupported());
    }
    serde_json::from_slice(body).map_err(|error| {
        Problem::invalid(Violations::one("body", format!("is no JSON object: {error}")))
    })
}

/// The parameters of a query, each once.
pub(super) fn query(query: Option<&str>) -> Result<Fields, Problem> {
    let mut fields = Fields::new();
    let mut violations = Violations::default();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        if fields.insert(decoded(name), Value::String(value)).is_some() {
            violations.add(decoded(name), "is there twice");
        }
    }
    violations.or(fields).map_err(Problem::invalid)
}

/// Percent-encoding undone; what is none stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(byte_of);
        match (byte, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that two digits stand for.
fn byte_of(hex: &[u8]) -> Option<u8> {
    // A number may have a sign, which is no digit.
    let hex = std::str::from_utf8(hex).ok().filter(|hex| !hex.starts_with('+'))?;
    u8::from_str_radix(hex, 16).ok()
}

/// The workflow that a request is about. Where it is not mandatory, both ids may be left out.
pub(super) fn scope(
    fields: &mut Fields,
    mandatory: bool,
    violations: &mut Violations,
) -> Option<Scope> {
    let cycle_id = text(fields, "cycle_id", violations);
    let report_id = text(fields, "report_id", violations);
    if cycle_id.is_none() && report_id.is_none() && !mandatory {
        return None;
    }
    let mut id = |given: Option<String>, name: &str| {
        let given = given.unwrap_or_default();
        if given.parse::<Uuid>().is_err() {
            violations.add(name, "is required: a UUID");
        }
        given
    };
    let (cycle_id, report_id) = (id(cycle_id, "cycle_id"), id(report_id, "report_id"));
    Some(Scope { cycle_id, report_id, phase: 0 })
}

/// The name of a phase, in any form that the phase table knows.
pub(super) fn phase_name(given: String, violations: &mut Violations) -> String {
    if let Err(unknown) = PhaseTable::standard().named(&given) {
        violations.add("phase_name", unknown.to_string());
    }
    given
}

/// The free-form part of a body.
pub(super) fn data(fields: &mut Fields, violations: &mut Violations) -> Option<Struct> {
    let given = fields.remove("data").unwrap_or_default();
    let read = json_to_wire(&given).ok();
    if read.is_none() {
        violations.add("data", "is required: an object");
    }
    read
}

/// A text, if it is there.
pub(super) fn text(fields: &mut Fields, name: &str, violations: &mut Violations) -> Option<String> {
    match fields.remove(name)? {
        Value::String(text) => Some(text),
        Value::Null => None,
        _ => {
            violations.add(name, "is no text");
            None
        }
    }
}

/// A whole number; 0, if it is not there.
pub(super) fn number(fields: &mut Fields, name: &str, violations: &mut Violations) -> i32 {
    let Some(given) = text(fields, name, violations) else { return 0 };
    given.parse().unwrap_or_else(|_| {
        violations.add(name, "is no whole number");
        0
    })
}

/// Whatever is left has no meaning.
pub(super) fn nothing_else(fields: &Fields, violations: &mut Violations) {
    for name in fields.keys() {
        violations.add(name, "is not known here");
    }
}

/// The id by which a request is done once: that of the caller, or a new one.
pub(super) fn request_id(headers: &HeaderMap, violations: &mut Violations) -> String {
    let Some(given) = headers.get(IDEMPOTENCY_KEY) else { return Uuid::new_v4().to_string() };
    let given = given.to_str().unwrap_or_default().trim().trim_matches('"');
    if given.parse::<Uuid>().is_err() {
        violations.add(IDEMPOTENCY_KEY, "is no UUID");
    }
    given.to_owned()
}

/// The tag that must be the current one, if any.
pub(super) fn if_match(headers: &HeaderMap, violations: &mut Violations) -> String {
    let Some(given) = headers.get(IF_MATCH) else { return String::new() };
    let given = given.to_str().unwrap_or_default().trim();
    if given == "*" {
        return String::new();
    }
    match given.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(tag) if !tag.is_empty() && !tag.contains('"') => tag.to_owned(),
        _ => {
            violations.add("if-match", "is not one strong tag in quotes");
            String::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_query_is_read_as_browsers_write_it() {
        let fields = query(Some("cycle_id=a%2Fb&x=one+two&y")).unwrap();
        assert_eq!(fields["cycle_id"], "a/b");
        assert_eq!(fields["x"], "one two");
        assert_eq!(fields["y"], "");
        for no_code in ["%", "%4", "%zz", "%-1", "%4%", "%\u{e9}"] {
            let fields = query(Some(&format!("x={no_code}"))).unwrap();
            assert_eq!(fields["x"], no_code);
        }
        assert_eq!(query(Some("x=%+f")).unwrap()["x"], "% f", "a sign is no digit");
        assert!(query(Some("a=1&a=2")).is_err());
        assert!(query(None).unwrap().is_empty());
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let mut violations = Violations::default();
        let mut fields: Fields =
            serde_json::from_str(r#"{"cycle_id": 7, "data": [], "odd": 1}"#).unwrap();
        scope(&mut fields, true, &mut violations);
        data(&mut fields, &mut violations);
        nothing_else(&fields, &mut violations);
        let named: Vec<&str> = violations.named().iter().map(|of| of.field.as_str()).collect();
        assert_eq!(named, ["cycle_id", "cycle_id", "report_id", "data", "odd"]);
    }

    #[test]
    fn keys_and_tags_come_in_quotes() {
        let id = "00000000-0000-4000-8000-000000000001";
        let mut headers = HeaderMap::new();
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_str(&format!("\"{id}\"")).unwrap());
        headers.insert(IF_MATCH, HeaderValue::from_static("\"7\""));
        let mut violations = Violations::default();
        assert_eq!(request_id(&headers, &mut violations), id);
        assert_eq!(if_match(&headers, &mut violations), "7");
        assert!(violations.is_empty());
        for odd in ["7", "W/\"7\"", "\"7\", \"8\"", ""] {
            headers.insert(IF_MATCH, HeaderValue::from_static(odd));
            let before = violations.total();
            if_match(&headers, &mut violations);
            assert_eq!(violations.total(), before + 1, "{odd}");
        }
    }
}
