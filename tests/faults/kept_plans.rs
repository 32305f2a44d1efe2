//! The tables held a few rows when somebody analyzed them, and then there is much: plans that sessions keep
//! must not read all of it for each row.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::scope;
use signoff_tests::wait::until;
use signoff_tests::{World, build, world};
use signoff_workflow::{Phase, Role};
use sqlx::{Executor as _, PgConnection};
use tokio::sync::Mutex;
use wire::Verdict;

const PHASE: Phase = Phase::SAMPLE_SELECTION;
const FEW: u32 = 4;
const MANY: u32 = 5_000;

/// Makes a version of so many items, has it reviewed and approved, and revises it with half as many more. How
/// many items there are then.
async fn round(world: &World, items: u32) -> i64 {
    let workflow = world::workflow();
    world.open_phases(workflow, &[PHASE]).await;
    let tester = world.person(10, workflow, &[Role::Tester]).await;
    let owner = world.person(20, workflow, &[Role::ReportOwner]).await;
    let here = scope(workflow, PHASE);
    let mut draft = tester.create(&here, build::inputs(0..items / 2)).await.unwrap();
    for had in [items / 2, items] {
        tester.add(&draft, build::inputs(had..had + items / 2)).await.unwrap();
        let added = tester.get(&draft).await.unwrap();
        let submitted = tester.submit(&added).await.unwrap();
        owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
        owner.approve(&submitted).await.unwrap();
        draft = tester.revise(&here, Vec::new()).await.unwrap();
    }
    i64::from(items + items / 2)
}

/// How many rows all sessions have read since the first day, by scans of whole tables and by indexes, when so
/// many items were put in. While a session is there, it tells late; when it ends, it tells all.
async fn told(mut database: PgConnection, items: i64) -> (i64, i64) {
    let ended = Mutex::new(&mut database);
    until("the end of all sessions", || async {
        let left: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database()
                 and backend_type = 'client backend' and pid <> pg_backend_pid()",
        )
        .fetch_one(&mut **ended.lock().await)
        .await
        .unwrap();
        (left == 0).then_some(())
    })
    .await;
    let (inserted, scanned, fetched): (i64, i64, i64) = sqlx::query_as(
        "select coalesce(sum(n_tup_ins) filter (where relname = 'items'), 0)::bigint,
             sum(seq_tup_read)::bigint, sum(idx_tup_fetch)::bigint
         from pg_stat_user_tables where schemaname = 'public'",
    )
    .fetch_one(&mut database)
    .await
    .unwrap();
    assert!(inserted >= items, "of {items}, {inserted} are told");
    (scanned, fetched)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_made_for_a_few_rows_do_for_many() {
    let world = World::new().await;
    let mut database = world.as_superuser().await;
    let mut items = 0;
    for _ in 0..3 {
        database.execute("analyze").await.unwrap();
        // Enough for each session to keep its plans.
        for _ in 0..8 {
            items += round(&world, FEW).await;
        }
    }
    let many = round(&world, MANY).await;
    world.stop().await;
    // The few rows of the first days are counted, too: they hardly matter.
    let (scanned, fetched) = told(database, items + many).await;
    assert!(scanned < many && fetched < 20 * many, "{many}: {scanned} scanned, {fetched} by index");
}
