//! Plans of test cases: staged call by call, and put into effect by one command.

use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::Mark;
use crate::domain::error::Error;
use crate::domain::plan::{MadeFrom, Plan, Planned, PlannedCase};

/// Rows `s` of the stage that belong to a plan of these versions.
macro_rules! of_versions {
    () => {
        "s.cycle_id = $1 and s.report_id = $2 and s.planning_version_id = $3
             and s.scoping_version_id = $4 and s.sample_selection_version_id = $5"
    };
}

/// The plan that is in force.
pub async fn current(conn: &mut PgConnection, workflow: Workflow) -> Result<Option<Plan>, Error> {
    let row = sqlx::query(
        "select * from test_plans where cycle_id = $1 and report_id = $2
         order by number desc limit 1",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(read).transpose()
}

/// How many cases a plan of these versions had when it took effect: the most, if it did repeatedly.
pub async fn cases_before(
    conn: &mut PgConnection,
    workflow: Workflow,
    made_from: MadeFrom,
) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "select coalesce(max(cases), 0) from test_plans
         where cycle_id = $1 and report_id = $2 and planning_version_id = $3
             and scoping_version_id = $4 and sample_selection_version_id = $5",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(made_from.planning_version_id)
    .bind(made_from.scoping_version_id)
    .bind(made_from.sample_selection_version_id)
    .fetch_one(conn)
    .await?)
}

/// How many cases are staged, of whatever versions.
pub async fn staged_in_all(conn: &mut PgConnection, workflow: Workflow) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "select count(*) from staged_cases where cycle_id = $1 and report_id = $2",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_one(conn)
    .await?)
}

/// How many cases are staged of a plan of these versions.
pub async fn staged(
    conn: &mut PgConnection,
    workflow: Workflow,
    made_from: MadeFrom,
) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(concat!("select count(*) from staged_cases s where ", of_versions!()))
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .bind(made_from.planning_version_id)
        .bind(made_from.scoping_version_id)
        .bind(made_from.sample_selection_version_id)
        .fetch_one(conn)
        .await?)
}

/// Stages cases of a plan.
pub async fn stage(
    conn: &mut PgConnection,
    workflow: Workflow,
    made_from: MadeFrom,
    cases: &[PlannedCase],
) -> Result<(), Error> {
    let ids: Vec<Uuid> = cases.iter().map(|case| case.test_case_id).collect();
    let samples: Vec<&str> = cases.iter().map(|case| case.sample_item_key.as_str()).collect();
    let attributes: Vec<Uuid> = cases.iter().map(|case| case.attribute_id).collect();
    let lobs: Vec<Option<Uuid>> = cases.iter().map(|case| case.lob_id).collect();
    sqlx::query(
        "insert into staged_cases (
             cycle_id, report_id, planning_version_id, scoping_version_id,
             sample_selection_version_id, test_case_id, sample_item_key, attribute_id, lob_id)
         select $1, $2, $3, $4, $5, * from unnest($6::uuid[], $7::text[], $8::uuid[], $9::uuid[])
         on conflict (cycle_id, report_id, planning_version_id, scoping_version_id,
             sample_selection_version_id, test_case_id)
         do update set lob_id = excluded.lob_id",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(made_from.planning_version_id)
    .bind(made_from.scoping_version_id)
    .bind(made_from.sample_selection_version_id)
    .bind(ids)
    .bind(samples)
    .bind(attributes)
    .bind(lobs)
    .execute(conn)
    .await?;
    Ok(())
}

