//! What a query reads depends on what it answers, not on how much there is: rows that the real
//! queries touch are counted, on a line of 50,000 items.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::scope;
use signoff_tests::{World, build, world};
use signoff_versioning::domain::decision::{Cursor, Filter};
use signoff_versioning::domain::version::Version;
use signoff_versioning::store::{
    artifacts, compare, decisions, held, history, known, lines, makers, pages, restate, rulings,
    versions,
};
use signoff_workflow::{Phase, PhaseRow, PhaseTable, Role, Scope};
use sqlx::{Connection as _, PgConnection};
use wire::Verdict;

use crate::reading::{read, reads};

const ITEMS: u32 = 50_000;
/// What changes from version to version.
const CHANGED: usize = 10;

/// A line with many items, and a neighbour in the same tables.
struct Full {
    world: World,
    scope: Scope,
    row: PhaseRow,
}

impl Full {
    /// Version 1 approved with all items; 2, 3 and 4 approved with a few changed; 5 a draft with a
    /// few new ones.
    async fn new() -> Self {
        let world = World::new().await;
        let (workflow, phase) = (world::workflow(), Phase::SAMPLE_SELECTION);
        world.open_phases(workflow, &[phase]).await;
        let tester = world.person(10, workflow, &[Role::Tester]).await;
        let owner = world.person(20, workflow, &[Role::ReportOwner]).await;
        let here = scope(workflow, phase);
        let mut draft = tester.create(&here, build::inputs(0..ITEMS)).await.unwrap();
        loop {
            let submitted = tester.submit(&draft).await.unwrap();
            owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
            let approved = owner.approve(&submitted).await.unwrap();
            draft = tester.revise(&here, Vec::new()).await.unwrap();
            if approved.number == 4 {
                break;
            }
            let page = wire::ListDecisionsRequest {
                scope: Some(here.clone()),
                version_id: draft.version_id.clone(),
                page_size: 10 * i32::try_from(CHANGED).unwrap(),
                ..Default::default()
            };
            let page = tester.call(page).await.unwrap().decisions;
            let chosen = page.iter().skip(CHANGED * usize::try_from(approved.number).unwrap());
            for decision in chosen.take(CHANGED) {
                let payload = build::sample(&decision.item_key, "edited");
                tester.edit(&draft, decision, payload, "it was wrong").await.unwrap();
            }
        }
        let fresh = build::inputs(ITEMS..ITEMS + u32::try_from(CHANGED).unwrap());
        tester.add(&draft, fresh).await.unwrap();
        let row = PhaseTable::standard().get(phase).unwrap().clone();
        Self { world, scope: Scope { workflow, phase }, row }
    }
}

/// Tables that hold a few rows here.
const SMALL: [&str; 3] = ["artifacts", "lines", "versions"];

