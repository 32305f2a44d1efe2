//! What a query of the audit service reads depends on what it answers: in a workflow of 24,000 test
//! cases.

use signoff_audit::commands::Engine as Audit;
use signoff_audit::store::{
    actions, assignments, cases, executions, history, lanes, plans, submissions,
};
use signoff_contract::audit::v1 as wire;
use signoff_tests::World;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;
use wire::{ActionType, DocumentStatus, ExecutionResult};

use crate::indexes::expect_indexed_foreign_keys;
use crate::reading::{read, reads};

/// Test cases of each lane.
const EACH: usize = 8_000;
/// How many of them have documents of their own, and were tested.
const TESTED: usize = 20;

/// Tables that hold a few rows here.
const SMALL: [&str; 6] =
    ["actions", "assignments", "executions", "lanes", "submissions", "test_plans"];

/// What the queries are about.
struct Full {
    lanes: Lanes,
    case: Uuid,
    chain: Uuid,
    execution: Uuid,
    assignment: Uuid,
}

impl Full {
    async fn new(world: &'static World<Audit>) -> Self {
        let lanes = Lanes::open_in(world).await;
        let mut assignment = Uuid::nil();
        for (lob, owner) in LOBS.into_iter().zip(OWNERS) {
            let assigned = lanes.assign(lob, owner).await.unwrap();
            assignment = assigned.assignment_id.parse().unwrap();
        }
        lanes.plan(&Lanes::cases(EACH)).await.unwrap();
        let found = lanes.cases_of(LOBS[0]).await;
        let (mut chain, mut execution) = (Uuid::nil(), Uuid::nil());
        for case in &found[..TESTED] {
            let document = lanes.submit(OWNERS[0], std::slice::from_ref(case)).await.unwrap();
            let document = lanes.review(&document, DocumentStatus::Accepted).await.unwrap();
            let done = lanes.test(case, &document, ExecutionResult::Fail).await;
            lanes.ask(case, ActionType::TestRerun).await.unwrap();
            chain = document.chain_id.parse().unwrap();
            execution = done.execution_id.parse().unwrap();
        }
        // One document of all others, which most queries must not read.
        lanes.submit(OWNERS[0], &found[TESTED..]).await.unwrap();
        let case = found[TESTED - 1].test_case_id.parse().unwrap();
        Self { lanes, case, chain, execution, assignment }
    }
}

async fn hot_queries(full: &Full, conn: &mut PgConnection) -> Vec<String> {
    let mut wrong = Vec::new();
    let workflow = full.lanes.workflow;
    reads!(wrong, conn, 40, 1, "a test case", {
        cases::by_ids(conn, workflow, &[full.case], None).await.unwrap().len()
    });
    for after in ["S-0-00000", "S-1-04000", "S-2-07000"] {
        let after = Some((after.to_owned(), Uuid::max()));
        reads!(wrong, conn, 1500, 100, "ListTestCases", {
            let filter = cases::Filter::default();
            cases::list(conn, workflow, &filter, after.clone(), 100).await.unwrap().len()
        });
    }
    reads!(wrong, conn, 1500, 100, "ListTestCases of a lane", {
        let filter = cases::Filter { lob_id: Some(LOBS[2]), ..Default::default() };
        cases::list(conn, workflow, &filter, None, 100).await.unwrap().len()
    });
    reads!(wrong, conn, 60, 1, "ListTestCases of a sample", {
        let sample_item_key = Some("S-1-04000".to_owned());
        let filter = cases::Filter { sample_item_key, ..Default::default() };
        cases::list(conn, workflow, &filter, None, 100).await.unwrap().len()
    });
    reads!(wrong, conn, 40, 1, "the lanes of a chain", {
        cases::lobs_of_chain(conn, workflow, full.chain, false).await.unwrap().len()
    });
    reads!(wrong, conn, 40, 3, "all lanes", {
        lanes::all(conn, workflow, None).await.unwrap().len()
    });
    reads!(wrong, conn, 5, 1, "the plan in force", {
        usize::from(plans::current(conn, workflow).await.unwrap().is_some())
    });
    reads!(wrong, conn, 200, TESTED, "what must be observed", {
        executions::to_observe(conn, workflow).await.unwrap().len()
    });
    reads!(wrong, conn, 20, 1, "an execution", {
        executions::by_ids(conn, workflow, &[full.execution]).await.unwrap().len()
    });
    reads!(wrong, conn, 40, 1, "ListExecutions of a test case", {
        let filter = executions::Filter { test_case_id: Some(full.case), ..Default::default() };
        executions::list(conn, workflow, &filter, None, 100).await.unwrap().len()
    });
    reads!(wrong, conn, 200, 10, "open requests for action", {
        let filter = actions::Filter { open_only: true, ..Default::default() };
        actions::list(conn, workflow, &filter, None, 10).await.unwrap().len()
    });
    documents(full, conn, &mut wrong).await;
    owners(full, conn, &mut wrong).await;
    histories(full, conn, &mut wrong).await;
    wrong
}

