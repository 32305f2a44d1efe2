//! Workflows that are closed, and what the database says to those who go on.

use signoff_ledger::{Begun, Closing, Ledger, LedgerError, closing};
use signoff_workflow::Workflow;
use uuid::Uuid;

use super::append_only::insert;
use super::support::{Database, begin, entry, key, refused, run, workflow, write_one};

async fn close(ledger: &Ledger, workflow: Workflow) -> Closing {
    let mut command = begin(ledger, workflow).await.unwrap();
    let closing = command.close_workflow(7, "the cycle is over").await.unwrap();
    let last = entry(&command);
    command.record(last).unwrap();
    command.commit(None).await.unwrap();
    closing
}

#[tokio::test]
async fn no_command_begins_in_a_closed_workflow_but_kept_answers_are_given() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let (closed, other) = (workflow(), workflow());
    let known = key(Uuid::now_v7());
    let Begun::New(command) = ledger.begin(closed, None, Some(&known)).await.unwrap() else {
        panic!("it is new");
    };
    command.commit(Some(b"answer".to_vec())).await.unwrap();
    let told = close(&ledger, closed).await;
    assert_eq!((told.by, told.reason.as_str()), (7, "the cycle is over"));
    let mut service = database.service().await;
    assert_eq!(closing(&mut service, closed).await.unwrap(), Some(told));
    assert_eq!(closing(&mut service, other).await.unwrap(), None);

    for key in [None, Some(&key(Uuid::now_v7()))] {
        let begun = ledger.begin(closed, Some("planning"), key).await;
        assert!(matches!(begun, Err(LedgerError::WorkflowClosed)), "{begun:?}");
    }
    let again = ledger.begin(closed, None, Some(&known)).await.unwrap();
    assert!(matches!(again, Begun::Replay(answer) if answer == b"answer"));
    write_one(&ledger, other).await.unwrap();
}

#[tokio::test]
async fn a_closing_that_is_dropped_closes_nothing() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let workflow = workflow();
    let mut command = begin(&ledger, workflow).await.unwrap();
    command.close_workflow(7, "by mistake").await.unwrap();
    drop(command);
    write_one(&ledger, workflow).await.unwrap();
}

#[tokio::test]
async fn the_database_takes_no_record_after_the_closing_one_and_keeps_that() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let closed = workflow();
    close(&ledger, closed).await;
    let mut service = database.service().await;
    let right = "sha256('signoff-trail-v1'::bytea || '\\x00'::bytea || hash || canonical)";
    let next = insert("", "2", "hash", right);
    assert_eq!(refused(&mut service, &next).await, "23000");
    let mut owner = database.owner().await;
    let epoch = "select set_config('signoff.epoch', signoff_epoch()::text, false)";
    run(&mut owner, epoch).await.unwrap();
    assert_eq!(refused(&mut owner, &next).await, "23000");
    let changes = [
        "update closed_workflows set reason = 'another'",
        "delete from closed_workflows",
        "truncate closed_workflows",
    ];
    for change in changes {
        assert_eq!(refused(&mut service, change).await, "42501", "{change}");
        assert_eq!(refused(&mut owner, change).await, "42501", "{change}");
        assert_eq!(refused(&mut database.superuser().await, change).await, "42501", "{change}");
    }
    // Which transaction closed it, only the database says; and once.
    let close = |columns: &str, values: &str| {
        format!(
            "insert into closed_workflows \
             (cycle_id, report_id, closed_at, closed_by, reason{columns}) \
             select cycle_id, report_id, closed_at, closed_by, reason{values} from closed_workflows"
        )
    };
    let forged = close(", txid", ", '7'::xid8");
    assert_eq!(refused(&mut service, &forged).await, "42501");
    assert_eq!(refused(&mut service, &close("", "")).await, "23505");
}

#[tokio::test]
async fn a_workflow_that_is_not_closed_goes_on_beside_a_closed_one() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    let open = workflow();
    write_one(&ledger, open).await.unwrap();
    close(&ledger, workflow()).await;
    let right = "sha256('signoff-trail-v1'::bytea || '\\x00'::bytea || hash || canonical)";
    let next = insert("", "2", "hash", right);
    let own = format!("{next} and cycle_id = '{}'", open.cycle_id);
    assert_eq!(run(&mut database.service().await, &own).await.unwrap(), 1);
}
