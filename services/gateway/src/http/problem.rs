//! Refusals over HTTP: problem details (RFC 9457) with the same reasons as over gRPC.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use signoff_chassis::Refusal;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::Violations;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::forward::reason_of;

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Problem(Status);

impl Problem {
    /// Fields at fault.
    pub(super) fn invalid(violations: Violations) -> Self {
        Self(Refusal::invalid(violations).into())
    }

    /// A body of another kind than JSON.
    pub(super) fn unsupported() -> Self {
        Self::invalid(Violations::one("content-type", "must be application/json"))
    }

    /// A body that is longer than one may be.
    pub(super) fn too_large(most: usize) -> Self {
        let what = format!("the body has more than {most} bytes");
        Self(Refusal::limit_exceeded(what, None).into())
    }

    /// A path that is there, by another method.
    pub(super) fn method_not_allowed() -> Self {
        Self(Refusal::unsupported("the path takes another method").into())
    }

    /// A fault of our own.
    pub(super) fn internal() -> Self {
        Self(Refusal::internal().into())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into())
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

/// The HTTP status of a refusal.
fn status_of(code: Code, reason: Option<ErrorReason>) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Aborted if reason == Some(ErrorReason::EtagMismatch) => {
            StatusCode::PRECONDITION_FAILED
        }
        Code::Aborted | Code::AlreadyExists | Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded | Code::Cancelled => StatusCode::GATEWAY_TIMEOUT,
        Code::Unimplemented => StatusCode::METHOD_NOT_ALLOWED,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.0;
        let http = status_of(status.code(), reason_of(&status));
        let details = status.get_error_details();
        let reason = details.error_info().map_or("UNKNOWN", |info| info.reason.as_str());
        let mut problem = json!({
            "type": format!("urn:signoff:error:{reason}"),
            "title": http.canonical_reason().unwrap_or_default(),
            "status": http.as_u16(),
            "detail": status.message(),
            "reason": reason,
        });
        if let Some(bad) = details.bad_request() {
            let field = |of: &tonic_types::FieldViolation| json!({ "field": of.field, "description": of.description });
            problem["violations"] = bad.field_violations.iter().map(field).collect();
        }
        if let Some(unmet) = details.precondition_failure() {
            let what = |of: &tonic_types::PreconditionViolation| json!({ "subject": of.subject, "description": of.description });
            problem["unmet"] = unmet.violations.iter().map(what).collect();
        }
        if let Some(info) = details.error_info().filter(|info| !info.metadata.is_empty()) {
            let metadata = info.metadata.iter().map(|(key, value)| (key.clone(), json!(value)));
            problem["metadata"] = Value::Object(metadata.collect());
        }
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (http, [(CONTENT_TYPE, kind)], problem.to_string()).into_response();
        let headers = response.headers_mut();
        if http == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay) {
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_status() {
        let cases: [(Refusal, u16); 10] = [
            (Refusal::invalid(Violations::one("data", "is required")), 400),
            (Refusal::token_invalid(&signoff_chassis::identity::TokenError::Missing), 401),
            (Refusal::not_permitted("no"), 403),
            (Refusal::not_found("version", "7"), 404),
            (Refusal::precondition(ErrorReason::VersionState, "no", []), 409),
            (Refusal::items_exist(Violations::one("a", "is there")), 409),
            (Refusal::conflict(), 409),
            (Refusal::etag_mismatch(), 412),
            (Refusal::limit_exceeded("busy", Some(std::time::Duration::from_millis(200))), 429),
            (Refusal::unavailable("away"), 503),
        ];
        for (refusal, expected) in cases {
            let response = Problem(refusal.into()).into_response();
            assert_eq!(response.status().as_u16(), expected);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
            let waits = [429, 503].contains(&expected);
            assert!(!waits || response.headers().contains_key(RETRY_AFTER), "{expected}");
        }
    }
}
