//! Whether the gateway is there, what it has, and how its connections and it itself end.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use signoff_chassis::identity::TokenClaims;
use signoff_contract::audit::v1::{ListLanesRequest, ListLanesResponse};
use signoff_contract::gateway::v1 as wire;
use signoff_contract::gateway::v1::workflow_service_client::WorkflowServiceClient;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::people::scope;
use signoff_tests::refusals::refusal;
use signoff_tests::rpc::descriptors;
use signoff_tests::wait::until;
use signoff_tests::world::whole;
use signoff_tests::{Aside, House, Person};
use signoff_workflow::{Phase, Role, Workflow};
use tokio::net::TcpStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1 as reflection;

use crate::raw::{FOREVER, rest};
use crate::recorder::Recorder;

async fn ask(
    house: &House,
    request: reflection::server_reflection_request::MessageRequest,
) -> reflection::server_reflection_response::MessageResponse {
    use reflection::server_reflection_client::ServerReflectionClient;

    let mut client = ServerReflectionClient::new(house.channel().await);
    let request = reflection::ServerReflectionRequest {
        message_request: Some(request),
        ..Default::default()
    };
    let answers = client.server_reflection_info(futures::stream::iter([request])).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap();
    answer.unwrap().message_response.unwrap()
}

#[tokio::test]
async fn reflection_names_every_service_and_describes_it() {
    use reflection::server_reflection_request::MessageRequest as Ask;
    use reflection::server_reflection_response::MessageResponse as Answer;

    let house = House::shared().await;
    let Answer::ListServicesResponse(listed) = ask(house, Ask::ListServices(String::new())).await
    else {
        panic!("a list")
    };
    let listed: BTreeSet<String> = listed.service.into_iter().map(|one| one.name).collect();
    for service in descriptors().services() {
        let name = service.full_name().to_owned();
        assert!(listed.contains(&name), "{name} is not among {listed:?}");
        let described = ask(house, Ask::FileContainingSymbol(name.clone())).await;
        assert!(matches!(described, Answer::FileDescriptorResponse(_)), "{name}: {described:?}");
    }
    assert!(listed.contains("grpc.health.v1.Health"), "{listed:?}");
}

async fn health(house: &House, service: &str) -> ServingStatus {
    let mut client = HealthClient::new(house.channel().await);
    let request = HealthCheckRequest { service: service.to_owned() };
    client.check(request).await.unwrap().into_inner().status()
}

async fn expect_health(house: &House, service: &str, expected: ServingStatus) {
    let what = format!("{service:?} is {expected:?}");
    until(&what, || async { (health(house, service).await == expected).then_some(()) }).await;
}

#[tokio::test]
async fn the_health_of_a_service_is_that_of_its_backend() {
    let mut house = House::new().await;
    let services: Vec<String> =
        descriptors().services().map(|service| service.full_name().to_owned()).collect();
    // Nobody counts in this house.
    let expected_of = |service: &str| match service.starts_with("signoff.metrics.") {
        true => ServingStatus::NotServing,
        false => ServingStatus::Serving,
    };
    for service in services.iter().map(String::as_str).chain([""]) {
        expect_health(&house, service, expected_of(service)).await;
    }
    house.audit.pause().await;
    for service in &services {
        let expected = match service.starts_with("signoff.audit.") {
            true => ServingStatus::NotServing,
            false => expected_of(service),
        };
        expect_health(&house, service, expected).await;
    }
    assert_eq!(health(&house, "").await, ServingStatus::Serving, "the gateway itself is there");
    house.audit.resume().await;
    for service in &services {
        expect_health(&house, service, expected_of(service)).await;
    }
    let mut client = HealthClient::new(house.channel().await);
    let unknown = HealthCheckRequest { service: "signoff.Nothing".to_owned() };
    assert_eq!(client.check(unknown).await.unwrap_err().code(), Code::NotFound);
}

fn lanes(workflow: Workflow) -> ListLanesRequest {
    ListLanesRequest { scope: Some(whole(workflow)), ..Default::default() }
}

/// Watches a board, as user 10.
async fn watch(house: &Aside, workflow: Workflow) -> Streaming<wire::WatchBoardResponse> {
    watch_with(&house.token(10, &[]), house.channel().await, workflow).await
}

