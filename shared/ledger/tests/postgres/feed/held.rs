//! Transactions that hold the feed back, and those that do not.

use chrono::{DateTime, Utc};
use signoff_ledger::{FeedStanding, Ledger};
use sqlx::postgres::PgConnection;

use super::super::append_only::insert;
use super::super::support::{Database, begin, count, entry, run, until, workflow, write_one};
use super::follower::Follower;
use super::quiet::Quiet;

/// Takes a transaction id, and the transaction stays open.
const TAKE_ID: &str = "begin; select pg_current_xact_id()";

async fn process_id(connection: &mut PgConnection) -> i32 {
    count(connection, "select pg_backend_pid()::bigint").await.try_into().unwrap()
}

async fn now(ledger: &Ledger) -> DateTime<Utc> {
    let now = sqlx::query_scalar("select clock_timestamp()");
    now.fetch_one(&mut *ledger.pool().acquire().await.unwrap()).await.unwrap()
}

/// What a heartbeat says once it says who holds the feed back. Until then, nothing comes and the
/// watermark stands still.
async fn held(follower: &mut Follower, waiting: i64) -> FeedStanding {
    let (had, reached) = (follower.got.len(), follower.standing().watermark);
    until(async || {
        follower.next().await;
        assert_eq!(follower.got.len(), had, "it is held back");
        assert_eq!(follower.standing().watermark, reached);
        assert_eq!(follower.standing().waiting, waiting);
        follower.standing().held_by.is_some()
    })
    .await;
    follower.standing().clone()
}

/// Waits until everything came that there is, and the watermark says so.
async fn caught_up(follower: &mut Follower, ledger: &Ledger, records: usize) {
    let now = now(ledger).await;
    until(async || {
        follower.next().await;
        follower.standing().watermark > Some(now)
    })
    .await;
    assert_eq!(follower.got.len(), records);
    assert_eq!((follower.standing().waiting, &follower.standing().held_by), (0, &None));
}

/// What a transaction in a database does to a follower of another, or of the same.
async fn check_held_by(quiet: &Quiet, holding: &Database) {
    let ledger = quiet.database.ledger().await;
    let (first, second) = (workflow(), workflow());
    write_one(&ledger, first).await.unwrap();
    let mut follower = Follower::of(&ledger, None).await;
    caught_up(&mut follower, &ledger, 1).await;

    let mut holder = holding.owner().await;
    run(&mut holder, "set application_name = 'a forgotten window'").await.unwrap();
    run(&mut holder, TAKE_ID).await.unwrap();
    for workflow in [first, second, first] {
        write_one(&ledger, workflow).await.unwrap();
    }
    // The watermark may still reach the moment before the first of them.
    until(async || {
        follower.next().await;
        follower.standing().waiting == 3
    })
    .await;
    let standing = held(&mut follower, 3).await;
    let by = standing.held_by.unwrap();
    assert_eq!(by.process_id, process_id(&mut holder).await);
    assert_eq!(
        (by.database, by.application.as_str()),
        (holding.name.clone(), "a forgotten window")
    );
    assert!(by.role.starts_with("owner_"), "{}", by.role);
    assert!(by.seconds >= 1.0, "{}", by.seconds);
    // Whoever comes now hears the same, and cannot be told of any moment that was complete.
    let mut late = Follower::of(&ledger, None).await;
    until(async || {
        late.next().await;
        late.got.len() == 1
    })
    .await;
    assert_eq!((late.standing().watermark, late.standing().waiting), (None, 3));
    assert_eq!(held(&mut late, 3).await.held_by.unwrap().process_id, by.process_id);

    run(&mut holder, "rollback").await.unwrap();
    caught_up(&mut follower, &ledger, 4).await;
    caught_up(&mut late, &ledger, 4).await;
    assert_eq!(follower.got, late.got);
}

#[tokio::test]
async fn an_open_transaction_holds_back_what_came_after_it() {
    let quiet = Quiet::new().await;
    check_held_by(&quiet, &quiet.database).await;
}

#[tokio::test]
async fn an_open_transaction_in_another_database_does_so_too() {
    let quiet = Quiet::new().await;
    check_held_by(&quiet, &quiet.another().await).await;
}

