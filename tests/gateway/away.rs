//! A backend is away, and comes back; or one replica of it is.

use std::net::TcpListener;
use std::time::Duration;

use signoff_contract::audit::v1 as audit;
use signoff_contract::gateway::v1 as wire;
use signoff_tests::refusals::reason;
use signoff_tests::wait::until;
use signoff_tests::world::whole;
use signoff_tests::{House, Office, build};
use signoff_workflow::Phase;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

/// Nobody waits longer than this to be told that a backend is away.
const AT_ONCE: Duration = Duration::from_secs(10);

async fn health(house: &House, service: &str) -> ServingStatus {
    let mut client = HealthClient::new(house.channel().await);
    let request = HealthCheckRequest { service: service.to_owned() };
    client.check(request).await.unwrap().into_inner().status()
}

async fn expect_health(house: &House, expected: [ServingStatus; 2]) {
    let services = [
        ("signoff.versioning.v1.VersioningService", expected[0]),
        ("signoff.audit.v1.AuditPhaseService", expected[1]),
        ("signoff.audit.v1.DocumentService", expected[1]),
    ];
    for (service, expected) in services {
        until(service, || async { (health(house, service).await == expected).then_some(()) }).await;
    }
    assert_eq!(health(house, "").await, ServingStatus::Serving, "the gateway itself is there");
}

/// Expects that a call is refused at once because a backend is away.
async fn expect_away<T: std::fmt::Debug>(call: impl Future<Output = Result<T, Status>>) {
    let answer = tokio::time::timeout(AT_ONCE, call).await.expect("an answer at once");
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(reason(&status), "BACKEND_UNAVAILABLE");
    let retry = status.get_details_retry_info().and_then(|info| info.retry_delay);
    assert!(retry.is_some(), "when to try again: {status:?}");
}

fn board(office: &Office) -> wire::GetBoardRequest {
    wire::GetBoardRequest { scope: Some(whole(office.workflow)) }
}

fn lanes(office: &Office) -> audit::ListLanesRequest {
    audit::ListLanesRequest { scope: office.lanes.whole(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_a_backend_that_is_away_is_told_at_once() {
    let mut house = House::new().await;
    let office = Office::of(&house).await;
    office.through(Phase::DATA_OWNER_ID).await;
    expect_health(&house, [ServingStatus::Serving; 2]).await;
    house.audit.pause().await;
    expect_away(office.tester().call(board(&office))).await;
    expect_away(office.tester().call(lanes(&office))).await;
    expect_away(office.start(Phase::REQUEST_INFO)).await;
    expect_away(office.plan()).await;
    let note = build::object("note", "nobody hears it");
    expect_away(office.lanes.record(Phase::DATA_OWNER_ID, note)).await;
    // What the other backend does alone goes on.
    let versions = office.tester().versions(&office.here(Phase::PLANNING)).await;
    assert_eq!(versions.len(), 1);
    expect_health(&house, [ServingStatus::Serving, ServingStatus::NotServing]).await;
    house.audit.resume().await;
    until("the backend is back", || async { office.tester().call(board(&office)).await.ok() })
        .await;
    office.complete(Phase::REQUEST_INFO).await;
    expect_health(&house, [ServingStatus::Serving; 2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reopening_that_a_backend_was_away_for_is_finished_when_it_is_back() {
    let mut house = House::new().await;
    let office = Office::of(&house).await;
    office.through(Phase::DATA_OWNER_ID).await;
    let request = office.reopen_request(Phase::SAMPLE_SELECTION);
    house.versioning.pause().await;
    expect_away(office.lead().call(request.clone())).await;
    house.versioning.resume().await;
    let office_is_back = || async { office.lead().call(request.clone()).await.ok() };
    let answer = until("the backend is back", office_is_back).await;
    assert_eq!(answer.stale, [5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_the_one_that_lives_is_asked() {
    let house = House::new().await;
    let (living, shutdown) = house.audit.replica().await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = |address| format!("http://{address}").parse().unwrap();
    let (address, _gateway) =
        house.replica_with(|args| args.audit_url = vec![url(nobody), url(living)]).await;
    let here = Office::of(&house).await;
    let office = Office::at(address, &house.provider, here.workflow).await;
    for _ in 0..6 {
        office.tester().call(board(&office)).await.unwrap();
        office.tester().call(lanes(&office)).await.unwrap();
    }
    office.through(Phase::DATA_OWNER_ID).await;

    // Of two that lived, one ends.
    let audits = vec![url(living), url(house.audit.address)];
    let (address, _gateway) = house.replica_with(|args| args.audit_url = audits).await;
    let office = Office::at(address, &house.provider, here.workflow).await;
    for _ in 0..4 {
        office.tester().call(board(&office)).await.unwrap();
    }
    shutdown.cancel();
    until("it ended", || async { tokio::net::TcpStream::connect(living).await.err() }).await;
    for _ in 0..6 {
        office.tester().call(board(&office)).await.unwrap();
        office.tester().call(lanes(&office)).await.unwrap();
    }
    office.complete(Phase::REQUEST_INFO).await;
}
