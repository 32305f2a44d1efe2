//! Where people and browsers come in: gRPC, grpc-web and plain HTTP on one port.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use tonic::body::Body;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::middleware::{HttpRequest, HttpResponse, Next};

/// What every gRPC request says of its content, grpc-web too.
const GRPC: &str = "application/grpc";
/// How long a browser need not ask again.
const PREFLIGHT_AGE: Duration = Duration::from_secs(60 * 60);

/// The gRPC services of a server, with all that stands before them.
pub type Grpc = BoxCloneSyncService<HttpRequest, HttpResponse, Infallible>;

/// What a server at the edge has beside its services.
pub struct Edge {
    /// Plain HTTP, by path, in front of the services.
    pub http: Box<dyn FnOnce(Grpc) -> Router + Send>,
    /// The origins that browsers may come from; none, if it is empty.
    pub origins: Vec<HeaderValue>,
    /// How long a connection may last: the next one may go to another replica.
    pub max_connection_age: Duration,
}

impl Edge {
    /// All of it, as routes.
    pub(super) fn around<S>(self, grpc: S) -> Routes
    where
        S: Next + tower::Service<HttpRequest, Response = HttpResponse, Error = Infallible> + Sync,
    {
        let http = (self.http)(BoxCloneSyncService::new(grpc.clone()));
        // Around gRPC only: the layer answers plain HTTP/1.1 by itself.
        let grpc = GrpcWebLayer::new().layer(grpc);
        let dispatched = tower::service_fn(move |request: Request<AxumBody>| {
            let grpc = grpc.clone();
            async move {
                let response: Response = if is_grpc(request.headers()) {
                    let answered: HttpResponse = grpc.oneshot(request.map(Body::new)).await?;
                    answered.map(AxumBody::new)
                } else {
                    nothing_here()
                };
                Ok::<_, Infallible>(response)
            }
        });
        http.fallback_service(dispatched).layer(cors(self.origins)).into()
    }
}

/// gRPC and grpc-web say so; whoever says nothing is taken for neither.
fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with(GRPC))
}

/// Plain HTTP on a path that has none (RFC 9457).
fn nothing_here() -> Response {
    let problem = r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"nothing is served here over plain HTTP"}"#;
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "application/problem+json")], problem).into_response()
}

/// What browsers from these origins may send and read.
fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    let exposed = [
        "grpc-status",
        "grpc-message",
        "grpc-status-details-bin",
        "x-request-id",
        "etag",
        "retry-after",
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed.map(HeaderName::from_static))
        .max_age(PREFLIGHT_AGE)
}