#[tokio::test]
async fn a_record_that_is_not_committed_yet_comes_before_later_ones() {
    let quiet = Quiet::new().await;
    let ledger = quiet.database.ledger().await;
    let (slow, quick) = (workflow(), workflow());
    write_one(&ledger, slow).await.unwrap();
    let mut follower = Follower::of(&ledger, None).await;
    caught_up(&mut follower, &ledger, 1).await;

    let mut writer = quiet.database.service().await;
    let right = "sha256('signoff-trail-v1'::bytea || '\\x00'::bytea || hash || canonical)";
    let record = insert("", "2", "hash", right);
    run(&mut writer, &format!("begin; {record}")).await.unwrap();
    for _ in 0..3 {
        write_one(&ledger, quick).await.unwrap();
    }
    until(async || {
        follower.next().await;
        follower.standing().waiting == 3
    })
    .await;
    let by = held(&mut follower, 3).await.held_by.unwrap();
    assert_eq!(by.process_id, process_id(&mut writer).await);
    let before_commit = follower.standing().watermark;
    run(&mut writer, "commit").await.unwrap();
    caught_up(&mut follower, &ledger, 5).await;
    let came: Vec<_> = follower.got.iter().map(|of| of.cursor.workflow).collect();
    assert_eq!(came, [slow, slow, quick, quick, quick]);
    // None of them came under a watermark from before.
    let early = follower.watermarks.iter().filter(|(at, _)| Some(*at) <= before_commit);
    assert!(early.into_iter().all(|(_, had)| *had == 1));
}

#[tokio::test]
async fn what_was_rolled_back_or_only_reads_holds_nothing() {
    let quiet = Quiet::new().await;
    let ledger = quiet.database.ledger().await;
    let workflow = workflow();
    let mut reader = quiet.database.service().await;
    let reads = "begin isolation level repeatable read; select count(*) from trail";
    run(&mut reader, reads).await.unwrap();
    let mut given_up = begin(&ledger, workflow).await.unwrap();
    let entry = entry(&given_up);
    given_up.record(entry).unwrap();
    run(given_up.conn(), "select pg_current_xact_id()").await.unwrap();
    drop(given_up);
    write_one(&ledger, workflow).await.unwrap();
    let mut follower = Follower::of(&ledger, None).await;
    caught_up(&mut follower, &ledger, 1).await;
}

#[tokio::test]
async fn an_open_transaction_holds_no_feed_in_which_nothing_happens() {
    let quiet = Quiet::new().await;
    let ledger = quiet.database.ledger().await;
    write_one(&ledger, workflow()).await.unwrap();
    let mut holder = quiet.database.owner().await;
    run(&mut holder, TAKE_ID).await.unwrap();
    let mut follower = Follower::of(&ledger, None).await;
    caught_up(&mut follower, &ledger, 1).await;
}

/// So many records by one command, in a cluster in which nothing holds them back.
async fn many(records: usize) -> (Quiet, Ledger) {
    let quiet = Quiet::new().await;
    let ledger = quiet.database.ledger().await;
    let mut command = begin(&ledger, workflow()).await.unwrap();
    for _ in 0..records {
        let entry = entry(&command);
        command.record(entry).unwrap();
    }
    command.commit(None).await.unwrap();
    (quiet, ledger)
}

/// How many records come at once.
const PAGE: usize = 512;

#[tokio::test]
async fn nothing_is_said_of_the_end_before_the_last_page() {
    let (_quiet, ledger) = many(PAGE + 1).await;
    let mut feed = ledger.follow(None).await.unwrap();
    let first = feed.next().await.unwrap();
    assert_eq!(first.records.len(), PAGE);
    let standing = first.standing.expect("where it stands, at the beginning");
    assert_eq!((standing.watermark, standing.waiting), (None, 1));
    let rest = feed.next().await.unwrap();
    assert_eq!(rest.records.len(), 1);
    let standing = rest.standing.expect("where it stands, at the end");
    assert!(standing.watermark.is_some());
    assert_eq!(standing.waiting, 0);
}

#[tokio::test]
async fn what_waits_is_counted_up_to_ten_thousand() {
    let (_quiet, ledger) = many(PAGE + 10_001).await;
    let first = ledger.follow(None).await.unwrap().next().await.unwrap();
    let standing = first.standing.unwrap();
    assert_eq!((standing.waiting, standing.waiting_or_more), (10_000, true));
    // From the first record on, there is one less.
    let behind = first.records[0].cursor;
    let next = ledger.follow(Some(behind)).await.unwrap().next().await.unwrap();
    let standing = next.standing.unwrap();
    assert_eq!((standing.waiting, standing.waiting_or_more), (10_000, false));
}
