//! How a server answers for itself, bounds what it does, and ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signoff_chassis::identity::{AssertionVerifier, Claims, Jwks, SigningKey, VerifierOptions};
use signoff_chassis::server::{Mount, Server, ServerError, ServerOptions};
use signoff_contract::access::PolicyError;
use signoff_contract::feed::v1::VerifyTrailRequest;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};
use tonic_types::StatusExt as _;

use crate::support::{Running, VERIFY_TRAIL, WORKFLOW, bearing, call};

/// Longer than any test may last: what takes this long hangs.
const FOREVER: Duration = Duration::from_secs(60);

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

/// Calls the method that never answers, in the background, and waits until it is reached.
async fn hang(running: &Running) -> tokio::task::JoinHandle<Status> {
    let token = running.sign(&Claims { method: Some(VERIFY_TRAIL.to_owned()), ..call() });
    let mut client = running.trail();
    let hanging = tokio::spawn(async move {
        let request = bearing(VerifyTrailRequest::default(), Some(&token));
        client.verify_trail(request).await.unwrap_err()
    });
    running.reached.notified().await;
    hanging
}

#[tokio::test]
async fn health_is_answered_without_a_token() {
    let running = Running::start(ServerOptions::default()).await;
    let mut client = HealthClient::new(running.channel.clone());
    for service in ["", "signoff.feed.v1.TrailService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = client.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
    let unknown = HealthCheckRequest { service: "signoff.Nothing".to_owned() };
    assert_eq!(client.check(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn reflection_names_what_is_mounted_in_both_versions() {
    let running = Running::start(ServerOptions::default()).await;
    let expected = ["grpc.health.v1.Health", "signoff.feed.v1.TrailService"];

    let request = v1::ServerReflectionRequest {
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
        ..Default::default()
    };
    let mut client =
        v1::server_reflection_client::ServerReflectionClient::new(running.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        answer.message_response
    else {
        panic!("no list of services");
    };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    for name in expected {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    let versioning = "signoff.versioning.v1.VersioningService";
    assert!(names.iter().all(|found| found != versioning), "it is not mounted");

    let request = v1alpha::ServerReflectionRequest {
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
                expected[1].to_owned(),
            ),
        ),
        ..Default::default()
    };
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(running.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    assert!(matches!(
        answer.message_response,
        Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_))
    ));
}

#[tokio::test]
async fn a_server_with_a_method_without_a_rule_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let jwks = folder.path().join("jwks.json");
    Jwks::of([&SigningKey::generate().unwrap()]).save(&jwks).unwrap();
    let verifier = AssertionVerifier::new(vec![jwks], VerifierOptions::default()).unwrap();
    // The health service is none of the contracts' and has no rules.
    let (_, health) = tonic_health::server::health_reporter();
    let mount = Mount::new().with(health);
    let refused = Server::new(mount, Arc::new(verifier), ServerOptions::default()).await;
    let Err(ServerError::Policy(PolicyError::UnknownService(name))) = refused else {
        panic!("it would start");
    };
    assert_eq!(name, "grpc.health.v1.Health");
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let deadline = Duration::from_millis(50);
    let running = Running::start(ServerOptions { deadline, ..Default::default() }).await;
    let status = hang(&running).await.await.unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_and_health_is_not() {
    let options = ServerOptions { max_calls: 1, deadline: FOREVER, ..Default::default() };
    let running = Running::start(options).await;
    let hanging = hang(&running).await;
    let status = running.get_trail(WORKFLOW, Some(&running.sign(&call()))).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "LIMIT_EXCEEDED");
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    let mut health = HealthClient::new(running.channel.clone());
    assert!(health.check(HealthCheckRequest::default()).await.is_ok());

    // The place of a caller who goes away is free again.
    hanging.abort();
    let token = running.sign(&call());
    let again = async {
        while running.get_trail(WORKFLOW, Some(&token)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(FOREVER, again).await.unwrap();
}

#[tokio::test]
async fn an_id_comes_back_with_the_answer() {
    let running = Running::start(ServerOptions::default()).await;
    let mut client = HealthClient::new(running.channel.clone());
    let mut request = tonic::Request::new(HealthCheckRequest::default());
    request.metadata_mut().insert("x-request-id", "trace-7".parse().unwrap());
    let answer = client.check(request).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "trace-7");
    let answer = client.check(HealthCheckRequest::default()).await.unwrap();
    assert!(!answer.metadata().get("x-request-id").unwrap().is_empty());
}

#[tokio::test]
async fn a_server_without_calls_ends_at_once() {
    let options = ServerOptions { drain: FOREVER, ..Default::default() };
    let running = Running::start(options).await;
    running.shutdown.cancel();
    tokio::time::timeout(FOREVER / 2, running.served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_drain_ends_within_its_cap_whatever_is_open() {
    let drain = Duration::from_millis(200);
    let options = ServerOptions { drain, deadline: FOREVER, ..Default::default() };
    let running = Running::start(options).await;
    let hanging = hang(&running).await;
    let mut health = HealthClient::new(running.channel.clone());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);

    let asked = Instant::now();
    running.shutdown.cancel();
    let second = watch.message().await.unwrap().unwrap();
    assert_eq!(second.status(), ServingStatus::NotServing, "the drain is announced");
    tokio::time::timeout(FOREVER, running.served).await.unwrap().unwrap().unwrap();
    let took = asked.elapsed();
    assert!(took >= drain && took < FOREVER / 4, "{took:?}");

    let cut = watch.message().await.unwrap_err();
    assert_eq!((cut.code(), reason(&cut).as_str()), (Code::Unavailable, "BACKEND_UNAVAILABLE"));
    let cut = hanging.await.unwrap();
    assert_eq!((cut.code(), reason(&cut).as_str()), (Code::Unavailable, "BACKEND_UNAVAILABLE"));
}

#[tokio::test]
async fn nothing_new_is_accepted_while_draining() {
    let options = ServerOptions { drain: FOREVER, deadline: FOREVER, ..Default::default() };
    let running = Running::start(options).await;
    let mut health = HealthClient::new(running.channel.clone());
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watch.message().await.unwrap();
    running.shutdown.cancel();
    let announced = watch.message().await.unwrap().unwrap();
    assert_eq!(announced.status(), ServingStatus::NotServing);
    // The open stream is the last; when its client leaves, the server has ended.
    drop(watch);
    drop(health);
    tokio::time::timeout(FOREVER / 2, running.served).await.unwrap().unwrap().unwrap();
    let mut late = HealthClient::new(running.channel);
    assert!(late.check(HealthCheckRequest::default()).await.is_err());
}
