//! What those who watch a server see.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use signoff_chassis::identity::Claims;
use signoff_chassis::monitor::Monitor;
use signoff_chassis::prometheus::{Collector, Families};
use signoff_chassis::server::ServerOptions;
use signoff_contract::feed::v1::VerifyTrailRequest;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{Running, VERIFY_TRAIL, WORKFLOW, bearing, call};

/// Longer than any test may last.
const FOREVER: Duration = Duration::from_secs(60);

/// A server of this name that is watched, and where.
async fn watched(name: &'static str, options: ServerOptions) -> (Running, SocketAddr) {
    let monitor = Monitor::bind(name, "127.0.0.1:0".parse().ok()).await.unwrap();
    let address = monitor.address().unwrap();
    (Running::monitored(options, monitor).await, address)
}

/// The status, the content type and the body of an answer.
async fn get(address: SocketAddr, path: &str) -> (StatusCode, String, String) {
    let request = Request::get(format!("http://{address}{path}")).body(Body::empty()).unwrap();
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let (head, body) = client.request(request).await.unwrap().into_parts();
    let kind = head.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, kind.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
}

/// The value of the sample that holds all of these texts.
async fn value(address: SocketAddr, texts: &[&str]) -> Option<f64> {
    let (status, _, body) = get(address, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let line = body
        .lines()
        .find(|line| !line.starts_with('#') && texts.iter().all(|text| line.contains(text)))?;
    Some(line.rsplit_once(' ').unwrap().1.parse().unwrap())
}

async fn until_it_is(address: SocketAddr, texts: &[&str], wanted: f64) {
    let polled = async { while value(address, texts).await != Some(wanted) {} };
    tokio::time::timeout(FOREVER, polled).await.unwrap_or_else(|_| panic!("{texts:?}"));
}

#[tokio::test]
async fn calls_are_counted_under_the_servers_name() {
    let (running, address) = watched("counted", ServerOptions::default()).await;
    running.get_trail(WORKFLOW, Some(&running.sign(&call()))).await.unwrap();
    running.get_trail(WORKFLOW, None).await.unwrap_err();
    let of = ["service=\"counted\"", "grpc_method=\"GetTrail\"", "signoff.feed.v1.TrailService"];
    let with = |name, more: &[&'static str]| [&[name], &of[..], more].concat();
    until_it_is(address, &with("grpc_server_in_flight{", &[]), 0.0).await;
    assert_eq!(value(address, &with("grpc_server_started_total{", &[])).await, Some(2.0));
    for code in ["grpc_code=\"OK\"", "grpc_code=\"UNAUTHENTICATED\""] {
        let handled = value(address, &with("grpc_server_handled_total{", &[code])).await;
        assert_eq!(handled, Some(1.0), "{code}");
    }
    let count = value(address, &with("grpc_server_handling_seconds_count{", &[])).await;
    assert_eq!(count, Some(2.0));

    let (_, kind, body) = get(address, "/metrics").await;
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let mut families = Families::new();
    families.add(&body).unwrap();
    assert_eq!(families.to_string(), body);
    assert!(body.contains("signoff_build_info{service=\"counted\",version="));
}

#[tokio::test]
async fn a_call_is_over_when_its_client_goes_away() {
    let (running, address) = watched("left", ServerOptions::default()).await;
    let token = running.sign(&Claims { method: Some(VERIFY_TRAIL.to_owned()), ..call() });
    let mut client = running.trail();
    let hanging = tokio::spawn(async move {
        client.verify_trail(bearing(VerifyTrailRequest::default(), Some(&token))).await
    });
    running.reached.notified().await;
    let of = ["service=\"left\"", "grpc_method=\"VerifyTrail\""];
    let in_flight = [&["grpc_server_in_flight{"], &of[..]].concat();
    assert_eq!(value(address, &in_flight).await, Some(1.0));
    hanging.abort();
    until_it_is(address, &in_flight, 0.0).await;
    let handled = [&["grpc_server_handled_total{", "CANCELLED"], &of[..]].concat();
    assert_eq!(value(address, &handled).await, Some(1.0));

    // The same for an answer that nobody reads to its end.
    let mut health = HealthClient::new(running.channel.clone());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watch.message().await.unwrap();
    let in_flight = ["grpc_server_in_flight{", "service=\"left\"", "grpc_method=\"Watch\""];
    assert_eq!(value(address, &in_flight).await, Some(1.0));
    drop(watch);
    until_it_is(address, &in_flight, 0.0).await;
}

#[tokio::test]
async fn a_server_that_drains_is_alive_and_not_ready_until_its_end() {
    let options = ServerOptions { drain: FOREVER, ..ServerOptions::default() };
    let (running, address) = watched("draining", options).await;
    let ready = get(address, "/health/ready").await;
    assert_eq!((ready.0, ready.2.as_str()), (StatusCode::OK, "ready\n"));

    let mut health = HealthClient::new(running.channel.clone());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watch.message().await.unwrap();
    running.shutdown.cancel();
    watch.message().await.unwrap();
    let ready = get(address, "/health/ready").await;
    let expected = "not ready: the service is not serving\n";
    assert_eq!((ready.0, ready.2.as_str()), (StatusCode::SERVICE_UNAVAILABLE, expected));
    assert_eq!(get(address, "/health/live").await.0, StatusCode::OK);
    assert_eq!(get(address, "/metrics").await.0, StatusCode::OK);

    // One who holds a connection open is not waited for.
    let _held = tokio::net::TcpStream::connect(address).await.unwrap();
    drop((watch, health));
    tokio::time::timeout(FOREVER / 2, running.served).await.unwrap().unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "it ends with the server");
}

#[tokio::test]
async fn what_is_not_there_makes_a_server_not_ready() {
    let monitor = Monitor::bind("checked", "127.0.0.1:0".parse().ok()).await.unwrap();
    let address = monitor.address().unwrap();
    let (there, hangs) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let (is_there, is_hanging) = (Arc::clone(&there), Arc::clone(&hangs));
    let monitor = monitor
        .with_check("the first is not there", move || {
            let passed = is_there.load(Ordering::SeqCst);
            async move { passed }
        })
        .with_check("the second takes too long", move || {
            let hangs = is_hanging.load(Ordering::SeqCst);
            async move { if hangs { std::future::pending().await } else { true } }
        })
        .with_collector(Collector::new("own", || async {
            Ok::<_, String>("own_things{service=\"checked\"} 5\n".to_owned())
        }));
    let _running = Running::monitored(ServerOptions::default(), monitor).await;
    assert_eq!(get(address, "/health/ready").await.0, StatusCode::OK);
    assert_eq!(value(address, &["own_things"]).await, Some(5.0));
    there.store(false, Ordering::SeqCst);
    let (status, _, reason) = get(address, "/health/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reason, "not ready: the first is not there\n");
    there.store(true, Ordering::SeqCst);
    hangs.store(true, Ordering::SeqCst);
    let (status, _, reason) = get(address, "/health/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reason, "not ready: the second takes too long\n");
    assert_eq!(get(address, "/health/live").await.0, StatusCode::OK, "it lives all the same");
    for nothing in ["/", "/metrics/more", "/health", "/signoff.feed.v1.TrailService/GetTrail"] {
        assert_eq!(get(address, nothing).await.0, StatusCode::NOT_FOUND, "{nothing}");
    }
}
