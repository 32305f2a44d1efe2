//! The unified interface over HTTP and JSON, at the paths of seed 004, part 5. It is a translation, as
//! grpc-web is one: each request is a call of `signoff.gateway.v1.PhaseService`, through the same door.

mod answer;
mod call;
mod json;
mod problem;
mod read;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use signoff_chassis::server::{Grpc, Plain};
use signoff_contract::gateway::v1 as wire;
use signoff_workflow::Violations;

use crate::Gateway;
use problem::Problem;

/// What requests are served with.
#[derive(Clone)]
struct Served {
    gateway: Gateway,
    grpc: Grpc,
}

/// The routes, in front of the gRPC services.
pub fn routes(gateway: Gateway) -> Plain {
    Arc::new(move |grpc| {
        Router::new()
            .route("/api/v1/phases/{phase_name}/versions", post(create).get(history))
            .route("/api/v1/phases/{phase_name}/versions/current", get(current))
            .route("/api/v1/phases/{phase_name}/versions/{version_id}/approve", post(approve))
            .method_not_allowed_fallback(async || Problem::method_not_allowed())
            .with_state(Served { gateway: gateway.clone(), grpc })
    })
}

async fn create(
    State(served): State<Served>,
    Path(phase_name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let whole = read::whole(&served.gateway, request).await?;
    let mut violations = Violations::default();
    let mut body = read::object(&whole.headers, &whole.body)?;
    let request = wire::CreateVersionRequest {
        scope: read::scope(&mut body, true, &mut violations),
        phase_name: read::phase_name(phase_name, &mut violations),
        data: read::data(&mut body, &mut violations),
        request_id: read::request_id(&whole.headers, &mut violations),
    };
    read::nothing_else(&body, &mut violations);
    let request = violations.or(request).map_err(Problem::invalid)?;
    let created: wire::CreateVersionResponse =
        call::unary(served.grpc, "CreateVersion", whole.headers, request).await?;
    answer::created(&created)
}

async fn current(
    State(served): State<Served>,
    Path(phase_name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut violations = Violations::default();
    let mut query = read::query(query.as_deref())?;
    let scope = read::scope(&mut query, true, &mut violations);
    read::nothing_else(&query, &mut violations);
    let phase_name = read::phase_name(phase_name, &mut violations);
    let request = wire::GetCurrentVersionRequest { scope, phase_name };
    let request = violations.or(request).map_err(Problem::invalid)?;
    let found: wire::GetCurrentVersionResponse =
        call::unary(served.grpc, "GetCurrentVersion", headers, request).await?;
    answer::current(&found)
}

async fn history(
    State(served): State<Served>,
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
    let phase_name = read::phase_name(phase_name, &mut violations);
    let request = wire::GetVersionHistoryRequest { scope, phase_name, page_size, page_token };
    let request = violations.or(request).map_err(Problem::invalid)?;
    let found: wire::GetVersionHistoryResponse =
        call::unary(served.grpc, "GetVersionHistory", headers, request).await?;
    answer::history(&found)
}

async fn approve(
    State(served): State<Served>,
    Path((phase_name, version_id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let whole = read::whole(&served.gateway, request).await?;
    let mut violations = Violations::default();
    let mut body = match whole.body.is_empty() {
        true => read::Fields::new(),
        false => read::object(&whole.headers, &whole.body)?,
    };
    let request = wire::ApproveVersionRequest {
        scope: read::scope(&mut body, false, &mut violations),
        phase_name: read::phase_name(phase_name, &mut violations),
        version_id,
        notes: read::text(&mut body, "notes", &mut violations).unwrap_or_default(),
        request_id: read::request_id(&whole.headers, &mut violations),
        etag: read::if_match(&whole.headers, &mut violations),
    };
    read::nothing_else(&body, &mut violations);
    let request = violations.or(request).map_err(Problem::invalid)?;
    let approved: wire::ApproveVersionResponse =
        call::unary(served.grpc, "ApproveVersion", whole.headers, request).await?;
    answer::json(StatusCode::OK, &serde_json::json!({ "status": approved.status }))
}
