//! More calls at once than there is room for.

use signoff_contract::audit::v1 as audit;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::refusals::refusal;
use signoff_tests::wait::until;
use signoff_tests::world::whole;
use signoff_tests::{Aside, House, Person};
use signoff_workflow::{Role, Workflow};
use tonic::codegen::http::Response;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::raw::{Sender, framed, whole as all};
use crate::recorder::Recorder;

const WATCH: &str = "/signoff.gateway.v1.WorkflowService/WatchBoard";

/// Watches a board, for as long as the answer is kept.
async fn watch(house: &Aside, token: &str, workflow: Workflow) -> Response<tonic::body::Body> {
    let sender = Sender::new(house.address, token).await;
    let request = wire::WatchBoardRequest { scope: Some(whole(workflow)) };
    let answer = sender.begin(WATCH, all(framed(&request))).await.unwrap();
    assert!(Status::from_header_map(answer.headers()).is_none(), "{:?}", answer.headers());
    answer
}

async fn list(person: &Person) -> Result<wire::ListWorkflowsResponse, Status> {
    person.call(wire::ListWorkflowsRequest::default()).await
}

fn expect_full(answer: Result<wire::ListWorkflowsResponse, Status>) {
    let full = refusal(answer, Code::ResourceExhausted, ErrorReason::LimitExceeded);
    let retry = full.get_details_retry_info().expect("when to try again");
    assert!(retry.retry_delay.is_some_and(|delay| !delay.is_zero()), "{retry:?}");
}

async fn expect_healthy(house: &Aside) {
    let mut health = HealthClient::new(house.channel().await);
    health.check(HealthCheckRequest::default()).await.unwrap();
}

/// Waits until there is room again.
async fn expect_room(person: &Person) {
    until("room for a call", || async { list(person).await.ok() }).await;
}

#[tokio::test]
async fn one_caller_has_so_many_calls_open_and_others_are_served() {
    let house = House::shared().await.aside(|args| args.calls_per_caller = 2).await;
    let workflow = house.workflow(&[(10, Role::Tester), (20, Role::ReportOwner)]).await;
    let token = house.token(10, &[]);
    let first = watch(&house, &token, workflow).await;
    let second = watch(&house, &token, workflow).await;
    let tester = house.person(10, &[]).await;
    expect_full(list(&tester).await);
    // A second token of the same person makes no second person.
    expect_full(list(&house.person(10, &[Role::Auditor]).await).await);
    list(&house.person(20, &[]).await).await.unwrap();
    expect_healthy(&house).await;
    drop(first);
    expect_room(&tester).await;
    drop(second);
}

#[tokio::test]
async fn all_have_so_many_calls_open_and_health_is_still_answered() {
    let house = House::shared().await.aside(|args| args.calls = 3).await;
    let workflow = house.workflow(&[(10, Role::Tester), (20, Role::ReportOwner)]).await;
    let mut open = Vec::new();
    for (user_id, roles) in [(10, &[][..]), (20, &[]), (92, &[Role::Service])] {
        open.push(watch(&house, &house.token(user_id, roles), workflow).await);
    }
    let auditor = house.person(91, &[Role::Auditor]).await;
    expect_full(list(&auditor).await);
    expect_healthy(&house).await;
    open.pop();
    expect_room(&auditor).await;
}

#[tokio::test]
async fn calls_that_a_backend_does_not_answer_are_in_nobodys_way() {
    let recorder = Recorder::start().await;
    let house = recorder.gateway_with(|args| args.calls_per_caller = 3).await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let tester = house.person(10, &[]).await;
    let (mut calls, mut asked) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let tester = tester.clone();
        let scope = Some(whole(workflow));
        let request = audit::ListLanesRequest { scope, ..Default::default() };
        calls.push(tokio::spawn(async move { tester.call(request).await }));
        asked.push(recorder.asked().await);
    }
    expect_full(list(&tester).await);
    list(&house.person(20, &[]).await).await.unwrap();
    for asked in asked {
        asked.answer(&audit::ListLanesResponse::default());
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    list(&tester).await.unwrap();
}
