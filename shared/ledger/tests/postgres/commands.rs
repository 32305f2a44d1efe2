use std::collections::BTreeMap;
use std::time::Duration;

use signoff_ledger::gates::{Foundation, Gate, Opened, Stale, TrailHead};
use signoff_ledger::{
    Begun, DetailWriter, EntryError, Head, LedgerError, PoolOptions, QueueOptions, RequestKey,
};
use sqlx::Executor;
use uuid::Uuid;

use super::support::{Database, begin, count, entry, key, run, until, workflow, write_one};

#[tokio::test]
async fn a_request_that_comes_again_gets_the_first_answer() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    let key = key(Uuid::now_v7());
    assert!(!ledger.knows(workflow, key.request_id).await.unwrap());
    let Begun::New(mut command) = ledger.begin(workflow, None, Some(&key)).await.unwrap() else {
        panic!("it is new");
    };
    let entry = entry(&command);
    command.record(entry).unwrap();
    command.commit(Some(b"first".to_vec())).await.unwrap();
    assert!(ledger.knows(workflow, key.request_id).await.unwrap());
    assert!(!ledger.knows(super::support::workflow(), key.request_id).await.unwrap());
    for _ in 0..2 {
        let again = ledger.begin(workflow, None, Some(&key)).await.unwrap();
        assert!(matches!(again, Begun::Replay(answer) if answer == b"first"));
    }
    let others = [
        RequestKey { method: "/Service/Other".into(), ..key.clone() },
        RequestKey { caller: 8, ..key.clone() },
        RequestKey { content_hash: [4; 32], ..key.clone() },
    ];
    for other in others {
        let refused = ledger.begin(workflow, None, Some(&other)).await;
        assert!(matches!(refused, Err(LedgerError::RequestIdReused)), "{refused:?}");
    }
    // In another workflow it is another request.
    let elsewhere = ledger.begin(super::support::workflow(), None, Some(&key)).await.unwrap();
    assert!(matches!(elsewhere, Begun::New(_)));
}

#[tokio::test]
async fn a_key_keeps_an_empty_answer_and_is_swept_when_it_is_old() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    let keys: Vec<_> = (0..3).map(|_| key(Uuid::now_v7())).collect();
    for key in &keys {
        let begun = ledger.begin(workflow, None, Some(key)).await.unwrap();
        let Begun::New(command) = begun else { panic!("it is new") };
        command.commit(None).await.unwrap();
    }
    let again = ledger.begin(workflow, None, Some(&keys[0])).await.unwrap();
    assert!(matches!(again, Begun::Replay(answer) if answer.is_empty()));
    let age = "update idempotency_keys set recorded_at = recorded_at - interval '8 days' \
               where request_id <> (select max(request_id::text)::uuid from idempotency_keys)";
    run(&mut database.superuser().await, age).await.unwrap();
    let many = "insert into idempotency_keys select gen_random_uuid(), gen_random_uuid(), \
                gen_random_uuid(), '', 1, sha256(''), '', now() - interval '9 days' \
                from generate_series(1, 2500)";
    run(&mut database.superuser().await, many).await.unwrap();
    let swept = ledger.sweep_idempotency(signoff_ledger::IDEMPOTENCY_RETENTION).await.unwrap();
    assert_eq!(swept, 2502);
    let mut superuser = database.superuser().await;
    assert_eq!(count(&mut superuser, "select count(*) from idempotency_keys").await, 1);
}

#[tokio::test]
async fn a_dropped_command_leaves_nothing() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    let mut command = begin(&ledger, workflow).await.unwrap();
    let gate = Gate { attempt: 1, ..Gate::default() };
    command.save_gate("planning", &gate).await.unwrap();
    let dropped = entry(&command);
    command.record(dropped).unwrap();
    drop(command);
    // The next one waits until the first is undone.
    let command = begin(&ledger, workflow).await.unwrap();
    assert_eq!(*command.gate(), Gate::default());
    assert_eq!(command.head(), Head::EMPTY);
}

