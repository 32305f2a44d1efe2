//! Answers over HTTP.

use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use signoff_contract::gateway::v1 as wire;

use super::json::told;
use super::problem::Problem;

const VERSION: &str = "signoff.versioning.v1.Version";
const CHANGE: &str = "signoff.audit.v1.Change";
const STATUS: &str = "signoff.workflow.v1.PhaseStatus";

/// A JSON document.
pub(super) fn json(status: StatusCode, value: &Value) -> Result<Response, Problem> {
    let kind = HeaderValue::from_static("application/json");
    Ok((status, [(CONTENT_TYPE, kind)], value.to_string()).into_response())
}

/// What was created, as the seeds answer it.
pub(super) fn created(created: &wire::CreateVersionResponse) -> Result<Response, Problem> {
    let body = json!({ "version_id": created.version_id, "status": created.status });
    json(StatusCode::OK, &body)
}

/// The approved version itself, with its tag; or where a phase stands that is audited only.
pub(super) fn current(found: &wire::GetCurrentVersionResponse) -> Result<Response, Problem> {
    let Some(version) = &found.version else {
        let mut body = json!({});
        if let Some(status) = &found.phase_status {
            body["phase_status"] = told(STATUS, status)?;
        }
        if let Some(change) = &found.latest_change {
            body["latest_change"] = told(CHANGE, change)?;
        }
        return json(StatusCode::OK, &body);
    };
    let mut response = json(StatusCode::OK, &told(VERSION, version)?)?;
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", version.etag)) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// All versions, or all changes, page by page.
pub(super) fn history(found: &wire::GetVersionHistoryResponse) -> Result<Response, Problem> {
    let versions = found.versions.iter().map(|version| told(VERSION, version));
    let changes = found.changes.iter().map(|change| told(CHANGE, change));
    let body = json!({
        "versions": versions.collect::<Result<Vec<_>, _>>()?,
        "changes": changes.collect::<Result<Vec<_>, _>>()?,
        "next_page_token": found.next_page_token,
    });
    json(StatusCode::OK, &body)
}
