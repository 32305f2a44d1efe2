use signoff_ledger::{
    DetailWriter, Export, Flaw, Ledger, LedgerError, PoolOptions, QueueOptions, VerifiedExport,
    verify_export,
};
use signoff_workflow::Workflow;

use super::support::{Database, begin, entry, workflow, write_one};
use super::tampering::{RECORDS, chain, tamper_with};

/// The rest of an export.
async fn rest(mut export: Export) -> Result<Vec<u8>, LedgerError> {
    let mut file = Vec::new();
    while let Some(lines) = export.next().await? {
        assert!(lines.ends_with(b"\n"), "whole lines");
        file.extend(lines);
    }
    Ok(file)
}

async fn exported(ledger: &Ledger, workflow: Workflow) -> VerifiedExport {
    let file = rest(ledger.export(workflow).await.unwrap()).await.unwrap();
    verify_export(file.as_slice()).unwrap()
}

#[tokio::test]
async fn a_chain_of_several_pages_is_exported_as_it_stands() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let chain = chain(&ledger).await;
    write_one(&ledger, workflow()).await.unwrap();
    let stored = ledger.verify(chain, &mut signoff_ledger::NoWitness).await.unwrap();
    let found = exported(&ledger, chain).await;
    assert_eq!((found.fault.as_ref(), found.records), (None, RECORDS));
    assert_eq!((found.head, found.workflow), (stored.head, chain));
    let nothing = exported(&ledger, workflow()).await;
    assert_eq!((nothing.intact(), nothing.records), (true, 0));
}

#[tokio::test]
async fn what_was_altered_shows_in_the_file() {
    let gap = Flaw::Sequence { expected: 64, found: 65 };
    let deeds = [
        ("update trail set canonical = set_byte(canonical, 20, 0) where seq = 80", 80, Flaw::Hash),
        (
            "update trail set canonical = set_byte(canonical, 20, 255) where seq = 80",
            80,
            Flaw::Hash,
        ),
        ("delete from trail where seq = 64", 64, gap),
        (
            "update trail_details set body = set_byte(body, 30, 0) where chunk = 1",
            70,
            Flaw::Chunk(1),
        ),
        ("delete from trail_details where chunk = 1", 70, Flaw::ChunkMissing(1)),
        ("update trail_details set body = 'x', hash = sha256('x') where chunk = 2", 70, Flaw::Root),
    ];
    for (deed, record, flaw) in deeds {
        let database = Database::new().await;
        let ledger = database.ledger().await;
        let chain = chain(&ledger).await;
        tamper_with(&database, deed).await;
        let found = exported(&ledger, chain).await;
        let fault = found.fault.unwrap_or_else(|| panic!("{deed}"));
        assert_eq!((fault.record, found.records), (Some(record), record - 1), "{deed}");
        assert_eq!(fault.what, flaw.into(), "{deed}");
    }
}

#[tokio::test]
async fn details_of_a_record_that_is_gone_are_exported_too() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let chain = chain(&ledger).await;
    tamper_with(&database, "delete from trail where seq >= 70").await;
    let fault = exported(&ledger, chain).await.fault.unwrap();
    assert_eq!(fault.record, Some(70));
    tamper_with(&database, "delete from trail").await;
    let fault = exported(&ledger, chain).await.fault.unwrap();
    assert_eq!((fault.line, fault.record), (2, Some(1)));
}

/// A record whose details fill several pieces.
async fn long_record(ledger: &Ledger, workflow: Workflow) {
    let mut command = begin(ledger, workflow).await.unwrap();
    let mut entry = entry(&command);
    let mut writer = DetailWriter::new(&["item_key"]);
    for _ in 0..20 {
        writer.row(&["x".repeat(40_000)]).unwrap();
    }
    entry.details.push(writer.finish());
    command.record(entry).unwrap();
    command.commit(None).await.unwrap();
}

#[tokio::test]
async fn an_export_holds_no_connection_and_ends_where_the_chain_ended_when_it_began() {
    let database = Database::new().await;
    let pool = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let ledger = database.ledger_with(pool, QueueOptions::default()).await;
    let workflow = workflow();
    write_one(&ledger, workflow).await.unwrap();
    long_record(&ledger, workflow).await;
    let mut export = ledger.export(workflow).await.unwrap();
    let first = export.next().await.unwrap().unwrap();
    assert!((256 * 1024..1024 * 1024).contains(&first.len()), "{}", first.len());
    // The only connection is free, and the chain grows while the file is written.
    write_one(&ledger, workflow).await.unwrap();
    long_record(&ledger, workflow).await;
    let file = [first, rest(export).await.unwrap()].concat();
    let found = verify_export(file.as_slice()).unwrap();
    assert_eq!((found.fault, found.records), (None, 2));
    assert_eq!(exported(&ledger, workflow).await.records, 4);
}

#[tokio::test]
async fn records_that_go_away_meanwhile_are_missed() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let chain = chain(&ledger).await;
    let export = ledger.export(chain).await.unwrap();
    tamper_with(&database, "delete from trail where seq > 90").await;
    let error = rest(export).await.unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt(what) if what.contains("100")));
}
