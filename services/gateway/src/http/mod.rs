//! The unified interface over HTTP and JSON, at the paths of seed 004, part 5. It is a translation, as
//! grpc-web is one: each request is a call of `signoff.gateway.v1.PhaseService`, through the same door.

mod answer;
mod body;
mod call;
mod json;
mod problem;
mod read;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use prost::bytes::Bytes;
use signoff_chassis::server::Grpc;
use signoff_contract::gateway::v1 as wire;
use signoff_workflow::Violations;

use crate::Gateway;
use problem::Problem;

/// The routes, in front of the gateway's gRPC services.
pub fn routes(gateway: Gateway, grpc: Grpc) -> Router {
    Router::new()
        .route("/api/v1/phases/{phase_name}/versions", post(create).get(history))
        .route("/api/v1/phases/{phase_name}/versions/current", get(current))
        .route("/api/v1/phases/{phase_name}/versions/{version_id}/approve", post(approve))
        .layer(from_fn_with_state(gateway, body::read))
        .with_state(grpc)
}

async fn create(
    State(grpc): State<Grpc>,
    Path(phase_name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut violations = Violations::default();
    let mut body = read::object(&headers, &body)?;
    let request = wire::CreateVersionRequest {
        scope: read::scope(&mut body, true, &mut violations),
        phase_name,
        data: read::data(&mut body, &mut violations),
        request_id: read::request_id(&headers, &mut violations),
    };
    read::nothing_else(&body, &mut violations);
    let request = violations.or(request).map_err(Problem::invalid)?;
    let created: wire::CreateVersionResponse =
        call::unary(grpc, "CreateVersion", headers, request).await?;
    answer::created(&created)
}

async fn current(
    State(grpc): State<Grpc>,
    Path(phase_name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut violations = Violations::default();
    let mut query = read::query(query.as_deref())?;
    let scope = read::scope(&mut query, true, &mut violations);
    read::nothing_else(&query, &mut violations);
    let request = wire::GetCurrentVersionRequest { scope, phase_name };
    let request = violations.or(request).map_err(Problem::invalid)?;
    let found: wire::GetCurrentVersionResponse =
        call::unary(grpc, "GetCurrentVersion", headers, request).await?;
    answer::current(&found)
}

async fn history(
    State(grpc): State<Grpc>,
    Path(phase_name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut violations = Violations::default();
    let mut query = read::query(query.as_deref())?;
    let scope = read::scope(&mut query, true, &mut violations);
    let page_size = read::number(&mut query, "page_size", &mut violations);
    let page_token = read::text(&mut query, "page_token", &mut violations).unwrap_or_default();
    read::nothing_else(&query, &mut violations);
    let request = wire::GetVersionHistoryRequest { scope, phase_name, page_size, page_token };
    let request = violations.or(request).map_err(Problem::invalid)?;
    let found: wire::GetVersionHistoryResponse =
        call::unary(grpc, "GetVersionHistory", headers, request).await?;
    answer::history(&found)
}

async fn approve(
    State(grpc): State<Grpc>,
    Path((phase_name, version_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut violations = Violations::default();
    let mut body =
        if body.is_empty() { Default::default() } else { read::object(&headers, &body)? };
    let request = wire::ApproveVersionRequest {
        scope: read::scope(&mut body, false, &mut violations),
        phase_name,
        version_id,
        notes: read::text(&mut body, "notes", &mut violations).unwrap_or_default(),
        request_id: read::request_id(&headers, &mut violations),
        etag: read::if_match(&headers, &mut violations),
    };
    read::nothing_else(&body, &mut violations);
    let request = violations.or(request).map_err(Problem::invalid)?;
    let approved: wire::ApproveVersionResponse =
        call::unary(grpc, "ApproveVersion", headers, request).await?;
    answer::json(StatusCode::OK, &serde_json::json!({ "status": approved.status }))
}
