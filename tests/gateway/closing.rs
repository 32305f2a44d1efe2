//! A workflow that is closed: read-only in all three services, for ever.

use signoff_contract::feed::v1::Source;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::house::{ADMIN, listed};
use signoff_tests::lanes::{LOBS, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::world::whole;
use signoff_tests::{House, Office, build, world};
use signoff_workflow::{Phase, Role};
use tonic::{Code, Status};

fn close(office: &Office) -> wire::CloseWorkflowRequest {
    wire::CloseWorkflowRequest {
        scope: Some(whole(office.workflow)),
        reason: "the cycle is over".to_owned(),
        request_id: request_id(),
    }
}

#[track_caller]
fn closed<T: std::fmt::Debug>(answer: Result<T, Status>) {
    refusal(answer, Code::FailedPrecondition, ErrorReason::WorkflowClosed);
}

#[tokio::test]
async fn nothing_changes_in_a_closed_workflow_in_any_service() {
    let house = House::shared().await;
    let office = Office::of(house).await;
    office.through(Phase::DATA_OWNER_ID).await;
    let start = office.start_request(Phase::PLANNING);
    let started = office.tester().call(start.clone()).await.unwrap();
    let admin = house.admin().await;
    let request = close(&office);
    let first = admin.call(request.clone()).await.unwrap();
    let told = first.workflow.clone().unwrap();
    assert_eq!((told.closed_by, told.close_reason.as_str()), (ADMIN, "the cycle is over"));
    assert!(told.closed_at.is_some());

    let samples = office.here(Phase::SAMPLE_SELECTION);
    closed(office.tester().revise(&samples, Vec::new()).await);
    closed(office.lanes.assign(LOBS[0], 555).await);
    let case = office.lanes.cases_of(LOBS[0]).await.remove(0);
    closed(office.lanes.submit(OWNERS[0], &[case]).await);
    let note = build::object("note", "too late");
    closed(office.lanes.record(Phase::DATA_OWNER_ID, note).await);
    closed(office.start(Phase::REQUEST_INFO).await);
    closed(office.reopen(Phase::SCOPING).await);
    closed(office.reaffirm(Phase::SCOPING).await);
    closed(office.plan().await);
    let members = wire::SetMembersRequest {
        scope: Some(whole(office.workflow)),
        members: listed(&[(10, Role::Tester)]),
        reason: "too late".to_owned(),
        request_id: request_id(),
        ..Default::default()
    };
    closed(admin.call(members).await);

    // Everything is read as before, and what was asked before is answered as it was.
    assert!(office.board().await.closed);
    assert_eq!(office.tester().call(start).await.unwrap(), started);
    for source in [Source::Versioning, Source::Audit, Source::Gateway] {
        let last = office.trail(source).await.pop().unwrap();
        assert_eq!(last.action, "workflow.closed", "{source:?}");
        assert_eq!((last.actor_user_id, last.reason.as_str()), (ADMIN, "the cycle is over"));
        assert!(office.verify(source).await.intact);
    }
    assert_eq!(admin.call(request).await.unwrap(), first);
    closed(admin.call(close(&office)).await);
}

#[tokio::test]
async fn who_may_not_close_it_closes_it_nowhere() {
    let house = House::shared().await;
    let office = Office::of(house).await;
    office.start(Phase::PLANNING).await.unwrap();
    let request = close(&office);
    for person in [office.lead(), office.owner(), &house.person(91, &[Role::Auditor]).await] {
        let refused = person.call(request.clone()).await;
        refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
    let admin = house.admin().await;
    let bad = wire::CloseWorkflowRequest { reason: String::new(), ..request.clone() };
    let refused =
        refusal(admin.call(bad).await, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&refused), ["reason"]);
    let unknown = wire::CloseWorkflowRequest { scope: Some(whole(world::workflow())), ..request };
    refusal(admin.call(unknown).await, Code::NotFound, ErrorReason::NotFound);
    assert!(!office.board().await.closed);
    office.complete(Phase::PLANNING).await;
}

#[tokio::test]
async fn a_workflow_that_is_half_closed_is_closed_by_the_next_who_tries() {
    let house = House::shared().await;
    let office = Office::of(house).await;
    office.start(Phase::PLANNING).await.unwrap();
    // What a gateway that ended in between left behind: only the first backend knows.
    let gateway = house.versioning.gateway().await;
    let half = signoff_contract::versioning::v1::CloseWorkflowRequest {
        scope: Some(whole(office.workflow)),
        reason: "the cycle is over".to_owned(),
        request_id: request_id(),
    };
    gateway.call(half).await.unwrap();
    let here = office.here(Phase::PLANNING);
    closed(office.tester().create(&here, Vec::new()).await);
    let done = house.admin().await.call(close(&office)).await.unwrap();
    assert!(done.workflow.unwrap().closed_at.is_some());
    let note = build::object("note", "too late");
    closed(office.lanes.record(Phase::DATA_OWNER_ID, note).await);
}

#[tokio::test]
async fn a_closing_whose_id_was_used_closes_nothing() {
    let house = House::shared().await;
    let office = Office::of(house).await;
    let admin = house.admin().await;
    let members = wire::SetMembersRequest {
        scope: Some(whole(office.workflow)),
        members: listed(&[(10, Role::Tester)]),
        reason: "the team changed".to_owned(),
        request_id: request_id(),
        ..Default::default()
    };
    let used = members.request_id.clone();
    admin.call(members).await.unwrap();
    let request = wire::CloseWorkflowRequest { request_id: used, ..close(&office) };
    let answer = admin.call(request).await;
    refusal(answer, Code::InvalidArgument, ErrorReason::RequestIdReused);
    office.start(Phase::PLANNING).await.unwrap();
}