/// What putting the staged cases of a plan into effect would change. One of the versions that are in
/// force already `adds` only: what it does not name was named before.
pub async fn difference(
    conn: &mut PgConnection,
    workflow: Workflow,
    made_from: MadeFrom,
    adds: bool,
) -> Result<Planned, Error> {
    let row = sqlx::query(concat!(
        "select
             count(*) filter (where s.test_case_id is not null or ($6 and not c.withdrawn)) as planned,
             count(*) filter (where c.id is null or (s.test_case_id is not null and c.withdrawn)) as added,
             count(*) filter (where s.test_case_id is null and not c.withdrawn and not $6) as withdrawn,
             count(*) filter (where not c.withdrawn and s.test_case_id is not null
                 and s.lob_id is distinct from c.lob_id) as moved
         from (select * from staged_cases s where ",
        of_versions!(),
        ") s
         full join (select * from test_cases where cycle_id = $1 and report_id = $2) c
             on c.id = s.test_case_id"
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(made_from.planning_version_id)
    .bind(made_from.scoping_version_id)
    .bind(made_from.sample_selection_version_id)
    .bind(adds)
    .fetch_one(conn)
    .await?;
    Ok(Planned {
        planned: row.try_get("planned")?,
        added: row.try_get("added")?,
        withdrawn: row.try_get("withdrawn")?,
        moved: row.try_get("moved")?,
        unassigned: 0,
    })
}

/// Writes a plan, and makes the test cases what is staged of it; or only `adds` them.
pub async fn put_into_effect(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    plan: &Plan,
    adds: bool,
) -> Result<(), Error> {
    let workflow = mark.workflow;
    sqlx::query(
        "insert into test_plans (
             cycle_id, report_id, id, number, planning_version_id, scoping_version_id,
             sample_selection_version_id, cases, planned_by, planned_at, revision, change_type,
             changed_by, change_reason, record_no, occurred_at, recorded_at, origin)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $9, $12, $13, $10, $10, 'native')",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(plan.id)
    .bind(plan.number)
    .bind(plan.made_from.planning_version_id)
    .bind(plan.made_from.scoping_version_id)
    .bind(plan.made_from.sample_selection_version_id)
    .bind(plan.cases)
    .bind(mark.by)
    .bind(mark.at)
    .bind(mark.change_type)
    .bind(mark.reason)
    .bind(mark.record_no)
    .execute(&mut *conn)
    .await?;
    // By the primary key, row by row: a join would read a workflow for each of its rows, where the
    // planner knows nothing of what was staged just now.
    let made_from = plan.made_from;
    sqlx::query(concat!(
        "insert into test_cases as c (
             cycle_id, report_id, id, sample_item_key, attribute_id, lob_id, withdrawn,
             plan_number, created_at, revision, change_type, changed_by, record_no, occurred_at,
             recorded_at, origin)
         select s.cycle_id, s.report_id, s.test_case_id, s.sample_item_key, s.attribute_id,
             s.lob_id, false, $6, $9, 1, 'planned', $7, $8, $9, $9, 'native'
         from staged_cases s where ",
        of_versions!(),
        " on conflict (cycle_id, report_id, id) do update set
             withdrawn = false, lob_id = excluded.lob_id,
             change_type = case when c.withdrawn then 'planned_again' else 'moved' end,
             plan_number = $6, revision = c.revision + 1, changed_by = $7, change_reason = null,
             record_no = $8, occurred_at = $9, recorded_at = $9, origin = 'native'
         where c.withdrawn or c.lob_id is distinct from excluded.lob_id"
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(made_from.planning_version_id)
    .bind(made_from.scoping_version_id)
    .bind(made_from.sample_selection_version_id)
    .bind(plan.number)
    .bind(mark.by)
    .bind(mark.record_no)
    .bind(mark.at)
    .execute(&mut *conn)
    .await?;
    if adds {
        return Ok(());
    }
    sqlx::query(concat!(
        "update test_cases c set
             withdrawn = true, change_type = 'withdrawn', plan_number = $6,
             revision = c.revision + 1, changed_by = $7, change_reason = null, record_no = $8,
             occurred_at = $9, recorded_at = $9, origin = 'native'
         where c.cycle_id = $1 and c.report_id = $2 and not c.withdrawn and not exists (
             select from staged_cases s where ",
        of_versions!(),
        " and s.test_case_id = c.id offset 0)"
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(made_from.planning_version_id)
    .bind(made_from.scoping_version_id)
    .bind(made_from.sample_selection_version_id)
    .bind(plan.number)
    .bind(mark.by)
    .bind(mark.record_no)
    .bind(mark.at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what is staged of a plan of these versions.
pub async fn clear(
    conn: &mut PgConnection,
    workflow: Workflow,
    made_from: MadeFrom,
) -> Result<(), Error> {
    sqlx::query(concat!("delete from staged_cases s where ", of_versions!()))
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .bind(made_from.planning_version_id)
        .bind(made_from.scoping_version_id)
        .bind(made_from.sample_selection_version_id)
        .execute(conn)
        .await?;
    Ok(())
}

fn read(row: &PgRow) -> Result<Plan, Error> {
    Ok(Plan {
        id: row.try_get("id")?,
        number: row.try_get("number")?,
        made_from: MadeFrom {
            planning_version_id: row.try_get("planning_version_id")?,
            scoping_version_id: row.try_get("scoping_version_id")?,
            sample_selection_version_id: row.try_get("sample_selection_version_id")?,
        },
        cases: row.try_get("cases")?,
        planned_at: row.try_get("planned_at")?,
        planned_by: row.try_get("planned_by")?,
    })
}
