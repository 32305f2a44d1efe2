//! How long a call may take.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use signoff_contract::access::AccessPolicy;
use tonic::Status;

use crate::Refusal;
use crate::middleware::{HttpRequest, HttpResponse, Middleware, Next};

/// The header in which a client says how long it waits.
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// A client's timeout is cut by this share, at most by [`LONGEST_MARGIN`], so that the answer gets
/// there in time, and before tonic's own, which would say `CANCELLED`.
const MARGIN_SHARE: u32 = 10;
const LONGEST_MARGIN: Duration = Duration::from_millis(20);

/// Ends calls that take longer than the client waits, or than this, with `DEADLINE_EXCEEDED`.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    /// For calls with one request.
    pub(super) calls: Duration,
    /// For calls whose request is a stream.
    pub(super) streams: Duration,
    /// Which those are.
    pub(super) policy: Arc<AccessPolicy>,
}

impl Middleware for Deadline {
    async fn handle<S: Next>(
        &self,
        request: HttpRequest,
        mut next: S,
    ) -> Result<HttpResponse, S::Error> {
        let is_stream = self.policy.takes_a_stream(request.uri().path());
        let most = if is_stream { self.streams } else { self.calls };
        let longest = asked(request.headers()).map_or(most, |asked| asked.min(most));
        match tokio::time::timeout(longest, next.call(request)).await {
            Ok(answered) => answered,
            Err(_) => Ok(Status::from(Refusal::deadline_exceeded()).into_http()),
        }
    }
}

/// What the client asks for, less the margin. A header that cannot be read asks for nothing.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let timeout = parse(headers.get(GRPC_TIMEOUT)?.to_str().ok()?)?;
    Some(timeout.saturating_sub((timeout / MARGIN_SHARE).min(LONGEST_MARGIN)))
}

/// At most eight digits and a unit, as gRPC over HTTP/2 has it.
fn parse(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        assert_eq!(parse("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(parse("2M"), Some(Duration::from_secs(120)));
        assert_eq!(parse("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("7u"), Some(Duration::from_micros(7)));
        assert_eq!(parse("0n"), Some(Duration::ZERO));
        for bad in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "999999999S", "1ß", "ß"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_answer_comes_a_little_before_the_client_gives_up() {
        let asks = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(GRPC_TIMEOUT, http::HeaderValue::from_static(value));
            asked(&headers)
        };
        assert_eq!(asks("100m"), Some(Duration::from_millis(90)));
        assert_eq!(asks("10S"), Some(Duration::from_millis(9_980)));
        assert_eq!(asks("soon"), None);
        assert_eq!(asked(&HeaderMap::new()), None);
    }
}