#[tokio::test]
async fn a_command_whose_statement_failed_is_not_committed() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let mut command = begin(&ledger, workflow()).await.unwrap();
    command.conn().execute("select 1 / 0").await.unwrap_err();
    command.commit(None).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_waiting_for_the_lock_holds_nothing() {
    let database = Database::new().await;
    let one = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let here = database.ledger().await;
    let there = database.ledger_with(one, QueueOptions::default()).await;
    let workflow = workflow();
    let held = begin(&here, workflow).await.unwrap();
    let waiting = tokio::spawn({
        let there = there.clone();
        async move { begin(&there, workflow).await.map(drop) }
    });
    let mut superuser = database.superuser().await;
    let waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted \
                 and database = (select oid from pg_database where datname = current_database())";
    while count(&mut superuser, waits).await == 0 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    drop(held);
    // Its only connection comes back, without a transaction and without the lock.
    write_one(&there, workflow).await.unwrap();
    let lingering = "select count(*) from pg_stat_activity where datname = current_database() \
                     and pid <> pg_backend_pid() and state like 'idle in transaction%'";
    until(async || count(&mut database.superuser().await, lingering).await == 0).await;
    write_one(&here, workflow).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_not_had_in_time_is_busy() {
    let database = Database::new().await;
    let impatient = PoolOptions {
        max_connections: 1,
        lock_timeout: Duration::from_millis(20),
        ..PoolOptions::default()
    };
    let here = database.ledger().await;
    let there = database.ledger_with(impatient, QueueOptions::default()).await;
    let workflow = workflow();
    let held = begin(&here, workflow).await.unwrap();
    let refused = begin(&there, workflow).await;
    assert!(matches!(refused, Err(LedgerError::Busy { .. })), "{refused:?}");
    write_one(&there, super::support::workflow()).await.unwrap();
    drop(held);
    until(async || write_one(&there, workflow).await.is_ok()).await;
}

#[tokio::test]
async fn several_records_and_a_hundred_thousand_details_in_one_command() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    let mut command = begin(&ledger, workflow).await.unwrap();
    let mut writer = DetailWriter::new(&["item_key", "verdict"]);
    for row in 0..100_000 {
        writer.row(&(row, "approved")).unwrap();
    }
    let mut first = entry(&command);
    first.details = vec![writer.finish()];
    let second = entry(&command);
    let mut large = entry(&command);
    large.after = Some("x".repeat(70_000).into());
    command.record(first).unwrap();
    let refused = command.record(large).unwrap_err();
    assert!(matches!(refused, LedgerError::Entry(EntryError::TooLarge { .. })));
    let head = command.record(second).unwrap();
    assert_eq!(head.sequence, 2);
    assert_eq!(command.head(), head);
    assert_eq!(command.commit(None).await.unwrap(), head);

    let records = ledger.get_trail(workflow, None, 0, 10).await.unwrap();
    let content = records[0].content().unwrap();
    assert_eq!(content.details.unwrap().touched, 100_000);
    assert_eq!(content.actor.roles, ["report_owner"]);
    assert_eq!(records[1].hash, head.hash);
    let found = ledger.verify(workflow, &mut signoff_ledger::NoWitness).await.unwrap();
    assert!(found.intact, "{found:?}");
    assert_eq!(found.head, head);
}

#[tokio::test]
async fn the_trail_is_read_by_phase_and_from_anywhere() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    for phase in [Some("planning"), Some("scoping"), None, Some("planning")] {
        let mut command = begin(&ledger, workflow).await.unwrap();
        let mut entry = entry(&command);
        entry.phase = phase.map(str::to_owned);
        command.record(entry).unwrap();
        command.commit(None).await.unwrap();
    }
    let numbers = async |phase, after, limit| {
        let records = ledger.get_trail(workflow, phase, after, limit).await.unwrap();
        records.iter().map(|record| record.sequence).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None, 0, 10).await, [1, 2, 3, 4]);
    assert_eq!(numbers(None, 1, 2).await, [2, 3]);
    assert_eq!(numbers(Some("planning"), 0, 10).await, [1, 4]);
    assert_eq!(numbers(Some("planning"), 1, 10).await, [4]);
    assert!(numbers(Some("nothing"), 0, 10).await.is_empty());
}

