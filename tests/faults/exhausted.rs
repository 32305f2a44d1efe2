//! Every connection of a service is taken, and many more are wanted.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use signoff_chassis::identity::{Jwks, SigningKey};
use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::{request_id, scope};
use signoff_tests::plain::get;
use signoff_tests::refusals::reason;
use signoff_tests::wait::until;
use signoff_tests::{Person, build, database, world};
use signoff_versioning::Service;
use signoff_versioning::executions::AuditArgs;
use signoff_workflow::{Phase, Role};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// How many people ask at once: ten times as many as there are connections.
const PEOPLE: i64 = 60;
/// How long anybody may wait: for a connection, and then for a lock; and what a slow machine takes.
const LONGEST: Duration = Duration::from_secs(5 + 5 + 20);
/// How soon what needs no database is answered.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_is_bounded_and_what_needs_no_database_is_answered() {
    let (urls, _) = database::fresh().await;
    let folder = tempfile::tempdir().unwrap();
    let (key, jwks) = (Arc::new(SigningKey::generate().unwrap()), folder.path().join("jwks.json"));
    Jwks::of([&*key]).save(&jwks).unwrap();
    let mut args = world::serve_args(&urls, jwks, AuditArgs::default());
    args.server.monitor.http_listen = Some(FREE);
    let service = Service::prepare(args).await.unwrap();
    let (address, watched) = (service.address(), service.monitored_at().unwrap());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(service.run(shutdown.clone()));
    let channel = world::connect(address).await;
    let mut gateway = Person::new(&key, channel.clone(), 1, None, &[Role::Gateway]);
    let mut people = Vec::new();
    for user_id in 10..10 + PEOPLE {
        let workflow = world::workflow();
        gateway.open_phase(workflow, Phase::SAMPLE_SELECTION).await;
        let person = Person::new(&key, channel.clone(), user_id, Some(workflow), &[Role::Tester]);
        people.push((person, scope(workflow, Phase::SAMPLE_SELECTION), request_id()));
    }

    // Whatever is asked for waits for this.
    use secrecy::ExposeSecret as _;
    let mut owner = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    owner.execute("begin; lock table versions, lines in access exclusive mode").await.unwrap();
    let create = |scope: &signoff_contract::workflow::v1::Scope, request_id: &str| {
        wire::CreateVersionRequest {
            scope: Some(scope.clone()),
            request_id: request_id.to_owned(),
            decisions: build::inputs(0..2),
            ..Default::default()
        }
    };
    let calls = people.iter().map(|(person, here, id)| async move {
        let began = Instant::now();
        let status = match person.user_id % 2 {
            0 => person.call(create(here, id)).await.unwrap_err(),
            _ => {
                let list =
                    wire::ListVersionsRequest { scope: Some(here.clone()), ..Default::default() };
                person.call(list).await.unwrap_err()
            }
        };
        (status, began.elapsed())
    });
    let done = Cell::new(false);
    let calls = async {
        let answers = join_all(calls).await;
        done.set(true);
        answers
    };
    let elsewhere = async {
        let (mut full, mut looks) = (false, 0);
        while !done.get() {
            let began = Instant::now();
            let mut health = HealthClient::new(channel.clone());
            health.check(HealthCheckRequest::default()).await.unwrap();
            assert_eq!(get(watched, "/health/live").await.0, 200);
            let (status, numbers) = get(watched, "/metrics").await;
            assert_eq!(status, 200);
            assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
            looks += 1;
            let taken = "signoff_db_pool_connections{service=\"versioning\",state=\"used\"} 6\n";
            full |= numbers.contains(taken);
        }
        assert!(full, "of {looks} looks none found every connection taken");
    };
    let both = async { tokio::join!(calls, elsewhere) };
    let (answers, ()) = tokio::time::timeout(2 * LONGEST, both).await.expect("an end of waiting");
    let (mut busy, mut away) = (0, 0);
    for (status, took) in answers {
        assert!(took < LONGEST, "{took:?}: {status:?}");
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
        match (status.code(), reason(&status).as_str()) {
            (Code::ResourceExhausted, "LIMIT_EXCEEDED") => busy += 1,
            (Code::Unavailable, "BACKEND_UNAVAILABLE") => away += 1,
            _ => panic!("{status:?}"),
        }
    }
    assert!(busy > 0 && away > 0, "{busy} waited for the lock, {away} for a connection");
    let (status, why) = get(watched, "/health/ready").await;
    assert!(status == 200 || why.contains("the database does not answer"), "{status}: {why}");

    owner.execute("rollback").await.unwrap();
    // Each once, whether it was done before or not.
    let again = people.iter().map(|(person, here, id)| async move {
        let done = until("a version", || async { person.call(create(here, id)).await.ok() });
        done.await;
        assert_eq!(person.versions(here).await.len(), 1);
    });
    join_all(again).await;
    until("ready", || async { (get(watched, "/health/ready").await.0 == 200).then_some(()) }).await;
    shutdown.cancel();
    running.await.unwrap().unwrap();
}
