//! Counting anew, beside the numbers that are answered.

use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use signoff_contract::metrics::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::Person;
use signoff_tests::house::ADMIN;
use signoff_tests::people::request_id;
use signoff_tests::refusals::refusal;
use signoff_tests::wait::until;
use signoff_workflow::Role;
use tonic::Code;

use crate::asking::Asking;
use crate::fake::Counted;
use crate::oracle;
use crate::story::Story;

fn wanted(reason: &str) -> wire::RebuildRequest {
    wire::RebuildRequest { request_id: request_id(), reason: reason.to_owned() }
}

/// Reads until `stop`, and expects that every read succeeds and that no number of versions goes back.
async fn read_on(auditor: Person, stop: &AtomicBool) -> usize {
    let (mut reads, mut last, mut generation) = (0, (0.0, 0.0), 0);
    while !stop.load(Ordering::SeqCst) {
        let found = auditor.call(wire::GetWorkflowMetricsRequest::default()).await.unwrap().metrics;
        let of = |name: &str| {
            let metric = found.iter().find(|metric| metric.metric_type == name).unwrap();
            metric.metric_value.unwrap()
        };
        let now = (of("version_created"), of("workflows_opened"));
        assert!(now.0 >= last.0 && now.1 >= last.1, "{now:?} after {last:?}");
        let freshness = auditor.call(wire::GetFreshnessRequest {}).await.unwrap();
        assert!(freshness.generation >= generation);
        (last, generation, reads) = (now, freshness.generation, reads + 1);
    }
    reads
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_never_go_back_while_they_are_counted_anew() {
    let counted = Counted::new().await;
    let dice = ChaCha8Rng::seed_from_u64(11);
    let mut story = Story::new(dice, "2025-12-30T20:00:00Z".parse().unwrap(), 3);
    let mut go_on = |steps: usize| {
        for _ in 0..steps {
            let (source, record) = story.step();
            counted.fake.send(source, &[record], 1);
        }
        story.files()
    };
    go_on(600);
    counted.settled().await;

    let (stop, admin) = (AtomicBool::new(false), counted.person(ADMIN, None, &[Role::Admin]).await);
    let busy = async {
        let mut files = Vec::new();
        for round in 0..3 {
            let begun = admin.call(wanted("to be sure")).await.unwrap().rebuild.unwrap();
            assert_eq!(begun.state(), wire::RebuildState::Counting);
            assert_eq!(begun.progress.len(), 3);
            files = go_on(50);
            let done = until("a count from the start", || async {
                let now = admin.call(wire::GetFreshnessRequest {}).await.unwrap();
                let rebuild = now.rebuild.clone().unwrap();
                for of in &rebuild.progress {
                    assert!(of.records >= 0 && of.of_records > 0, "{rebuild:?}");
                }
                (now.generation == begun.generation).then_some(rebuild)
            })
            .await;
            assert_eq!(done.state(), wire::RebuildState::Done);
            assert!(done.finished_at.is_some());
            assert_eq!((done.requested_by, done.reason.as_str()), (ADMIN, "to be sure"));
            assert_eq!(done.generation, round + 2);
        }
        counted.settled().await;
        stop.store(true, Ordering::SeqCst);
        files
    };
    let (files, one, other) = tokio::join!(
        busy,
        read_on(counted.auditor().await, &stop),
        read_on(counted.auditor().await, &stop),
    );
    assert!(one + other > 10, "{one} and {other} reads");
    let facts = oracle::count(&files);
    let auditor = counted.auditor().await;
    Asking::new(&auditor, &facts, ChaCha8Rng::seed_from_u64(2)).totals().await;

    // Of counts whose place was taken, nothing is left but that they were there.
    let generation = counted.freshness().await.generation;
    for table in [
        "feeds",
        "heads",
        "versions",
        "rulings",
        "requests",
        "rejected_records",
        "rollups",
        "time_buckets",
    ] {
        until(table, || async {
            let left = format!("select count(*) from {table} where generation <> $1");
            let left = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(left)).bind(generation);
            let mut db = counted.as_service().await;
            let left = left.fetch_one(&mut db).await.unwrap();
            (left == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_to_count_anew_counts_once() {
    let counted = Counted::new().await;
    let admin = counted.person(ADMIN, None, &[Role::Admin]).await;
    let request = wanted("a new bucket");
    let begun = admin.call(request.clone()).await.unwrap().rebuild.unwrap();
    // Whoever asks meanwhile is given the same one, and whoever comes too late another one.
    let meanwhile = wanted("to be sure");
    let given = admin.call(meanwhile.clone()).await.unwrap().rebuild.unwrap();
    until("its end", || async {
        (counted.freshness().await.generation == given.generation).then_some(())
    })
    .await;
    let asked_again = admin.call(meanwhile).await.unwrap().rebuild.unwrap();
    assert_eq!(asked_again.generation, given.generation);
    let again = admin.call(request.clone()).await.unwrap().rebuild.unwrap();
    assert_eq!((again.generation, again.state()), (begun.generation, wire::RebuildState::Done));
    // With another content, or of somebody else.
    let other = wire::RebuildRequest { reason: "another one".to_owned(), ..request.clone() };
    let somebody = counted.person(ADMIN + 5, None, &[Role::Admin]).await;
    for refused in [admin.call(other).await, somebody.call(request).await] {
        refusal(refused, Code::InvalidArgument, ErrorReason::RequestIdReused);
    }
    assert_eq!(counted.freshness().await.generation, given.generation);
}
