//! The feed: each record once, in order, whoever writes, reads or is away meanwhile.

mod epochs;
mod follower;
mod held;
mod plans;
mod quiet;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use signoff_ledger::{
    Cursor, DetailWriter, DetailsRoot, FeedError, Hash, Ledger, NoWitness, PoolOptions,
    QueueOptions,
};
use signoff_workflow::Workflow;
use tokio_util::sync::CancellationToken;

use self::follower::Follower;
use self::quiet::Quiet;
use super::support::{Database, begin, count, entry, until, workflow, write_one};

const WORKFLOWS: usize = 8;
const WRITERS: usize = 32;
const EACH: usize = 10;
const RECORDS: usize = WRITERS * EACH;

/// Two ledgers on one database, as two processes of a service have them, that wake followers.
async fn replicas(database: &Database) -> [Ledger; 2] {
    let patient = PoolOptions {
        acquire_timeout: Duration::from_secs(60),
        lock_timeout: Duration::from_secs(60),
        ..PoolOptions::default()
    };
    let queue = QueueOptions { max_waiting: WRITERS, max_wait: Duration::from_secs(60) };
    [database.ledger_with(patient, queue).await, database.ledger_with(patient, queue).await]
}

/// Wakes followers for as long as the test runs.
fn wake(ledger: &Ledger) -> CancellationToken {
    let (ledger, end) = (ledger.clone(), CancellationToken::new());
    let ended = end.clone();
    tokio::spawn(async move { ledger.wake_followers(ended).await });
    end
}

/// A record that was committed, and when that was known.
type Committed = (Hash, DateTime<Utc>);

/// Writes, gives up every fifth record and holds every third one back for some statements.
async fn write(ledger: Ledger, workflow: Workflow, writer: usize) -> Vec<Committed> {
    let mut committed = Vec::new();
    for nth in 0..EACH {
        if (writer + nth).is_multiple_of(5) {
            let mut given_up = begin(&ledger, workflow).await.unwrap();
            sqlx::query("select pg_current_xact_id()").execute(given_up.conn()).await.unwrap();
            drop(given_up);
        }
        let mut command = begin(&ledger, workflow).await.unwrap();
        if (writer + nth).is_multiple_of(3) {
            let slow = "select pg_current_xact_id(), count(*) from generate_series(1, 50000)";
            sqlx::query(slow).execute(command.conn()).await.unwrap();
        }
        let entry = entry(&command);
        command.record(entry).unwrap();
        let head = command.commit(None).await.unwrap();
        let now = sqlx::query_scalar("select clock_timestamp()");
        committed.push((
            head.hash,
            now.fetch_one(&mut *ledger.pool().acquire().await.unwrap()).await.unwrap(),
        ));
    }
    committed
}

/// Follows from a place on until it has as many records as there will be.
async fn follow_all(ledger: Ledger) -> Follower {
    let mut follower = Follower::of(&ledger, None).await;
    while follower.got.len() < RECORDS {
        follower.next().await;
    }
    follower
}

/// The same, subscribing anew for every page.
async fn resume_all(replicas: [Ledger; 2]) -> Follower {
    let mut follower = Follower::of(&replicas[0], None).await;
    let mut turn = 0;
    while follower.got.len() < RECORDS {
        follower.next().await;
        turn += 1;
        follower.resume(&replicas[turn % 2]).await;
    }
    follower
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_comes_once_and_in_order_while_many_write() {
    let database = Database::new().await;
    let replicas = replicas(&database).await;
    let ends: Vec<_> = replicas.iter().map(|ledger| wake(ledger).drop_guard()).collect();
    let follower = tokio::spawn(follow_all(replicas[0].clone()));
    let resuming = tokio::spawn(resume_all(replicas.clone()));
    let workflows: Vec<_> = (0..WORKFLOWS).map(|_| workflow()).collect();
    let writers = (0..WRITERS).map(|writer| {
        let (ledger, workflow) = (replicas[writer % 2].clone(), workflows[writer % WORKFLOWS]);
        tokio::spawn(write(ledger, workflow, writer))
    });
    let committed: Vec<Committed> = try_join_all(writers).await.unwrap().concat();
    let late = follow_all(replicas[1].clone()).await;
    for follower in [follower.await.unwrap(), resuming.await.unwrap(), late] {
        let stored: i64 =
            count(&mut database.superuser().await, "select count(*) from trail").await;
        assert_eq!((follower.got.len(), stored), (RECORDS, RECORDS.try_into().unwrap()));
        for workflow in &workflows {
            let chain = replicas[0].verify(*workflow, &mut NoWitness).await.unwrap();
            assert!(chain.intact, "{chain:?}");
            assert_eq!(follower.head(*workflow), chain.head);
        }
        // What the watermark said at any time was true: who knew of a commit before it had it sent.
        let places: BTreeMap<Hash, usize> =
            follower.got.iter().enumerate().map(|(nth, of)| (of.cursor.hash, nth)).collect();
        for (watermark, had) in &follower.watermarks {
            for (hash, known_at) in &committed {
                assert!(known_at > watermark || places[hash] < *had, "{known_at} {watermark}");
            }
        }
    }
    drop(ends);
}

#[tokio::test]
async fn a_follower_hears_of_what_another_process_commits_without_looking() {
    let quiet = Quiet::new().await;
    let here = quiet.database.ledger().await;
    let there = quiet.database.ledger().await;
    let ends = [&here, &there].map(|ledger| wake(ledger).drop_guard());
    let listening = "select count(*) from pg_stat_activity where query ilike 'listen%'";
    let mut superuser = quiet.database.superuser().await;
    until(async || count(&mut superuser, listening).await == 2).await;
    let mut follower = Follower::of(&here, None).await;
    follower.next().await;
    assert!(follower.got.is_empty());

    // From here on no time passes: as long as a thread is busy, the runtime's clock stands still.
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let busy = tokio::task::spawn_blocking(move || stopped.recv().is_err());
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let workflow = workflow();
    let (written, ()) = tokio::join!(write_one(&there, workflow), follower.next());
    assert_eq!(follower.head(workflow), written.unwrap());
    assert_eq!(began.elapsed(), Duration::ZERO, "it did not look by itself");
    tokio::time::resume();
    drop((stop, ends));
    assert!(busy.await.unwrap());
}

#[tokio::test]
async fn feeds_end_when_the_service_does_and_until_then_say_where_they_stand() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let end = wake(&ledger);
    let mut follower = Follower::of(&ledger, None).await;
    for _ in 0..3 {
        follower.next().await;
        assert_eq!(follower.standing().waiting, 0);
    }
    assert!(follower.got.is_empty());
    let waiting = tokio::spawn(async move { follower.feed.next().await });
    end.cancel();
    assert!(matches!(waiting.await.unwrap(), Err(FeedError::Ended)));
    // Nobody begins to follow a service that has ended.
    until(async || {
        let mut late = ledger.follow(None).await.unwrap();
        matches!(late.next().await, Err(FeedError::Ended))
    })
    .await;
}

