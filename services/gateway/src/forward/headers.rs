//! Which headers go on to a backend.

use http::header::{AUTHORIZATION, CONNECTION, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

/// The header of W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header by which a service says for whom it acts.
pub(crate) const ON_BEHALF_OF: HeaderName = HeaderName::from_static("on-behalf-of");
/// The header that names a call across services.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The headers of a request as a backend gets them: without those of one hop, with the gateway's
/// assertion instead of the caller's token, and with the call's names for logs and traces.
pub fn backend_headers(
    mut headers: HeaderMap,
    assertion: HeaderValue,
    request_id: Option<&str>,
) -> HeaderMap {
    let hop = [
        CONNECTION,
        HOST,
        TRANSFER_ENCODING,
        UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        HeaderName::from_static("proxy-authorization"),
        ON_BEHALF_OF,
    ];
    for name in hop {
        headers.remove(name);
    }
    headers.insert(AUTHORIZATION, assertion);
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(X_REQUEST_ID, id);
    }
    if let Ok(next) = HeaderValue::from_str(&next_hop(headers.get(TRACEPARENT))) {
        headers.insert(TRACEPARENT, next);
    }
    headers
}

/// The trace that a request belongs to, with this hop as the parent of the next; a new one, if it
/// belongs to none.
fn next_hop(given: Option<&HeaderValue>) -> String {
    let given = given.and_then(|value| value.to_str().ok()).and_then(trace);
    let (trace_id, flags) = given.map_or_else(
        || (Uuid::new_v4().simple().to_string(), "00".to_owned()),
        |(id, flags)| (id.to_owned(), flags.to_owned()),
    );
    let span = Uuid::new_v4().simple().to_string();
    format!("00-{trace_id}-{}-{flags}", &span[..16])
}

/// The trace's id and flags, of a header that is as the standard has it.
fn trace(header: &str) -> Option<(&str, &str)> {
    let mut parts = header.split('-');
    let (version, trace_id, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_set = |text: &str| text.bytes().any(|b| b != b'0');
    let fits = is_hex(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && is_hex(trace_id, 32)
        && is_set(trace_id)
        && is_hex(parent, 16)
        && is_set(parent)
        && is_hex(flags, 2);
    fits.then_some((trace_id, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        backend_headers(headers, HeaderValue::from_static("Bearer x"), Some("call-7"))
    }

    #[test]
    fn what_is_of_one_hop_stays_and_the_rest_goes_on() {
        for name in ["connection", "host", "on-behalf-of", "proxy-authorization", "keep-alive"] {
            assert!(!sent(name, "y").contains_key(name), "{name}");
        }
        assert_eq!(sent("authorization", "Bearer token")["authorization"], "Bearer x");
        assert_eq!(sent("grpc-timeout", "5S")["grpc-timeout"], "5S");
        assert_eq!(sent("some-bin", "AAA=")["some-bin"], "AAA=");
        assert_eq!(sent("x-request-id", "odd")["x-request-id"], "call-7");
    }

    #[test]
    fn a_trace_goes_on_and_a_broken_one_begins_anew() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let next = sent("traceparent", given)["traceparent"].to_str().unwrap().to_owned();
        assert!(next.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{next}");
        assert!(next.ends_with("-01") && !next.contains("00f067aa0ba902b7"), "{next}");
        for broken in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_str(broken).unwrap());
            let next = backend_headers(headers, HeaderValue::from_static("x"), None);
            let next = next["traceparent"].to_str().unwrap();
            assert!(trace(next).is_some() && !next.contains("4bf92f35"), "{broken}");
        }
    }
}
