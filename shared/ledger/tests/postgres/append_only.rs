use super::support::{Database, count, refused, run, workflow, write_one};

#[tokio::test]
async fn nobody_changes_what_happened() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    write_one(&ledger, workflow()).await.unwrap();
    let changes = [
        "update trail set action = 'nothing'",
        "delete from trail",
        "truncate trail",
        "update trail_details set chunk = 1",
        "delete from trail_details",
        "truncate trail_details",
    ];
    for change in changes {
        assert_eq!(refused(&mut database.service().await, change).await, "42501", "{change}");
        // The owner has the right, and meets the trigger.
        assert_eq!(refused(&mut database.owner().await, change).await, "42501", "{change}");
        assert_eq!(refused(&mut database.superuser().await, change).await, "42501", "{change}");
    }
    for forbidden in [
        "alter table trail disable trigger all",
        "drop table trail",
        "set session_replication_role = replica",
        "insert into epochs values (9, 9, 9)",
        "delete from phase_gates",
        "update idempotency_keys set caller = 1",
        "truncate idempotency_keys",
    ] {
        assert_eq!(refused(&mut database.service().await, forbidden).await, "42501", "{forbidden}");
    }
    assert_eq!(count(&mut database.superuser().await, "select count(*) from trail").await, 1);
}

/// A record's row, written by hand over the one before it, with the parts that are given.
pub(crate) fn insert(extra_column: &str, seq: &str, previous: &str, hash: &str) -> String {
    let (column, value) = match extra_column {
        "epoch" => (", epoch", ", 7"),
        "txid" => (", txid", ", '7'::xid8"),
        _ => ("", ""),
    };
    format!(
        "insert into trail (cycle_id, report_id, seq, format, canonical, hash, previous_hash, \
         action, actor, subject, recorded_at, occurred_at, origin{column}) \
         select cycle_id, report_id, {seq}, format, canonical, {hash}, {previous}, action, actor, \
         subject, recorded_at, occurred_at, origin{value} from trail where seq = 1"
    )
}

#[tokio::test]
async fn a_record_that_does_not_follow_is_refused() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    write_one(&ledger, workflow()).await.unwrap();
    let mut service = database.service().await;
    let right = "sha256('signoff-trail-v1'::bytea || '\\x00'::bytea || hash || canonical)";
    let gap = insert("", "3", "hash", right);
    assert_eq!(refused(&mut service, &gap).await, "23000");
    let wrong_previous = insert(
        "",
        "2",
        "sha256('')",
        "sha256('signoff-trail-v1'::bytea || '\\x00'::bytea || sha256('') || canonical)",
    );
    assert_eq!(refused(&mut service, &wrong_previous).await, "23000");
    assert_eq!(refused(&mut service, &insert("", "2", "hash", "hash")).await, "23000");
    // Where a record stands in the feed, only the database says.
    for column in ["epoch", "txid"] {
        assert_eq!(refused(&mut service, &insert(column, "2", "hash", right)).await, "42501");
    }
    assert_eq!(run(&mut service, &insert("", "2", "hash", right)).await.unwrap(), 1);
}

#[tokio::test]
async fn details_come_with_their_record_or_never() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    write_one(&ledger, workflow()).await.unwrap();
    let add = "insert into trail_details (cycle_id, report_id, seq, chunk, hash, body) \
               select cycle_id, report_id, seq, 0, hash, canonical from trail";
    assert_eq!(refused(&mut database.service().await, add).await, "23000");
}

#[tokio::test]
async fn without_an_epoch_nothing_is_written() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    write_one(&ledger, workflow()).await.unwrap();
    let mut service = database.service().await;
    run(&mut service, "reset signoff.epoch").await.unwrap();
    let right = "sha256('signoff-trail-v1'::bytea || '\\x00'::bytea || hash || canonical)";
    run(&mut service, &insert("", "2", "hash", right)).await.unwrap_err();
}
