//! PostgreSQL answers late, or not at all, or half.
//!
//! `SIGNOFF_TEST_LATE` is how often the network changes (4 if nothing is said), `SIGNOFF_TEST_SEED`
//! what it is decided by.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use secrecy::ExposeSecret as _;
use signoff_contract::metrics::v1 as metrics;
use signoff_contract::versioning::v1 as wire;
use signoff_ledger::{
    Begun, FeedError, Ledger, LedgerError, PoolOptions, QueueOptions, Source, connect,
};
use signoff_tests::people::{request_id, scope};
use signoff_tests::refusals::reason;
use signoff_tests::wait::{until, until_within};
use signoff_tests::{Counting, House, Person, Proxy, Way, build, database, settings, world};
use signoff_workflow::{Phase, Role};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tonic::{Code, Request};

use crate::at_work::AtWork;

/// How long people wait for an answer.
const GIVE_UP: Duration = Duration::from_secs(1);
/// How long those wait who must get along with a slow network, on a slow machine.
const PATIENT: Duration = Duration::from_secs(3);

/// By when the service itself has ended what nobody waits for: long before the server would, which ends
/// a transaction that waits for half a minute, and a statement that takes a minute.
const BY_ITSELF: Duration = Duration::from_secs(20);

/// The server's time, as text.
async fn server_time() -> String {
    let now = sqlx::query_scalar("select clock_timestamp()::text");
    now.fetch_one(&mut admin().await).await.unwrap()
}

/// Waits until no transaction in this database that had begun by then is left in the middle. To be asked
/// as soon as the network is well again, and while the service is there, which has to see to it.
async fn whole_connections(name: &str, by: &str) {
    until_within(BY_ITSELF, "whole connections", || async {
        let left: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = $1
                 and state like 'idle in transaction%' and xact_start < $2::timestamptz",
        )
        .bind(name)
        .bind(by)
        .fetch_one(&mut admin().await)
        .await
        .unwrap();
        (left == 0).then_some(())
    })
    .await;
}

