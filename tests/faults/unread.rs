//! Consumers that do not read what they asked for.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::feed_service_client::FeedServiceClient;
use signoff_contract::gateway::v1 as gateway;
use signoff_contract::gateway::v1::workflow_service_client::WorkflowServiceClient;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Scope;
use signoff_tests::connection::Connection;
use signoff_tests::house::{AUDITOR, SERVICE};
use signoff_tests::people::scope;
use signoff_tests::wait::until;
use signoff_tests::world::whole;
use signoff_tests::{House, Office, Person, build, world};
use signoff_workflow::{Phase, Role, Workflow};
use tokio::process::Child;
use tonic::Streaming;
use tonic::transport::Channel;
use wire::payload::Kind;

use crate::killed::{Killable, free_address, start_with};

const GATEWAY: &str = env!("CARGO_BIN_EXE_gateway-under-test");

/// How many decisions are exported, and how long each is: together far more than may be kept for
/// those who do not take them.
const DECISIONS: u32 = 8_000;
const LONG: usize = 3_000;
/// How many do not read, of each kind.
const IDLE: usize = 6;
/// What the service may need for all of them, in KiB. All exports together are more than 130 MiB, and
/// more than twice that as the service holds them.
const ROOM: u64 = 128 * 1024;
/// How soon others are answered.
const SOON: Duration = Duration::from_secs(3);
/// How long an end may take: two seconds to drain, and what a slow machine takes.
const END: Duration = Duration::from_secs(15);

