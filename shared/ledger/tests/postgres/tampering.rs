use signoff_ledger::{Damage, DetailWriter, Flaw, Ledger};
use signoff_workflow::Workflow;

use super::support::{Database, begin, entry, run, workflow, write_one};

/// More than a page of records; number 70 has details.
pub(crate) const RECORDS: i64 = 100;

pub(crate) async fn chain(ledger: &Ledger) -> Workflow {
    let workflow = workflow();
    for number in 1..=RECORDS {
        let mut command = begin(ledger, workflow).await.unwrap();
        let mut entry = entry(&command);
        if number == 70 {
            let mut writer = DetailWriter::new(&["item_key"]);
            for _ in 0..3 {
                writer.row(&["x".repeat(40_000)]).unwrap();
            }
            entry.details.push(writer.finish());
        }
        command.record(entry).unwrap();
        command.commit(None).await.unwrap();
    }
    workflow
}

/// Does something to the tables as a superuser, with the triggers out of the way.
pub(crate) async fn tamper_with(database: &Database, tamper: &str) {
    let mut superuser = database.superuser().await;
    let tamper = format!(
        "alter table trail disable trigger all; alter table trail_details disable trigger all; \
         {tamper}; alter table trail enable trigger all; \
         alter table trail_details enable trigger all",
    );
    run(&mut superuser, &tamper).await.unwrap();
}

/// What is found after a superuser was at the tables, with the triggers out of the way.
async fn damage(tamper: &str) -> Option<Damage> {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = chain(&ledger).await;
    // A chain beside it, which must not matter.
    write_one(&ledger, self::workflow()).await.unwrap();
    tamper_with(&database, tamper).await;
    let found = ledger.verify(workflow, &mut signoff_ledger::NoWitness).await.unwrap();
    assert_eq!(found.intact, found.first_damaged.is_none());
    if let Some(damage) = &found.first_damaged {
        assert_eq!(found.records, damage.sequence - 1);
        assert_eq!(found.head.sequence, damage.sequence - 1);
    }
    found.first_damaged
}

#[tokio::test]
async fn changed_records_are_named() {
    let byte = "update trail set canonical = set_byte(canonical, 20, 0) where seq in (80, 90)";
    assert_eq!(damage(byte).await, Some(Damage { sequence: 80, what: Flaw::Hash }));
    let rehashed = "update trail set canonical = c, hash = sha256('signoff-trail-v1'::bytea \
                    || '\\x00'::bytea || previous_hash || c) \
                    from (select convert_to(replace(convert_from(canonical, 'UTF8'), \
                    'all good', 'all bad'), 'UTF8') as c from trail where seq = 80) changed \
                    where seq = 80";
    assert_eq!(damage(rehashed).await, Some(Damage { sequence: 81, what: Flaw::PreviousHash }));
    let column = "update trail set actor = 8 where seq = 3";
    assert_eq!(damage(column).await, Some(Damage { sequence: 3, what: Flaw::Column("actor") }));
}

#[tokio::test]
async fn missing_records_are_named() {
    let gone = "delete from trail where seq between 64 and 66";
    let what = Flaw::Sequence { expected: 64, found: 67 };
    assert_eq!(damage(gone).await, Some(Damage { sequence: 64, what }));
    let first = "delete from trail where seq = 1 and cycle_id = (select cycle_id from trail \
                 where seq = 2)";
    let what = Flaw::Sequence { expected: 1, found: 2 };
    assert_eq!(damage(first).await, Some(Damage { sequence: 1, what }));
    // A cut end is a shorter chain, but for the details that are left of it.
    assert_eq!(damage("delete from trail where seq > 70").await, None);
    let left = |sequence| Some(Damage { sequence, what: Flaw::ChunksLeft(70) });
    assert_eq!(damage("delete from trail where seq >= 70").await, left(70));
    assert_eq!(damage("delete from trail where seq >= 60").await, left(60));
}

#[tokio::test]
async fn changed_details_are_named() {
    let body = "update trail_details set body = set_byte(body, 30, 0) where chunk = 1";
    assert_eq!(damage(body).await, Some(Damage { sequence: 70, what: Flaw::Chunk(1) }));
    let rehashed = "update trail_details set body = 'x', hash = sha256('x') where chunk = 2";
    assert_eq!(damage(rehashed).await, Some(Damage { sequence: 70, what: Flaw::Root }));
    let gone = "delete from trail_details where chunk = 1";
    assert_eq!(damage(gone).await, Some(Damage { sequence: 70, what: Flaw::ChunkMissing(1) }));
    let extra = "insert into trail_details select cycle_id, report_id, 12, 0, hash, body \
                 from trail_details where chunk = 0";
    assert_eq!(damage(extra).await, Some(Damage { sequence: 12, what: Flaw::ChunkExtra(0) }));
}
