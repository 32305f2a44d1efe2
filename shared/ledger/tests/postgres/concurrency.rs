use std::time::Duration;

use futures::future::{join_all, try_join_all};
use signoff_ledger::{Ledger, LedgerError, PoolOptions, QueueOptions};
use signoff_workflow::Workflow;

use super::support::{Database, begin, count, workflow, write_one};

const WRITERS: usize = 32;
const EACH: usize = 8;

/// Every chain fits, and the order of transaction ids is the order of the chain.
async fn check(database: &Database, ledger: &Ledger, workflow: Workflow, records: usize) {
    let found = ledger.verify(workflow, &mut signoff_ledger::NoWitness).await.unwrap();
    assert!(found.intact, "{found:?}");
    assert_eq!(found.records, i64::try_from(records).unwrap());
    let out_of_order = format!(
        "select count(*) from (select txid, lag(txid) over (order by seq) as before from trail \
         where cycle_id = '{}') t where before >= txid",
        workflow.cycle_id
    );
    assert_eq!(count(&mut database.superuser().await, &out_of_order).await, 0);
}

/// Writers that go through two replicas, so that both the queues and the lock are at work.
async fn write(replicas: &[Ledger; 2], workflows: &[Workflow]) {
    let writers = (0..WRITERS).map(|writer| {
        let ledger = replicas[writer % 2].clone();
        let workflow = workflows[writer % workflows.len()];
        tokio::spawn(async move {
            for _ in 0..EACH {
                write_one(&ledger, workflow).await.unwrap();
            }
        })
    });
    try_join_all(writers).await.unwrap();
}

async fn replicas(database: &Database) -> [Ledger; 2] {
    let patient = PoolOptions {
        acquire_timeout: Duration::from_secs(60),
        lock_timeout: Duration::from_secs(60),
        ..PoolOptions::default()
    };
    let queue = QueueOptions { max_waiting: WRITERS, max_wait: Duration::from_secs(60) };
    [database.ledger_with(patient, queue).await, database.ledger_with(patient, queue).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_of_one_workflow_make_one_chain() {
    let database = Database::new().await;
    let replicas = replicas(&database).await;
    let workflow = workflow();
    write(&replicas, &[workflow]).await;
    check(&database, &replicas[0], workflow, WRITERS * EACH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_of_many_workflows_make_a_chain_each() {
    let database = Database::new().await;
    let replicas = replicas(&database).await;
    let workflows: Vec<_> = (0..8).map(|_| workflow()).collect();
    write(&replicas, &workflows).await;
    for workflow in &workflows {
        check(&database, &replicas[1], *workflow, WRITERS * EACH / 8).await;
    }
}

#[tokio::test]
async fn a_busy_workflow_does_not_take_the_pool() {
    let database = Database::new().await;
    let two = PoolOptions { max_connections: 2, ..PoolOptions::default() };
    let queue = QueueOptions { max_waiting: 10, max_wait: Duration::from_secs(60) };
    let ledger = database.ledger_with(two, queue).await;
    let busy = workflow();
    let held = begin(&ledger, busy).await.unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move { write_one(&ledger, busy).await })
        })
        .collect();
    // With twenty waiting for the one, another is served at once.
    write_one(&ledger, workflow()).await.unwrap();
    drop(held);
    let ended = join_all(waiting).await;
    let (written, refused): (Vec<_>, Vec<_>) =
        ended.into_iter().map(Result::unwrap).partition(Result::is_ok);
    assert_eq!((written.len(), refused.len()), (10, 10));
    for refused in refused {
        assert!(matches!(refused, Err(LedgerError::Busy { .. })), "{refused:?}");
    }
    check(&database, &ledger, busy, 10).await;
}