async fn admin() -> PgConnection {
    let url = database::cluster().await.admin_url();
    PgConnection::connect(url.expose_secret()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_whatever_the_network_did() {
    let changes: u64 = settings::told("SIGNOFF_TEST_LATE").unwrap_or(4);
    let (urls, name) = database::fresh().await;
    let proxy = Proxy::before(&urls).await;
    let work = AtWork::for_at_most(&proxy.urls(&urls), Some(PATIENT)).await;
    let mut dice = StdRng::seed_from_u64(settings::seed());
    for nth in 0..changes {
        work.progress.more(dice.random_range(5..20)).await;
        let late = Duration::from_millis(dice.random_range(2..12));
        let way = [Way::Late(late), Way::Stalled, Way::Lost, Way::Cut];
        let way = way[usize::try_from(nth % 4).unwrap()];
        let unanswered = work.progress.unanswered.load(Ordering::SeqCst);
        proxy.set(way);
        match way {
            Way::Late(_) => work.progress.more(8).await,
            _ => {
                until("somebody who is not answered", || async {
                    (work.progress.unanswered.load(Ordering::SeqCst) > unanswered).then_some(())
                })
                .await;
            }
        }
        let by = server_time().await;
        proxy.set(Way::Open);
        whole_connections(&name, &by).await;
    }
    let mut database = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    work.finish(&mut database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_ends_by_its_deadline_and_leaves_its_connection_whole() {
    let (urls, name) = database::fresh().await;
    let proxy = Proxy::before(&urls).await;
    let work = AtWork::for_at_most(&proxy.urls(&urls), Some(PATIENT)).await;
    work.progress.more(10).await;
    for way in [Way::Stalled, Way::Lost] {
        expect_told(&work, &proxy, way, &name).await;
    }
    let mut database = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    work.finish(&mut database).await;
}

/// While the network is like this, each call is told so in time, and none leaves a transaction in this
/// database; what it asked for is done once.
async fn expect_told(work: &AtWork, proxy: &Proxy, way: Way, name: &str) {
    let mine = world::workflow();
    let here = scope(mine, Phase::SAMPLE_SELECTION);
    let tester = Person::new(&work.key, work.channel.clone(), 10, Some(mine), &[Role::Tester]);
    let patient = work.patient.clone();
    let reader = Person::new(&work.key, patient.clone(), 10, Some(mine), &[Role::Tester]);
    let mut gateway = Person::new(&work.key, patient, 1, None, &[Role::Gateway]);
    gateway.open_phase(mine, Phase::SAMPLE_SELECTION).await;
    let create = wire::CreateVersionRequest {
        scope: Some(here.clone()),
        request_id: request_id(),
        decisions: build::inputs(0..3),
        ..Default::default()
    };
    let list = wire::ListVersionsRequest { scope: Some(here.clone()), ..Default::default() };

    proxy.set(way);
    let began = Instant::now();
    // More than there are connections.
    let calls = (0..10).map(|_| {
        let (mut reader, mut writer) = (tester.versioning.clone(), tester.versioning.clone());
        let (mut list, mut create) = (Request::new(list.clone()), Request::new(create.clone()));
        list.set_timeout(GIVE_UP);
        create.set_timeout(GIVE_UP);
        async move {
            let (read, written) =
                tokio::join!(reader.list_versions(list), writer.create_version(create));
            [read.map(drop), written.map(drop)]
        }
    });
    for answer in join_all(calls).await.into_iter().flatten() {
        let status = answer.unwrap_err();
        if std::error::Error::source(&status).is_some() {
            // On a slow machine the client may have given up before it heard.
            assert_eq!(status.code(), Code::Cancelled, "{way:?}: {status:?}");
            continue;
        }
        assert_eq!(status.code(), Code::DeadlineExceeded, "{way:?}: {status:?}");
        assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
    }
    assert!(began.elapsed() < 5 * GIVE_UP, "{way:?}: {:?}", began.elapsed());
    let by = server_time().await;
    proxy.set(Way::Open);
    whole_connections(name, &by).await;

    // Whether it was done before or not, it is done once.
    let same = until("the same request", || async { tester.call(create.clone()).await.ok() });
    let version = same.await.version.unwrap();
    assert_eq!(reader.versions(&here).await.len(), 1, "{way:?}");
    assert_eq!(reader.decisions(&version).await.len(), 3, "{way:?}");
    assert!(reader.verify(mine).await.intact);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_nobody_waited_for_leave_no_transaction_to_the_next_one() {
    let house = House::new().await;
    let migrations = signoff_metrics::migrations();
    let (urls, _) = database::fresh_for(database::cluster().await, "metrics", migrations).await;
    let proxy = Proxy::before(&urls).await;
    let counting = Counting::over(&house, proxy.urls(&urls)).await;
    counting.settled(&house).await;
    let auditor = counting.auditor().await;
    let admin = counting.person(signoff_tests::house::ADMIN, None, &[Role::Admin]).await;
    for _ in 0..3 {
        proxy.set(Way::Stalled);
        let calls = (0..12).map(|_| {
            let call = auditor.call(metrics::GetFreshnessRequest {});
            // Whoever asks goes away in the middle of it.
            tokio::time::timeout(GIVE_UP / 4, call)
        });
        for answer in join_all(calls).await {
            assert!(answer.is_err(), "it was answered");
        }
        proxy.set(Way::Open);
        // One that was left in a transaction for reading would refuse some of these.
        for _ in 0..12 {
            let request =
                metrics::RebuildRequest { request_id: request_id(), reason: "to see".to_owned() };
            until("a rebuild", || async {
                match admin.call(request.clone()).await {
                    Ok(answer) => Some(answer),
                    Err(status) => {
                        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                        None
                    }
                }
            })
            .await;
        }
    }
    counting.settled(&house).await;
    counting.stop().await;
}

/// Short limits, so that a test sees their ends.
fn impatient() -> PoolOptions {
    PoolOptions {
        max_connections: 2,
        acquire_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(1),
        patience: Duration::from_millis(500),
        ..PoolOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_without_a_word_is_given_up() {
    let (urls, _) = database::fresh().await;
    let proxy = Proxy::before(&urls).await;
    let urls = proxy.urls(&urls);
    let pool = connect(&urls.service, impatient()).await.unwrap();
    let ledger = Ledger::new(pool, Source::Versioning, QueueOptions::default());
    let mut feed = ledger.follow(None).await.unwrap();
    feed.next().await.unwrap();
    let workflow = world::workflow();
    let Begun::New(command) = ledger.begin(workflow, None, None).await.unwrap() else {
        panic!("nothing was asked before")
    };
    let lease = ledger.pool().acquire().await.unwrap();

    proxy.set(Way::Lost);
    // In the middle of a transaction, with a lock, and without.
    drop((command, lease));
    // New ones cannot be made either, and a feed that nobody's deadline ends hears nothing.
    let silent = feed.next().await.unwrap_err();
    assert!(matches!(silent, FeedError::Ledger(LedgerError::Unavailable(_))), "{silent:?}");
    until_within(BY_ITSELF, "both given up", || async {
        (ledger.pool().connections().open == 0).then_some(())
    })
    .await;

    proxy.set(Way::Open);
    feed.next().await.unwrap();
    let begun = ledger.begin(workflow, None, None).await.unwrap();
    assert!(matches!(begun, Begun::New(_)), "its lock is free");
    proxy.set(Way::Lost);
    drop(begun);
    let closed = tokio::time::timeout(Duration::from_secs(5), ledger.pool().close()).await;
    closed.expect("the end waits for nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_nobody_waits_for_ends_on_the_server() {
    let (urls, name) = database::fresh().await;
    let minute = Duration::from_secs(60);
    let options = PoolOptions { statement_timeout: minute, lock_timeout: minute, ..impatient() };
    let mut holder = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    holder.execute("select pg_advisory_lock(7)").await.unwrap();
    let pool = connect(&urls.service, options).await.unwrap();
    let running = async || -> i64 {
        sqlx::query_scalar(
            "select count(*) from pg_stat_activity
             where datname = $1 and query like '%pg_advisory_lock%' and state = 'active'",
        )
        .bind(&name)
        .fetch_one(&mut admin().await)
        .await
        .unwrap()
    };
    let long = async {
        let mut lease = pool.acquire().await.unwrap();
        sqlx::query("select pg_advisory_lock(7)").execute(&mut *lease).await
    };
    tokio::select! {
        _ = long => panic!("somebody else has the lock"),
        () = until("it runs", || async { (running().await == 1).then_some(()) }) => {}
    }
    until_within(BY_ITSELF, "its end", || async { (running().await == 0).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_takes_longer_than_anybody_waits_is_there_for_those_who_come_next() {
    let (urls, _) = database::fresh().await;
    let proxy = Proxy::before(&urls).await;
    let options = PoolOptions { max_connections: 2, ..PoolOptions::default() };
    let pool = connect(&proxy.urls(&urls).service, options).await.unwrap();
    let _taken = pool.acquire().await.unwrap();
    // Several messages go to and fro before a connection can be used.
    proxy.set(Way::Late(Duration::from_millis(50)));
    until("another connection", || async {
        tokio::time::timeout(Duration::from_millis(100), pool.acquire()).await.ok()
    })
    .await
    .unwrap();
}
