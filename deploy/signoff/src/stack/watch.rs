//! One HTTP address for those who watch the whole system: the numbers of all services, and whether
//! all of them are ready.

use std::{collections::BTreeMap, fmt::Write as _, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use futures::future::join_all;
use http::{Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Serialize;
use signoff_chassis::{
    monitor,
    prometheus::{self, Families},
    server::Listener,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a service may take to answer: its own checks and collectors are given two seconds.
const WITHIN: Duration = Duration::from_secs(4);
/// How long its answer may be.
const LONGEST: usize = 16 * 1024 * 1024;

/// The services of a system, and where each is watched.
pub(crate) struct Watch {
    services: Vec<(&'static str, SocketAddr)>,
    client: Client<HttpConnector, Body>,
}

/// Whether a system is ready, as `/health/ready` says it.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    services: BTreeMap<&'static str, Ready>,
}

#[derive(Debug, Serialize)]
struct Ready {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Watch {
    /// Of these services.
    pub(crate) fn new(services: Vec<(&'static str, SocketAddr)>) -> Self {
        // A service that was restarted is met on a new connection.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { services, client }
    }

    /// Answers until told to stop.
    pub(crate) async fn serve(self, listener: Listener, stop: CancellationToken) {
        let routes = Router::new()
            .route("/metrics", get(metrics))
            .route("/health/live", get("live\n"))
            .route("/health/ready", get(ready))
            .with_state(Arc::new(self));
        if let Err(error) = monitor::serve(listener, routes, stop).await {
            tracing::error!(%error, "nobody can watch the system any more");
        }
    }

    /// What every service answers on a path.
    async fn ask(&self, path: &str) -> Vec<(&'static str, Result<(StatusCode, String)>)> {
        let asked = self.services.iter().map(async |(service, address)| {
            let answer = timeout(WITHIN, self.fetch(*address, path)).await;
            (*service, answer.context("it takes too long").and_then(|answer| answer))
        });
        join_all(asked).await
    }

    async fn fetch(&self, address: SocketAddr, path: &str) -> Result<(StatusCode, String)> {
        let request = Request::get(format!("http://{address}{path}")).body(Body::empty())?;
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, LONGEST).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("its answer cannot be read: {error}"))?;
        Ok((head.status, String::from_utf8(body.to_bytes().to_vec())?))
    }

    /// The numbers of all services in one text, and which of them are there.
    async fn metrics(&self) -> String {
        let mut all = Families::new();
        let mut up =
            "# HELP up Whether the service showed its numbers.\n# TYPE up gauge\n".to_owned();
        for (service, answer) in self.ask("/metrics").await {
            let added = answer.and_then(|(status, text)| {
                if status != StatusCode::OK {
                    bail!("it answers {status}");
                }
                Ok(all.add(&text)?)
            });
            let there = added.inspect_err(|error| {
                tracing::debug!(service, "its numbers are left out: {error:#}");
            });
            // Writing into a text cannot fail.
            let _ = writeln!(up, "up{{service=\"{service}\"}} {}", u8::from(there.is_ok()));
        }
        if let Err(error) = all.add(&up) {
            tracing::error!(%error, "whether services are up cannot be shown");
        }
        all.to_string()
    }

    async fn readiness(&self) -> Readiness {
        let answers = self.ask("/health/ready").await.into_iter();
        let services = answers.map(|(service, answer)| {
            let reason = match answer {
                Ok((StatusCode::OK, _)) => None,
                Ok((_, text)) => Some(text.trim().trim_start_matches("not ready: ").to_owned()),
                Err(_) => Some("it does not answer".to_owned()),
            };
            (service, Ready { ready: reason.is_none(), reason })
        });
        let services: BTreeMap<_, _> = services.collect();
        Readiness { ready: services.values().all(|service| service.ready), services }
    }
}

async fn metrics(State(watch): State<Arc<Watch>>) -> Response {
    ([(CONTENT_TYPE, prometheus::CONTENT_TYPE)], watch.metrics().await).into_response()
}

async fn ready(State(watch): State<Arc<Watch>>) -> Response {
    let readiness = watch.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match serde_json::to_string_pretty(&readiness) {
        Ok(text) => (status, [(CONTENT_TYPE, "application/json")], text + "\n").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that answers with this.
    async fn service(status: StatusCode, text: &'static str) -> SocketAddr {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.address();
        let answer = move || async move { (status, text) };
        let routes = Router::new().fallback(get(answer));
        tokio::spawn(monitor::serve(listener, routes, CancellationToken::new()));
        address
    }

    #[tokio::test]
    async fn a_service_that_is_down_or_talks_nonsense_is_left_out() {
        const FINE: &str = "# TYPE things gauge\nthings{service=\"fine\"} 1\n";
        const OTHER: &str = "# TYPE things gauge\nthings{service=\"other\"} 2\n";
        let watch = Watch::new(vec![
            ("fine", service(StatusCode::OK, FINE).await),
            ("other", service(StatusCode::OK, OTHER).await),
            ("odd", service(StatusCode::OK, "<html>").await),
            ("wrong", service(StatusCode::NOT_FOUND, FINE).await),
            ("down", "127.0.0.1:1".parse().unwrap()),
        ]);
        assert_eq!(
            watch.metrics().await,
            "# TYPE things gauge\nthings{service=\"fine\"} 1\nthings{service=\"other\"} 2\n\
             # HELP up Whether the service showed its numbers.\n# TYPE up gauge\n\
             up{service=\"fine\"} 1\nup{service=\"other\"} 1\nup{service=\"odd\"} 0\n\
             up{service=\"wrong\"} 0\nup{service=\"down\"} 0\n"
        );
    }

    #[tokio::test]
    async fn a_system_is_ready_when_all_of_it_is() {
        let fine = ("fine", service(StatusCode::OK, "ready\n").await);
        let ready = Watch::new(vec![fine]).readiness().await;
        assert_eq!(
            serde_json::to_value(ready).unwrap(),
            serde_json::json!({"ready": true, "services": {"fine": {"ready": true}}})
        );
        let without = StatusCode::SERVICE_UNAVAILABLE;
        let without = service(without, "not ready: the database does not answer\n").await;
        let down = "127.0.0.1:1".parse().unwrap();
        let watch = Watch::new(vec![fine, ("without", without), ("down", down)]);
        assert_eq!(
            serde_json::to_value(watch.readiness().await).unwrap(),
            serde_json::json!({"ready": false, "services": {
                "fine": {"ready": true},
                "without": {"ready": false, "reason": "the database does not answer"},
                "down": {"ready": false, "reason": "it does not answer"},
            }})
        );
    }
}
