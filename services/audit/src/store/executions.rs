//! Executions of test cases.

use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::{Mark, last};
use crate::domain::document::Submission;
use crate::domain::error::Error;
use crate::domain::execution::{Conclusion, Execution, ExecutionResult};

/// Executions, each with whether documents changed since it began.
macro_rules! executions {
    () => {
        "select e.*, exists (
             select from submissions s
             where s.cycle_id = e.cycle_id and s.report_id = e.report_id
                 and s.main_chain_id = e.main_chain_id and s.evidence_no > e.evidence_no
         ) as stale
         from executions e where e.cycle_id = "
    };
}

/// These executions, as far as there are any in this workflow.
pub async fn by_ids(
    conn: &mut PgConnection,
    workflow: Workflow,
    ids: &[Uuid],
) -> Result<Vec<Execution>, Error> {
    let rows = sqlx::query(concat!(
        "select f.* from unnest($3::uuid[]) as wanted (id) cross join lateral (",
        executions!(),
        "$1 and e.report_id = $2 and e.id = wanted.id limit 1) f"
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(ids)
    .fetch_all(conn)
    .await?;
    rows.iter().map(read).collect()
}

/// Which executions.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one test case.
    pub test_case_id: Option<Uuid>,
    /// Of one lane.
    pub lob_id: Option<Uuid>,
    /// With one of these results, where `None` stands for those that are not concluded; all, if
    /// there are none.
    pub results: Vec<Option<ExecutionResult>>,
    /// Of these lanes only.
    pub visible: Option<Vec<Uuid>>,
}

/// Where a page goes on: after this number of this test case.
pub type After = (Uuid, i32);

/// Executions by test case and number.
pub async fn list(
    conn: &mut PgConnection,
    workflow: Workflow,
    filter: &Filter,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Execution>, Error> {
    let mut query = QueryBuilder::<Postgres>::new(executions!());
    query.push_bind(workflow.cycle_id).push(" and e.report_id = ").push_bind(workflow.report_id);
    if let Some(case) = filter.test_case_id {
        query.push(" and e.test_case_id = ").push_bind(case);
    }
    if let Some(lob) = filter.lob_id {
        super::of_lanes(&mut query, "e", "= ");
        query.push_bind(lob).push(")");
    }
    if let Some(lobs) = &filter.visible {
        super::of_lanes(&mut query, "e", "= any(");
        query.push_bind(lobs).push("))");
    }
    if !filter.results.is_empty() {
        let words: Vec<&str> =
            filter.results.iter().map(|of| of.map_or("", ExecutionResult::name)).collect();
        query.push(" and coalesce(e.result, '') = any(").push_bind(words).push(")");
    }
    if let Some((case, number)) = after {
        query.push(" and (e.test_case_id, e.number) > (").push_bind(case).push(", ");
        query.push_bind(number).push(")");
    }
    query.push(" order by e.test_case_id, e.number limit ").push_bind(limit);
    let rows = query.build().fetch_all(conn).await?;
    rows.iter().map(read).collect()
}

/// The latest executions of test cases of the plan that failed or were inconclusive, on documents
/// that are current.
pub async fn to_observe(conn: &mut PgConnection, workflow: Workflow) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "select latest_execution_id from test_cases
         where cycle_id = $1 and report_id = $2 and tested in ('fail', 'inconclusive')
             and evidence in ('pending', 'accepted') and not stale and not withdrawn
         order by latest_execution_id",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_all(conn)
    .await?)
}

/// Writes a new execution of a test case on a document, as its next one; gives its number.
pub async fn start(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    (id, test_case_id): (Uuid, Uuid),
    on: &Submission,
) -> Result<i32, Error> {
    Ok(sqlx::query_scalar(
        "with started as (
             insert into executions (
                 cycle_id, report_id, id, test_case_id, number, submission_id, main_chain_id,
                 evidence_no, started_by, started_at, revision, change_type, changed_by,
                 change_reason, record_no, occurred_at, recorded_at, origin)
             select $1, $2, $3, $4,
                 coalesce((select max(number) from executions
                     where cycle_id = $1 and report_id = $2 and test_case_id = $4), 0) + 1,
                 $5, $6,
                 (select max(evidence_no) from submissions
                     where cycle_id = $1 and report_id = $2 and main_chain_id = $6),
                 $7, $8, 1, $9, $7, $10, $11, $8, $8, 'native'
             returning number
         ), noted as (
             update test_cases set latest_execution_id = $3, tested = 'open', stale = false
             where cycle_id = $1 and report_id = $2 and id = $4
         )
         select number from started",
    )
    .bind(mark.workflow.cycle_id)
    .bind(mark.workflow.report_id)
    .bind(id)
    .bind(test_case_id)
    .bind(on.id)
    .bind(on.main_chain_id)
    .bind(mark.by)
    .bind(mark.at)
    .bind(mark.change_type)
    .bind(mark.reason)
    .bind(mark.record_no)
    .fetch_one(conn)
    .await?)
}

/// Concludes an execution.
pub async fn conclude(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    execution: &Execution,
    conclusion: &Conclusion,
) -> Result<(), Error> {
    // The case's row follows by the same statement. It knows no other latest execution than one that
    // is open: there is one at a time.
    sqlx::query(
        "with concluded as (
             update executions set result = $4, expected = $5, found = $6, tolerance = $7,
                 rationale = $8, concluded_by = $9, concluded_at = $10, revision = revision + 1,
                 change_type = $11, changed_by = $9, change_reason = $8, record_no = $12,
                 occurred_at = $10, recorded_at = $10, origin = 'native'
             where cycle_id = $1 and report_id = $2 and id = $3
             returning test_case_id
         )
         update test_cases c set tested = $4 from concluded
         where c.cycle_id = $1 and c.report_id = $2 and c.id = concluded.test_case_id",
    )
    .bind(mark.workflow.cycle_id)
    .bind(mark.workflow.report_id)
    .bind(execution.id)
    .bind(conclusion.result.name())
    .bind(&conclusion.expected)
    .bind(&conclusion.found)
    .bind(&conclusion.tolerance)
    .bind(&conclusion.rationale)
    .bind(mark.by)
    .bind(mark.at)
    .bind(mark.change_type)
    .bind(mark.record_no)
    .execute(conn)
    .await?;
    Ok(())
}

fn read(row: &PgRow) -> Result<Execution, Error> {
    let result: Option<&str> = row.try_get("result")?;
    let concluded = match result {
        Some(result) => Some((
            Conclusion {
                result: ExecutionResult::named(result)?,
                expected: row.try_get("expected")?,
                found: row.try_get("found")?,
                tolerance: row.try_get("tolerance")?,
                rationale: row.try_get("rationale")?,
            },
            row.try_get("concluded_by")?,
            row.try_get("concluded_at")?,
        )),
        None => None,
    };
    Ok(Execution {
        id: row.try_get("id")?,
        test_case_id: row.try_get("test_case_id")?,
        number: row.try_get("number")?,
        submission_id: row.try_get("submission_id")?,
        started_by: row.try_get("started_by")?,
        started_at: row.try_get("started_at")?,
        concluded,
        stale: row.try_get("stale")?,
        last: last(row)?,
    })
}