/// The same, with a token.
async fn watch_with(
    token: &str,
    channel: Channel,
    workflow: Workflow,
) -> Streaming<wire::WatchBoardResponse> {
    let mut request = Request::new(wire::WatchBoardRequest { scope: Some(whole(workflow)) });
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let mut client = WorkflowServiceClient::new(channel);
    let mut boards = client.watch_board(request).await.unwrap().into_inner();
    boards.message().await.unwrap().expect("a board at once");
    boards
}

/// How a stream ends.
async fn end<T>(stream: &mut Streaming<T>) -> Result<(), Status> {
    let ended = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(status) => return Err(status),
            }
        }
    };
    tokio::time::timeout(FOREVER, ended).await.expect("the stream ends")
}

/// Nobody listens there any more.
async fn expect_closed(house: &Aside) {
    let refused = || async { TcpStream::connect(house.address).await.err() };
    until("nobody listens", refused).await;
}

#[tokio::test]
async fn a_call_that_is_open_may_end_while_the_gateway_drains() {
    let recorder = Recorder::start().await;
    let house = recorder.gateway_with(|args| args.drain_seconds = 60).await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let tester = house.person(10, &[]).await;
    let call = tokio::spawn(async move { tester.call(lanes(workflow)).await });
    let asked = recorder.asked().await;
    house.shutdown.cancel();
    expect_closed(&house).await;
    assert!(!call.is_finished());
    let answer = ListLanesResponse { next_page_token: "late".to_owned(), ..Default::default() };
    asked.answer(&answer);
    assert_eq!(call.await.unwrap().unwrap(), answer);
}

#[tokio::test]
async fn what_is_open_when_the_drain_is_over_ends_as_unavailable() {
    let house = House::shared().await.aside(|args| args.drain_seconds = 1).await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let mut boards = watch(&house, workflow).await;
    house.shutdown.cancel();
    let ended = refusal(end(&mut boards).await, Code::Unavailable, ErrorReason::BackendUnavailable);
    assert_eq!(ended.message(), "the server is shutting down");
    expect_closed(&house).await;
}

#[tokio::test]
async fn a_call_without_an_answer_is_given_up_when_the_drain_is_over() {
    let recorder = Recorder::start().await;
    let house = recorder.gateway_with(|args| args.drain_seconds = 1).await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let tester = house.person(10, &[]).await;
    let call = tokio::spawn(async move { tester.call(lanes(workflow)).await });
    let asked = recorder.asked().await;
    house.shutdown.cancel();
    refusal(call.await.unwrap(), Code::Unavailable, ErrorReason::BackendUnavailable);
    asked.dropped().await;
}

/// Whether the client's library found the connection closed before it sent a call. Others send such a
/// call again by themselves.
fn was_not_sent(status: &Status) -> bool {
    status.code() == Code::Cancelled && status.message() == "operation was canceled"
}

/// Reads a board, on a connection that may just have been closed.
async fn board(tester: &Person, workflow: Workflow) -> wire::Board {
    loop {
        match tester.call(wire::GetBoardRequest { scope: Some(whole(workflow)) }).await {
            Ok(answer) => return answer.board.unwrap(),
            Err(status) => assert!(was_not_sent(&status), "{status:?}"),
        }
    }
}

#[tokio::test]
async fn an_old_connection_is_closed_and_no_call_fails() {
    let house = House::shared().await.aside(|args| args.max_connection_age_seconds = 1).await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let tester = house.person(10, &[]).await;
    let mut boards = watch(&house, workflow).await;
    for _ in 0..3 {
        // As old as the callers' connection, or younger: when it is closed, theirs was.
        let mut idle = TcpStream::connect(house.address).await.unwrap();
        let closed = tokio::spawn(async move { rest(&mut idle).await });
        while !closed.is_finished() {
            join_all((0..8).map(|_| board(&tester, workflow))).await;
        }
    }
    // A stream goes on, on a connection that takes no new calls.
    let own = house.person(10, &[]).await;
    own.create(&scope(workflow, Phase::PLANNING), Vec::new()).await.unwrap();
    let changed = tokio::time::timeout(FOREVER, boards.message()).await.expect("a board");
    assert!(changed.unwrap().is_some());
}

#[tokio::test]
async fn a_board_is_watched_no_longer_than_the_token_is_good_for() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let claims = TokenClaims::new(10, "user-10", Duration::from_secs(2));
    let mut boards = watch_with(&house.token_of(&claims), house.channel().await, workflow).await;
    let ended = end(&mut boards).await;
    refusal(ended, Code::Unauthenticated, ErrorReason::TokenInvalid);
}