#[tokio::test]
async fn time_does_not_run_backwards_within_a_chain() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    write_one(&ledger, workflow).await.unwrap();
    let mut superuser = database.superuser().await;
    let tomorrow = "alter table trail disable trigger all; \
                    update trail set recorded_at = '2100-01-01T00:00:00Z'; \
                    alter table trail enable trigger all";
    run(&mut superuser, tomorrow).await.unwrap();
    let command = begin(&ledger, workflow).await.unwrap();
    assert_eq!(command.now().to_rfc3339(), "2100-01-01T00:00:00+00:00");
}

#[tokio::test]
async fn gates_are_kept() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    let mut command = begin(&ledger, workflow).await.unwrap();
    let gate = Gate {
        attempt: 3,
        opened: Some(Opened { attempt: 2, at: command.now(), by: 7 }),
        stale: Some(Stale { because: "scoping".into(), reopening: 2 }),
        marks: BTreeMap::from([("planning".into(), 1), ("scoping".into(), 2)]),
        reopening: 3,
        reopenings: 3,
        rests_on: vec![Foundation {
            phase: "scoping".into(),
            version_id: Some(Uuid::from_u128(1)),
            trail_head: Some(TrailHead { sequence: 4, hash: "ab".into() }),
        }],
        holds: BTreeMap::from([("a".into(), 1), ("b".into(), 2)]),
    };
    command.save_gate("planning", &gate).await.unwrap();
    command.commit(None).await.unwrap();

    let mut command = begin(&ledger, workflow).await.unwrap();
    assert_eq!(*command.gate(), gate);
    let holds = BTreeMap::from([("b".into(), 5), ("c".into(), 1)]);
    let changed = Gate { holds, ..gate };
    command.save_gate("planning", &changed).await.unwrap();
    let gates = command.load_gates(&["planning", "scoping"]).await.unwrap();
    let expected = [("planning".to_owned(), changed.clone()), ("scoping".into(), Gate::default())];
    assert_eq!(gates, BTreeMap::from(expected));
    command.save_gate("planning", &Gate { holds: BTreeMap::new(), ..changed }).await.unwrap();
    let gates = command.load_gates(&["planning"]).await.unwrap();
    assert!(gates["planning"].holds.is_empty());
}

#[tokio::test]
async fn details_that_are_written_on_the_way_come_before_those_of_the_record() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    // Two records, so that what is written comes with the second.
    write_one(&ledger, workflow).await.unwrap();
    let mut command = begin(&ledger, workflow).await.unwrap();
    let mut writer = DetailWriter::new(&["item_key", "verdict"]);
    let mut rows = 0;
    for _ in 0..2 {
        // Until some chunks are full.
        let full = loop {
            writer.row(&(rows, "approved")).unwrap();
            rows += 1;
            let full = writer.take_full();
            if !full.chunks().is_empty() {
                break full;
            }
        };
        command.write_details(&full).await.unwrap();
    }
    writer.row(&(rows, "approved")).unwrap();
    let mut last = entry(&command);
    last.details = vec![writer.finish()];
    command.record(last).unwrap();
    command.commit(None).await.unwrap();
    let record = ledger.get_trail(workflow, None, 1, 10).await.unwrap().remove(0);
    assert_eq!(record.content().unwrap().details.unwrap().touched, i64::from(rows) + 1);
    let chunks = "select count(*) from trail_details where seq = 2 and chunk between 0 and 3";
    assert!(count(&mut database.superuser().await, chunks).await >= 3);
    let found = ledger.verify(workflow, &mut signoff_ledger::NoWitness).await.unwrap();
    assert!(found.intact, "{found:?}");
}
