//! Databases that were set back, or are others than the cursor is of.

use signoff_ledger::{Cursor, FeedError, Ledger};

use super::super::support::{Database, run, until, workflow, write_one};
use super::super::tampering::tamper_with;
use super::follower::Follower;
use super::plans::LARGE;
use super::quiet::Quiet;

/// The epoch after this one, as a promoted standby or a restored dump would begin it.
const NEW_EPOCH: &str = "insert into epochs select max(epoch) + 1, 9, 9 from epochs";

/// A follower that has everything: two records in one chain and one in another, in this order.
async fn complete(ledger: &Ledger) -> Follower {
    let (first, second) = (workflow(), workflow());
    for workflow in [first, second, first] {
        write_one(ledger, workflow).await.unwrap();
    }
    let mut follower = Follower::of(ledger, None).await;
    until(async || {
        follower.next().await;
        follower.got.len() == 3
    })
    .await;
    follower
}

fn last(follower: &Follower) -> Cursor {
    follower.feed.position().unwrap()
}

/// Both who follows already and who comes with the cursor are told.
async fn expect_changed(mut follower: Follower, ledger: &Ledger, what: &str) {
    let cursor = last(&follower);
    let came = ledger.follow(Some(cursor)).await;
    assert!(matches!(came, Err(FeedError::EpochChanged)), "{what}: {came:?}");
    // The look after the next finds it at the latest.
    let mut found = follower.feed.next().await;
    if found.is_ok() {
        found = follower.feed.next().await;
    }
    assert!(matches!(found, Err(FeedError::EpochChanged)), "{what}: {found:?}");
}

#[tokio::test]
async fn a_cursor_whose_record_is_not_there_as_it_was_is_refused() {
    let is_last = "txid = (select max(txid::text::bigint) from trail)::text::xid8";
    let deeds = [
        format!("delete from trail where {is_last}"),
        format!("update trail set hash = sha256('x') where {is_last}"),
        format!("update trail set txid = '9' where {is_last}"),
        format!("update trail set epoch = 7 where {is_last}"),
        "delete from trail".to_owned(),
    ];
    for deed in deeds {
        let database = Database::new().await;
        let ledger = database.ledger().await;
        let follower = complete(&ledger).await;
        tamper_with(&database, &deed).await;
        expect_changed(follower, &ledger, &deed).await;
    }
}

#[tokio::test]
async fn a_database_that_lacks_an_earlier_record_is_found_out_when_its_epoch_begins() {
    // The standby got the last commit, and not one with a lower id that came after it.
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let follower = complete(&ledger).await;
    let lost = format!("delete from trail where hash = '\\x{}'", hex(&follower, 1));
    tamper_with(&database, &lost).await;
    run(&mut database.superuser().await, NEW_EPOCH).await.unwrap();
    expect_changed(follower, &ledger, "a lost record").await;
}

#[tokio::test]
async fn a_large_trail_of_an_older_epoch_is_looked_through() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    write_one(&ledger, workflow()).await.unwrap();
    tamper_with(&database, LARGE).await;
    run(&mut database.superuser().await, NEW_EPOCH).await.unwrap();
    let mut feed = ledger.follow(None).await.unwrap();
    until(async || {
        feed.next().await.unwrap();
        feed.position().is_some_and(|at| at.records == 40_001)
    })
    .await;
    let cursor = feed.position();
    assert_eq!(ledger.follow(cursor).await.unwrap().position(), cursor);
    tamper_with(&database, "delete from trail where txid = '21000'").await;
    let lost = ledger.follow(cursor).await;
    assert!(matches!(lost, Err(FeedError::EpochChanged)), "{lost:?}");
}

fn hex(follower: &Follower, nth: usize) -> String {
    follower.got[nth].cursor.hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_cursor_of_another_database_is_refused() {
    let (here, there) = (Database::new().await, Database::new().await);
    let foreign = last(&complete(&there.ledger().await).await);
    let ledger = here.ledger().await;
    let refused = async || {
        let refused = ledger.follow(Some(foreign)).await;
        assert!(matches!(refused, Err(FeedError::EpochChanged)), "{refused:?}");
    };
    refused().await;
    complete(&ledger).await;
    refused().await;
}

#[tokio::test]
async fn a_new_epoch_in_which_nothing_is_lost_is_followed_on() {
    let quiet = Quiet::new().await;
    let ledger = quiet.database.ledger().await;
    let mut follower = complete(&ledger).await;
    let cursor = last(&follower);
    // Committed, but behind a transaction that is open.
    let mut holder = quiet.database.owner().await;
    run(&mut holder, "begin; select pg_current_xact_id()").await.unwrap();
    let workflow = workflow();
    write_one(&ledger, workflow).await.unwrap();
    until(async || {
        follower.next().await;
        follower.standing().waiting == 1
    })
    .await;
    assert_eq!(follower.got.len(), 3);
    // Whatever was open in another epoch has ended.
    run(&mut quiet.database.superuser().await, NEW_EPOCH).await.unwrap();
    until(async || {
        follower.next().await;
        follower.got.len() == 4
    })
    .await;
    // Connections of the new epoch write in it, and its records come behind, whatever their ids.
    run(&mut holder, "rollback").await.unwrap();
    let later = quiet.database.ledger().await;
    write_one(&later, workflow).await.unwrap();
    until(async || {
        follower.next().await;
        follower.got.len() == 5
    })
    .await;
    let epochs: Vec<_> = follower.got.iter().map(|of| of.cursor.epoch).collect();
    assert_eq!(epochs, [1, 1, 1, 1, 3], "the second was of a server that nobody has");
    let mut resumed = later.follow(Some(cursor)).await.unwrap();
    let mut rest = Vec::new();
    until(async || {
        rest.extend(resumed.next().await.unwrap().records);
        rest.len() == 2
    })
    .await;
    assert_eq!(rest, follower.got[3..]);
}