async fn documents(full: &Full, conn: &mut PgConnection, wrong: &mut Vec<String>) {
    let workflow = full.lanes.workflow;
    reads!(wrong, conn, 5, 1, "a submission", {
        usize::from(submissions::by_id(conn, workflow, full.chain).await.unwrap().is_some())
    });
    reads!(wrong, conn, 5, 1, "the head of a chain", {
        usize::from(submissions::head(conn, workflow, full.chain).await.unwrap().is_some())
    });
    reads!(wrong, conn, 5, 1, "the latest evidence", {
        usize::try_from(submissions::latest_evidence(conn, workflow, full.chain).await.unwrap())
            .unwrap()
    });
    reads!(wrong, conn, 100, 1, "ListDocuments of a test case", {
        let filter = submissions::Filter { test_case_id: Some(full.case), ..Default::default() };
        submissions::list(conn, workflow, &filter, None, 100).await.unwrap().len()
    });
    reads!(wrong, conn, 100, 10, "ListDocuments", {
        let filter = submissions::Filter::default();
        submissions::list(conn, workflow, &filter, None, 10).await.unwrap().len()
    });
}

async fn owners(full: &Full, conn: &mut PgConnection, wrong: &mut Vec<String>) {
    let workflow = full.lanes.workflow;
    reads!(wrong, conn, 10, 1, "what somebody owns", {
        assignments::owned_by(conn, workflow, OWNERS[1], None).await.unwrap().len()
    });
    reads!(wrong, conn, 10, 3, "who owns lanes", {
        assignments::active(conn, workflow, &LOBS).await.unwrap().len()
    });
    reads!(wrong, conn, 10, 1, "an assignment", {
        let found = assignments::by_id(conn, workflow, full.assignment).await.unwrap();
        usize::from(found.is_some())
    });
}

async fn histories(full: &Full, conn: &mut PgConnection, wrong: &mut Vec<String>) {
    let workflow = full.lanes.workflow;
    let all = history::list(conn, workflow, &history::Filter::default(), None, 100).await.unwrap();
    let last = all.last().unwrap();
    let after = Some((last.record_no, last.subject_id));
    let filters = [
        ("of all", 100, history::Filter::default()),
        ("of a phase", 100, history::Filter { phase: Some("data_owner_id"), ..Default::default() }),
        ("by a person", 3, history::Filter { changed_by: Some(OWNERS[0]), ..Default::default() }),
        (
            "of a subject",
            2,
            history::Filter { subjects: Some(vec![full.execution]), ..Default::default() },
        ),
        ("of a time", 50, history::Filter { from: Some(last.recorded_at), ..Default::default() }),
        ("before a time", 50, history::Filter { to: Some(last.recorded_at), ..Default::default() }),
    ];
    for (what, least, filter) in filters {
        for after in [None, after] {
            reads!(wrong, conn, 400, true, format!("ListChanges {what}"), {
                let found = history::list(conn, workflow, &filter, after, 100).await.unwrap();
                // Of a subject, or after a time, there is little on a second page.
                assert!(after.is_some() || found.len() >= least, "{what}: {}", found.len());
                true
            });
        }
    }
    reads!(wrong, conn, 10, true, "the latest change of a phase", {
        history::latest(conn, workflow, "test_execution").await.unwrap().is_some()
    });
    reads!(wrong, conn, 40, true, "what a record changed", {
        let nil = Uuid::nil();
        let told =
            history::of_record(conn, workflow, last.record_no, nil, (nil, 32)).await.unwrap();
        !told.is_empty()
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_queries_of_lanes_read_little() {
    let world: &'static World<Audit> = Box::leak(Box::new(World::start().await));
    let full = Full::new(world).await;
    let mut conn = world.as_service().await;
    let mut admin = world.as_superuser().await;
    expect_indexed_foreign_keys(&mut admin).await;
    for statistics in ["without", "with"] {
        for plan in ["auto", "force_custom_plan", "force_generic_plan"] {
            let mode = format!("set plan_cache_mode = {plan}");
            sqlx::query(sqlx::AssertSqlSafe(mode)).execute(&mut conn).await.unwrap();
            let wrong = hot_queries(&full, &mut conn).await;
            assert!(wrong.is_empty(), "{statistics} statistics, {plan}:\n{}", wrong.join("\n"));
        }
        sqlx::query("analyze").execute(&mut admin).await.unwrap();
    }
}
