//! Test cases.

use chrono::{DateTime, Utc};
use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::{last, workflow_time, worth};
use crate::domain::error::Error;
use crate::domain::test_case::{TestCase, TestCaseState, Tested};

/// Test cases of a workflow ($1, $2) with their state at a moment ($3; now, if there is none).
macro_rules! test_cases {
    ($before:literal, $rest:literal) => {
        concat!(
            $before,
            "select c.*, test_case_state(c, o.owned) as state, s.document_id as current_document_id
             from test_cases c
             cross join lateral (
                 select exists (
                     select from assignments a
                     where a.cycle_id = c.cycle_id and a.report_id = c.report_id
                         and a.lob_id = c.lob_id and a.assignment_type = 'primary'
                         and a.effective_from <= coalesce($3, ",
            workflow_time!(),
            ")
                         and (a.effective_to is null or a.effective_to > coalesce($3, ",
            workflow_time!(),
            "))
                 ) as owned
             ) o
             left join lateral (
                 select h.document_id from submissions h
                 where h.cycle_id = c.cycle_id and h.report_id = c.report_id
                     and h.id = c.current_submission_id
                 limit 1
             ) s on true
             where c.cycle_id = $1 and c.report_id = $2 ",
            $rest
        )
    };
}

/// These test cases, as far as there are any, in order of their ids.
pub async fn by_ids(
    conn: &mut PgConnection,
    workflow: Workflow,
    ids: &[Uuid],
    at: Option<DateTime<Utc>>,
) -> Result<Vec<TestCase>, Error> {
    // One by one: by all ids at once, a plan for any parameters might read the whole workflow.
    let rows = sqlx::query(test_cases!(
        "select f.* from unnest($4::uuid[]) as wanted (id) cross join lateral (",
        "and c.id = wanted.id limit 1) f order by f.id"
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(at)
    .bind(ids)
    .fetch_all(conn)
    .await?;
    rows.iter().map(read).collect()
}

/// The lanes of the test cases that a chain of documents is evidence of, those that the plan has
/// and maybe the withdrawn ones: the one without a line of business as nil.
pub async fn lobs_of_chain(
    conn: &mut PgConnection,
    workflow: Workflow,
    chain_id: Uuid,
    withdrawn_too: bool,
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "select distinct coalesce(lob_id, $4) from test_cases
         where cycle_id = $1 and report_id = $2 and chain_id = $3 and (not withdrawn or $5)",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(chain_id)
    .bind(Uuid::nil())
    .bind(withdrawn_too)
    .fetch_all(conn)
    .await?)
}

/// Which of these test cases a chain of documents is no evidence of.
pub async fn not_of_chain(
    conn: &mut PgConnection,
    workflow: Workflow,
    chain_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "select wanted.id from unnest($4::uuid[]) as wanted (id)
         where not exists (
             select from test_cases c
             where c.cycle_id = $1 and c.report_id = $2 and c.id = wanted.id and c.chain_id = $3
         )",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(chain_id)
    .bind(ids)
    .fetch_all(conn)
    .await?)
}

/// Which test cases.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one lane.
    pub lob_id: Option<Uuid>,
    /// In one of these states; in any but withdrawn, if there are none.
    pub states: Vec<TestCaseState>,
    /// Of one sample.
    pub sample_item_key: Option<String>,
    /// Of one attribute.
    pub attribute_id: Option<Uuid>,
    /// Of these lanes only.
    pub visible: Option<Vec<Uuid>>,
}

/// Test cases by sample and attribute.
pub async fn list(
    conn: &mut PgConnection,
    workflow: Workflow,
    filter: &Filter,
    after: Option<(String, Uuid)>,
    limit: i64,
) -> Result<Vec<TestCase>, Error> {
    let mut query =
        QueryBuilder::<Postgres>::with_arguments(test_cases!("", ""), arguments(workflow)?);
    if let Some(lob) = filter.lob_id {
        query.push(" and c.lob_id = ").push_bind(lob);
    }
    if let Some(lobs) = &filter.visible {
        query.push(" and c.lob_id = any(").push_bind(lobs).push(")");
    }
    if let Some(sample) = &filter.sample_item_key {
        query.push(" and c.sample_item_key = ").push_bind(sample);
    }
    if let Some(attribute) = filter.attribute_id {
        query.push(" and c.attribute_id = ").push_bind(attribute);
    }
    if filter.states.is_empty() {
        query.push(" and not c.withdrawn");
    } else {
        let states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
        query.push(" and test_case_state(c, o.owned) = any(").push_bind(states).push(")");
    }
    if let Some((sample, attribute)) = after {
        query.push(" and (c.sample_item_key, c.attribute_id) > (").push_bind(sample);
        query.push(", ").push_bind(attribute).push(")");
    }
    query.push(" order by c.sample_item_key, c.attribute_id limit ").push_bind(limit);
    let rows = query.build().fetch_all(conn).await?;
    rows.iter().map(read).collect()
}

fn arguments(workflow: Workflow) -> Result<sqlx::postgres::PgArguments, Error> {
    use sqlx::Arguments as _;

    let mut arguments = sqlx::postgres::PgArguments::default();
    let added = arguments
        .add(workflow.cycle_id)
        .and_then(|()| arguments.add(workflow.report_id))
        .and_then(|()| arguments.add(None::<DateTime<Utc>>));
    added.map_err(|error| signoff_backend::Fault::Internal(error.to_string()))?;
    Ok(arguments)
}

/// Works out anew what a chain and its supplements are worth, after something was added to them: what
/// was tested before is stale.
pub async fn follow_evidence(
    conn: &mut PgConnection,
    workflow: Workflow,
    chain_id: Uuid,
) -> Result<(), Error> {
    let statement = concat!(
        "with worth as (",
        worth!(
            "(select chain_id, status from submissions
              where cycle_id = $1 and report_id = $2 and main_chain_id = $3 and is_current)",
            "$3"
        ),
        "), head as (
             select id from submissions
             where cycle_id = $1 and report_id = $2 and chain_id = $3 and is_current
         )
         update test_cases c set evidence = worth.evidence, current_submission_id = head.id,
             stale = c.stale or c.tested <> 'none'
         from worth, head
         where c.cycle_id = $1 and c.report_id = $2 and c.chain_id = $3
             and (c.evidence, c.current_submission_id, c.stale) is distinct from
                 (worth.evidence, head.id, c.stale or c.tested <> 'none')"
    );
    sqlx::query(statement)
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .bind(chain_id)
        .execute(conn)
        .await?;
    Ok(())
}

fn read(row: &PgRow) -> Result<TestCase, Error> {
    let submission: Option<Uuid> = row.try_get("current_submission_id")?;
    let document: Option<Uuid> = row.try_get("current_document_id")?;
    Ok(TestCase {
        id: row.try_get("id")?,
        sample_item_key: row.try_get("sample_item_key")?,
        attribute_id: row.try_get("attribute_id")?,
        lob_id: row.try_get("lob_id")?,
        state: TestCaseState::named(row.try_get("state")?)?,
        chain_id: row.try_get("chain_id")?,
        current: submission.zip(document),
        latest_execution_id: row.try_get("latest_execution_id")?,
        tested: Tested::named(row.try_get("tested")?)?,
        stale: row.try_get("stale")?,
        open_actions: row.try_get("open_actions")?,
        created_at: row.try_get("created_at")?,
        last: last(row)?,
    })
}