/// The queries that read too much. A page of a list costs at most `page` rows.
async fn hot_queries(full: &Full, conn: &mut PgConnection, page: i64) -> Vec<String> {
    let mut wrong = Vec::new();
    let (scope, row) = (full.scope, &full.row);
    let current = versions::current(conn, scope, row).await.unwrap().unwrap();
    let (line_no, version_id) = (current.line_no, current.version_id);
    let draft = versions::open(conn, scope, row).await.unwrap().unwrap();
    let oldest = versions::by_number(conn, scope, line_no, 1).await.unwrap();
    let all = Filter::default();
    let many = i32::try_from(ITEMS).unwrap();

    reads!(wrong, conn, 40, 1, "GetVersion", {
        usize::from(versions::by_id(conn, scope, row, version_id).await.unwrap().is_some())
    });
    reads!(wrong, conn, 40, 1, "GetCurrentVersion", {
        usize::from(versions::current(conn, scope, row).await.unwrap().is_some())
    });
    reads!(wrong, conn, 40, 1, "the open version", {
        usize::from(versions::open(conn, scope, row).await.unwrap().is_some())
    });
    reads!(wrong, conn, 40, 1, "the newest version", {
        usize::from(versions::newest(conn, scope, line_no).await.unwrap().is_some())
    });
    reads!(wrong, conn, 40, 5, "ListVersions", {
        versions::list(conn, scope, row, i32::MAX, 100).await.unwrap().len()
    });
    reads!(wrong, conn, 10, 1, "the line", {
        usize::from(lines::find(conn, scope, row).await.unwrap().is_some())
    });
    reads!(wrong, conn, 5, 1, "whether somebody made anything", {
        usize::from(makers::made_any(conn, line_no, 10).await.unwrap())
    });
    for version in [&oldest, &current, &draft] {
        for after in [0, many / 2, many - 200] {
            reads!(wrong, conn, page, 100, "ListDecisions", {
                let cursor = Cursor::Item(after);
                pages::page(conn, version, &all, &cursor, 100).await.unwrap().len()
            });
            reads!(wrong, conn, page, 100, "ListDecisions by key", {
                let cursor = Cursor::Key(format!("S-{after:06}"));
                pages::page(conn, version, &all, &cursor, 100).await.unwrap().len()
            });
        }
    }
    reads!(wrong, conn, 200, 5, "GetLineage", {
        decisions::lineage(conn, line_no, 15, i32::MAX, 100).await.unwrap().len()
    });
    let ten: Vec<i32> = (1..=10).collect();
    reads!(wrong, conn, 200, 10, "decisions by their ids", {
        decisions::of_items(conn, line_no, current.number, &ten).await.unwrap().len()
    });
    reads!(wrong, conn, 400, 10, "what a command holds", {
        held::of(conn, &draft, &ten, 10, true).await.unwrap().len()
    });
    reads!(wrong, conn, 200, CHANGED, "what is pending", {
        held::pending(conn, &draft, 20, false).await.unwrap().len()
    });
    reads!(wrong, conn, 100, 10, "known keys", {
        let keys: Vec<String> = (0..10).map(|number| format!("S-{:06}", number * 4000)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        known::keys(conn, line_no, draft.number, &keys).await.unwrap().len()
    });
    reads!(wrong, conn, 100, 0, "known keys that are new", {
        let keys: Vec<String> = (0..10).map(|number| format!("new {number}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        known::keys(conn, line_no, draft.number, &keys).await.unwrap().len()
    });
    reads!(wrong, conn, 1000, CHANGED, "CompareVersions", {
        let totals = compare::totals(conn, &current, &draft).await.unwrap();
        usize::try_from(totals.added + totals.removed + totals.changed).unwrap()
    });
    reads!(wrong, conn, 1000, 5, "a page of CompareVersions", {
        compare::page(conn, &current, &draft, 0, 5).await.unwrap().len()
    });
    reads!(wrong, conn, 40, 4, "ListArtifacts", {
        let found = artifacts::list(conn, scope.workflow, Some(row.slug), true, None, 100);
        found.await.unwrap().len()
    });
    reads!(wrong, conn, 100, 0, "whose changes wait", {
        rulings::proposed_by(conn, &draft, &ten, 20).await.unwrap().len()
    });
    revisions(conn, &current, &draft, &mut wrong).await;
    headers(full, conn, &draft, &mut wrong).await;
    one_item(conn, &current, &draft, &mut wrong).await;
    wrong
}

/// What belongs to headers, whatever the line holds.
async fn headers(full: &Full, conn: &mut PgConnection, draft: &Version, wrong: &mut Vec<String>) {
    let (scope, line_no) = (full.scope, draft.line_no);
    reads!(wrong, conn, 40, 1, "a version by its number", {
        usize::from(versions::by_number(conn, scope, line_no, 3).await.unwrap().number == 3)
    });
    reads!(wrong, conn, 40, 5, "all versions of a workflow", {
        versions::of_workflow(conn, scope).await.unwrap().len()
    });
    reads!(wrong, conn, 10, 3, "the ids of versions", {
        versions::ids(conn, line_no, &[1, 2, 3]).await.unwrap().len()
    });
    reads!(wrong, conn, 5, 1, "LocateVersion", {
        let table = PhaseTable::standard();
        usize::from(versions::locate(conn, table, draft.version_id).await.unwrap().is_some())
    });
    reads!(wrong, conn, 10, 1, "saving a header", {
        let next = Version { revision: draft.revision + 1, ..draft.clone() };
        versions::save(conn, &next).await.unwrap();
        1
    });
    reads!(wrong, conn, 10, 6, "the next version's number", {
        usize::try_from(lines::next_number(conn, line_no).await.unwrap()).unwrap()
    });
    reads!(wrong, conn, 10, 1, "one more maker, and the newest item's number", {
        let newest = i32::try_from(2 * ITEMS).unwrap();
        makers::add(conn, line_no, 10, 5, newest).await.unwrap();
        1
    });
    reads!(wrong, conn, 10, 1, "the newest item's number", {
        usize::from(lines::last_item(conn, line_no).await.is_ok())
    });
}

/// What belongs to one item, or to a few.
async fn one_item(
    conn: &mut PgConnection,
    current: &Version,
    draft: &Version,
    wrong: &mut Vec<String>,
) {
    let line_no = draft.line_no;
    // The items that the second version edited.
    let edited: Vec<i32> = (11..=20).collect();
    reads!(wrong, conn, 10, 2, "the rulings on an item", {
        rulings::of_item(conn, line_no, edited[0], 100).await.unwrap().len()
    });
    let found = decisions::of_items(conn, line_no, current.number, &edited).await.unwrap();
    reads!(wrong, conn, 200, edited.len(), "what was changed in items", {
        history::of(conn, line_no, &found).await.unwrap().len()
    });
    reads!(wrong, conn, 100, 1, "ending rulings", {
        rulings::end(conn, draft, &edited).await.unwrap();
        1
    });
}

/// A first review of a whole line reads each item a few times, however many there are: on a line
/// that the tables' statistics do not know.
async fn reviews(full: &Full, conn: &mut PgConnection) -> Vec<String> {
    const MANY: u32 = 5_000;
    let mut wrong = Vec::new();
    let (world, phase) = (&full.world, full.scope.phase);
    let workflow = world::workflow();
    world.open_phases(workflow, &[phase]).await;
    let tester = world.person(10, workflow, &[Role::Tester]).await;
    let draft = tester.create(&scope(workflow, phase), build::inputs(0..MANY)).await.unwrap();
    tester.submit(&draft).await.unwrap();
    let submitted = versions::open(conn, Scope { workflow, phase }, &full.row).await.unwrap();
    let submitted = submitted.unwrap();
    let (most, many) = (10 * i64::from(MANY), usize::try_from(MANY).unwrap());
    let all: Vec<i32> = (1..=i32::try_from(MANY).unwrap()).collect();
    for made_any in [false, true] {
        reads!(wrong, conn, most, many, "all that is pending", {
            held::pending(conn, &submitted, 20, made_any).await.unwrap().len()
        });
        reads!(wrong, conn, most, many, "all that is named", {
            held::of(conn, &submitted, &all, 20, made_any).await.unwrap().len()
        });
    }
    wrong
}

/// Revising from an older baseline looks at what was touched since, and at nothing else.
async fn revisions(
    conn: &mut PgConnection,
    current: &Version,
    draft: &Version,
    wrong: &mut Vec<String>,
) {
    for (baseline, touched) in [(3, CHANGED), (2, 2 * CHANGED)] {
        reads!(wrong, conn, 2000, touched, "the touched set of a revision", {
            // As if the draft were the one that is being made.
            let at = current.updated_at;
            restate::from_baseline(conn, draft, baseline, 10, at).await.unwrap().len()
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_queries_read_little() {
    let full = Full::new().await;
    let mut conn = full.world.as_service().await;
    let mut admin = full.world.as_superuser().await;
    for statistics in ["without", "with"] {
        // After some calls, a statement's plan may no longer depend on its parameters.
        for plan in ["auto", "force_custom_plan", "force_generic_plan"] {
            let mode = format!("set plan_cache_mode = {plan}");
            sqlx::query(sqlx::AssertSqlSafe(mode)).execute(&mut conn).await.unwrap();
            let wrong = hot_queries(&full, &mut conn, 1500).await;
            assert!(wrong.is_empty(), "{statistics} statistics, {plan}:\n{}", wrong.join("\n"));
            let wrong = reviews(&full, &mut conn).await;
            assert!(wrong.is_empty(), "{statistics} statistics, {plan}:\n{}", wrong.join("\n"));
        }
        sqlx::query("analyze").execute(&mut admin).await.unwrap();
    }
    full.world.stop().await;
}

/// # Panics
/// A foreign key has no index: looking for what refers to a row would read whole tables.
pub(crate) async fn expect_indexed_foreign_keys(conn: &mut PgConnection) {
    let without: Vec<String> = sqlx::query_scalar(
        "select conrelid::regclass || ' ' || conname from pg_constraint c
         where contype = 'f' and connamespace = 'public'::regnamespace and not exists (
             select from pg_index i
             where i.indrelid = c.conrelid
                 and (i.indpred is null
                     or pg_get_expr(i.indpred, i.indrelid) ~ '^\\([a-z_]+ IS NOT NULL\\)$')
                 and (i.indkey::smallint[])[0 : cardinality(c.conkey) - 1] @> c.conkey)",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    assert!(without.is_empty(), "{without:?}");
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let world = World::new().await;
    expect_indexed_foreign_keys(&mut world.as_superuser().await).await;
    world.stop().await;
}