/// A line of a process's status, in KiB.
fn resident(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// By how many KiB a process may grow and still be at rest, and for how many looks: three seconds and more,
/// for on a busy machine a process may get no turn for a while.
const REST: (u64, u32) = (256, 600);

/// Waits until a process needs no more than it did for a while.
async fn settled(child: &Child) -> u64 {
    let (mut most, mut same) = (0, 0);
    until("a process that has what it needs", || {
        let now = resident(child);
        if now > most + REST.0 {
            (most, same) = (now, 0);
        } else {
            same += 1;
        }
        let settled = (same >= REST.1).then_some(most);
        async move { settled }
    })
    .await
}

/// Takes all the rest of an export, and gives how many decisions it had.
async fn read_on(mut late: Streaming<wire::ExportDecisionsResponse>) -> usize {
    let all = async {
        let mut read = 0;
        while let Some(message) = late.message().await.unwrap() {
            read += message.decisions.len();
        }
        read
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("the rest of it")
}

/// Ends a process in an orderly way.
async fn end(mut child: Child) {
    let began = Instant::now();
    drop(child.stdin.take());
    let ended = tokio::time::timeout(END, child.wait()).await.expect("an end").unwrap();
    assert!(ended.success(), "{ended} after {:?}", began.elapsed());
}

fn long_samples() -> Vec<wire::DecisionInput> {
    // Not the same again and again: it might be kept in less.
    let text = |number: u32| format!("{number:x} ").repeat(LONG / 6);
    (0..DECISIONS).map(|number| build::input(&format!("S-{number:06}"), &text(number))).collect()
}

/// Asks for everything, and takes nothing. Each holds its connection.
#[derive(Default)]
struct Idle {
    decisions: Vec<Streaming<wire::ExportDecisionsResponse>>,
    trails: Vec<Streaming<feed::ExportTrailResponse>>,
    feeds: Vec<Streaming<feed::SubscribeResponse>>,
    boards: Vec<Streaming<gateway::WatchBoardResponse>>,
}

impl Idle {
    async fn export(&mut self, mut person: Person, version: &wire::Version) {
        let request = wire::ExportDecisionsRequest {
            scope: version.scope.clone(),
            version_id: version.version_id.clone(),
            filter: None,
        };
        self.decisions
            .push(person.versioning.export_decisions(request).await.unwrap().into_inner());
        let scope = version.scope.clone().map(|scope| Scope { phase: 0, ..scope });
        let request = feed::ExportTrailRequest { scope, source: feed::Source::Versioning.into() };
        self.trails.push(person.trail.export_trail(request).await.unwrap().into_inner());
    }

    async fn subscribe(&mut self, connection: Connection) {
        let request = feed::SubscribeRequest {
            source: feed::Source::Versioning.into(),
            with_details: true,
            ..Default::default()
        };
        let mut client = FeedServiceClient::new(connection);
        self.feeds.push(client.subscribe(request).await.unwrap().into_inner());
    }

    async fn watch(&mut self, connection: Connection, workflow: Workflow) {
        let request = gateway::WatchBoardRequest { scope: Some(whole(workflow)) };
        let mut client = WorkflowServiceClient::new(connection);
        self.boards.push(client.watch_board(request).await.unwrap().into_inner());
    }

    /// They were there all the time.
    fn count(&self) -> usize {
        self.decisions.len() + self.trails.len() + self.feeds.len() + self.boards.len()
    }
}

/// Somebody else is served as ever.
async fn expect_served(person: &Person, version: &wire::Version) {
    for _ in 0..20 {
        let began = Instant::now();
        person.get(version).await.unwrap();
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_keeps_little_for_those_who_do_not_read() {
    let service = Killable::start().await;
    let (mine, address) = (world::workflow(), service.address);
    let person = async |user_id, of, role| {
        Person::new(&service.key, world::connect(address).await, user_id, of, &[role])
    };
    person(1, None, Role::Gateway).await.open_phase(mine, Phase::SAMPLE_SELECTION).await;
    let tester = person(10, Some(mine), Role::Tester).await;
    let here = scope(mine, Phase::SAMPLE_SELECTION);
    let draft = tester.create(&here, Vec::new()).await.unwrap();
    tester.import(&draft, long_samples()).await.unwrap();
    let draft = tester.get(&draft).await.unwrap();
    // As much as it needs for one who reads.
    assert_eq!(tester.export(&draft, None).await.unwrap().len(), DECISIONS as usize);
    let before = settled(&service.child).await;

    let mut idle = Idle::default();
    for _ in 0..IDLE {
        idle.export(person(10, Some(mine), Role::Tester).await, &draft).await;
        let claims = signoff_chassis::identity::Claims::new(SERVICE, "follower", Duration::ZERO)
            .with_roles([Role::Service]);
        let channel = world::connect(address).await;
        idle.subscribe(Connection::signing(channel, &service.key, claims)).await;
    }
    let after = settled(&service.child).await;
    println!("{before} KiB before, {after} KiB with {} who do not read", idle.count());
    assert!(after < before + ROOM, "{before} KiB before, {after} KiB now");
    expect_served(&tester, &draft).await;
    // Whoever reads on gets all of it.
    assert_eq!(read_on(idle.decisions.remove(0)).await, DECISIONS as usize);
    end(service.child).await;
    assert_eq!(idle.count(), 3 * IDLE - 1);
}

/// The gateway as a process of its own, in front of this house.
async fn gateway(house: &House) -> (Child, SocketAddr) {
    let (args, address) = (house.args(), free_address());
    let url = |urls: &[tonic::transport::Uri]| OsString::from(urls[0].to_string());
    let keys = house.folder().join("provider-jwks.json");
    let options: [OsString; 12] = [
        "--gateway-key".into(),
        args.gateway_key.clone().into(),
        "--versioning-url".into(),
        url(&args.versioning_url),
        "--audit-url".into(),
        url(&args.audit_url),
        "--metrics-url".into(),
        url(&args.metrics_url),
        "--oidc-issuer".into(),
        args.tokens.oidc_issuer.clone().unwrap().into(),
        "--oidc-jwks".into(),
        keys.into(),
    ];
    (start_with(GATEWAY, address, &options, &house.urls).await, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_keeps_little_for_those_who_do_not_read() {
    let house = House::new().await;
    let office = Office::of(&house).await;
    house.settled(office.workflow).await;
    let (child, address) = gateway(&house).await;
    let person = async |user_id, roles: &[Role]| {
        let channel: Channel = world::connect(address).await;
        Person::with_token(&house.token(user_id, roles), channel, user_id)
    };
    let tester = person(10, &[]).await;
    office.start(Phase::PLANNING).await.unwrap();
    let here = office.here(Phase::PLANNING);
    let draft = tester.create(&here, Vec::new()).await.unwrap();
    let mut items = build::items(Phase::PLANNING, 0..DECISIONS);
    for (number, item) in (0..).zip(&mut items) {
        if let Some(Kind::AttributeDecision(of)) =
            item.payload.as_mut().and_then(|of| of.kind.as_mut())
        {
            let number: u32 = number;
            of.decision_reason = format!("{number:x} ").repeat(LONG / 6);
        }
    }
    tester.import(&draft, items).await.unwrap();
    let draft = tester.get(&draft).await.unwrap();
    assert_eq!(tester.export(&draft, None).await.unwrap().len(), DECISIONS as usize);
    let before = settled(&child).await;

    let mut idle = Idle::default();
    for _ in 0..IDLE {
        idle.export(person(10, &[]).await, &draft).await;
        let channel = world::connect(address).await;
        let token = house.token(SERVICE, &[Role::Service]);
        let mut client = FeedServiceClient::new(Connection::with_token(channel.clone(), &token));
        let request =
            feed::SubscribeRequest { source: feed::Source::Gateway.into(), ..Default::default() };
        idle.feeds.push(client.subscribe(request).await.unwrap().into_inner());
        let token = house.token(AUDITOR, &[Role::Auditor]);
        idle.watch(Connection::with_token(channel, &token), office.workflow).await;
    }
    let after = settled(&child).await;
    println!("{before} KiB before, {after} KiB with {} who do not read", idle.count());
    assert!(after < before + ROOM / 2, "{before} KiB before, {after} KiB now");
    expect_served(&tester, &draft).await;
    assert_eq!(read_on(idle.decisions.remove(0)).await, DECISIONS as usize);
    end(child).await;
    assert_eq!(idle.count(), 4 * IDLE - 1);
}
