//! The service's process is killed in the middle of an import.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::bulk::{import_into, messages};
use signoff_tests::people::scope;
use signoff_tests::wait::until;
use signoff_tests::{Person, build, world};
use signoff_workflow::{Phase, Role};
use sqlx::{Connection as _, PgConnection};

use crate::killed::Killable;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_start_clears_what_a_killed_import_left() {
    let mut service = Killable::start().await;
    let workflow = world::workflow();
    let person = |user_id, roles: &[Role]| {
        Person::new(&service.key, service.channel(), user_id, Some(workflow), roles)
    };
    let mut gateway = person(1, &[Role::Gateway]);
    gateway.open_phase(workflow, Phase::SAMPLE_SELECTION).await;
    let (tester, auditor) = (person(10, &[Role::Tester]), person(40, &[Role::Auditor]));
    let here = scope(workflow, Phase::SAMPLE_SELECTION);
    let draft = tester.create(&here, Vec::new()).await.unwrap();
    let first = import_into(&draft);

    // Rows go in, and the stream never ends.
    let (rows, sent) = tokio::sync::mpsc::channel::<wire::ImportDecisionsRequest>(1);
    let client = tester.clone();
    let call =
        tokio::spawn(async move {
            let stream = futures::stream::unfold(sent, |mut sent| async move {
                Some((sent.recv().await?, sent))
            });
            client.versioning.clone().import_decisions(stream).await
        });
    for message in messages(&first, build::inputs(0..5_000), 500) {
        rows.send(message).await.unwrap();
    }
    let url = service.owner_url();
    let staged = || staged(&url);
    until("some rows to be staged", || async { (staged().await > 1).then_some(()) }).await;
    service.kill().await;
    assert!(call.await.unwrap().is_err(), "nobody was there to answer");
    assert!(staged().await > 1, "the rows were staged for good");

    service.restart().await;
    until("the rows to be cleared", || async { (staged().await == 0).then_some(()) }).await;
    assert_eq!(tester.get(&draft).await.unwrap(), draft);
    assert!(tester.decisions(&draft).await.is_empty());
    assert!(auditor.verify(workflow).await.intact);
    // The same request, sent again, is done now.
    let again = tester.send_import(messages(&first, build::inputs(0..5_000), 900)).await.unwrap();
    assert_eq!(again.imported, 5_000);
}

/// How many rows of imports there are.
async fn staged(url: &str) -> i64 {
    let mut database = PgConnection::connect(url).await.unwrap();
    let count = "select (select count(*) from staged_items) + (select count(*) from imports)";
    sqlx::query_scalar(count).fetch_one(&mut database).await.unwrap()
}