/// Writes a record with so many chunks of details, of some 40 KB each.
async fn write_with_details(ledger: &Ledger, workflow: Workflow, chunks: usize) {
    let mut command = begin(ledger, workflow).await.unwrap();
    let mut entry = entry(&command);
    let mut writer = DetailWriter::new(&["item_key"]);
    for _ in 0..chunks {
        writer.row(&["x".repeat(40_000)]).unwrap();
    }
    entry.details.push(writer.finish());
    command.record(entry).unwrap();
    command.commit(None).await.unwrap();
}

#[tokio::test]
async fn details_come_a_few_at_a_time_and_all_of_them() {
    const CHUNKS: [usize; 7] = [0, 37, 0, 1, 16, 0, 2];
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    for chunks in CHUNKS {
        write_with_details(&ledger, workflow, chunks).await;
    }
    let mut follower = Follower::of(&ledger, None).await;
    until(async || {
        follower.next().await;
        follower.got.len() == CHUNKS.len()
    })
    .await;
    // Behind the first two records: what is asked for decides, not what was read.
    for first in [0, 2] {
        let of = &follower.got[first..];
        let (mut after, mut pages, mut found) = ((1, -1), 0, vec![Vec::new(); of.len()]);
        loop {
            let page = follower.feed.details(of, after).await.unwrap();
            let Some((nth, chunk, _)) = page.last() else { break };
            assert!(page.len() <= 16, "{}", page.len());
            after = (*nth, *chunk);
            pages += 1;
            for (nth, chunk, content) in page {
                let of_record = &mut found[usize::try_from(nth).unwrap() - 1];
                assert_eq!(usize::try_from(chunk).unwrap(), of_record.len());
                of_record.push(content);
            }
        }
        let counts: Vec<usize> = found.iter().map(Vec::len).collect();
        assert_eq!(counts, CHUNKS[first..]);
        assert_eq!(pages, counts.iter().sum::<usize>().div_ceil(16));
        for (record, chunks) in of.iter().zip(found) {
            let told: serde_json::Value = serde_json::from_slice(&record.canonical).unwrap();
            let mut root = DetailsRoot::default();
            assert!(chunks.iter().all(|chunk| root.add(&chunk.body, &chunk.hash)));
            let root = root.finish().map(|root| serde_json::json!(hex(&root)));
            assert_eq!(told["details"].get("root"), root.as_ref());
        }
    }
}

/// As it is in canonical bytes.
fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_cursor_that_was_kept_as_a_text_goes_on_where_it_was() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    for _ in 0..3 {
        write_one(&ledger, workflow).await.unwrap();
    }
    let mut all = Follower::of(&ledger, None).await;
    until(async || {
        all.next().await;
        all.got.len() == 3
    })
    .await;
    for (nth, record) in (1..).zip(&all.got) {
        assert_eq!((record.cursor.records, record.cursor.sequence), (nth, nth));
        let kept: Cursor = record.cursor.to_string().parse().unwrap();
        let mut rest = ledger.follow(Some(kept)).await.unwrap();
        let page = rest.next().await.unwrap();
        assert_eq!(page.records, all.got[usize::try_from(nth).unwrap()..]);
        let standing = page.standing.expect("with the last records");
        assert_eq!(standing.waiting, 0);
    }
}
