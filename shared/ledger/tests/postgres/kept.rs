//! The ledger's own rows, beside what a chain says of them.

use serde_json::Value;
use signoff_ledger::gates::Gate;
use signoff_ledger::{Closing, Contradiction, Contradictions, KeptRows, Ledger, Record};
use signoff_workflow::Workflow;

use super::support::{Database, begin, entry, run, workflow};

/// A workflow with a gate of Planning, and what was recorded of it.
async fn with_gate(ledger: &Ledger, workflow: Workflow) -> (Record, Value) {
    let mut command = begin(ledger, workflow).await.unwrap();
    let gate = Gate { attempt: 3, ..Gate::default() };
    command.save_gate("planning", &gate).await.unwrap();
    let mut told = entry(&command);
    told.subject = "planning".to_owned();
    command.record(told).unwrap();
    command.commit(None).await.unwrap();
    let record = ledger.get_trail(workflow, None, 0, 10).await.unwrap().remove(0);
    (record, gate.summary())
}

/// What contradicts what was said.
async fn contradiction(database: &Database, kept: &KeptRows) -> Option<Contradiction> {
    let mut found = Contradictions::default();
    kept.compare(&mut database.service().await, &mut found).await.unwrap();
    found.first().err()
}

#[tokio::test]
async fn a_gate_is_what_was_recorded_of_it() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    let (record, summary) = with_gate(&ledger, workflow).await;
    let mut kept = KeptRows::of(workflow);
    let unknown = contradiction(&database, &kept).await.unwrap();
    assert_eq!(unknown.what, "the gate of planning is in no record");
    assert_eq!(unknown.record, None);

    // What is said last is what counts.
    kept.gate(&record, Some(Gate::default().summary()));
    kept.gate(&record, Some(summary.clone()));
    kept.gate(&record, None);
    assert_eq!(contradiction(&database, &kept).await, None);
    let mut elsewhere = KeptRows::of(super::support::workflow());
    assert_eq!(contradiction(&database, &elsewhere).await, None);
    elsewhere.gate(&record, Some(summary));
    let gone = contradiction(&database, &elsewhere).await.unwrap();
    assert_eq!(
        (gone.record, gone.what.as_str()),
        (Some(1), "the gate of planning is not what was recorded")
    );

    run(&mut database.superuser().await, "update phase_gates set attempt = 4").await.unwrap();
    let changed = contradiction(&database, &kept).await.unwrap();
    assert_eq!(changed.record, Some(1));
}

#[tokio::test]
async fn the_end_of_a_workflow_is_what_was_recorded_of_it() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    let mut command = begin(&ledger, workflow).await.unwrap();
    let closing = command.close_workflow(7, "the cycle is over").await.unwrap();
    let mut told = entry(&command);
    told.action = Closing::ACTION;
    command.record(told).unwrap();
    command.commit(None).await.unwrap();
    let record = ledger.get_trail(workflow, None, 0, 10).await.unwrap().remove(0);
    let other = Record { action: "version.approved".to_owned(), ..record.clone() };

    let mut kept = KeptRows::of(workflow);
    assert_eq!(kept.ends(&other, None), Ok(false));
    let unknown = contradiction(&database, &kept).await.unwrap();
    assert_eq!(unknown.what, "the end of the workflow is not what was recorded");
    assert_eq!(unknown.record, None);
    assert_eq!(kept.ends(&record, Some(&closing.summary())), Ok(true));
    assert_eq!(contradiction(&database, &kept).await, None);
    assert!(kept.ends(&other, None).is_err(), "nothing comes after it");

    let by = closing.summary()["closed_by"].as_i64();
    assert_eq!(by, Some(7));
    run(
        &mut database.superuser().await,
        "alter table closed_workflows disable trigger all; update closed_workflows set closed_by = 8",
    )
    .await
    .unwrap();
    let changed = contradiction(&database, &kept).await.unwrap();
    assert_eq!(changed.record, Some(1));
}
