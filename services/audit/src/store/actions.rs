//! Requests for action.

use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::{Mark, last};
use crate::domain::action::{Action, ActionType, Response, ResponseStatus, TimelineImpact};
use crate::domain::error::Error;

/// A request, if it is of this workflow.
pub async fn by_id(
    conn: &mut PgConnection,
    workflow: Workflow,
    id: Uuid,
) -> Result<Option<Action>, Error> {
    let row =
        sqlx::query("select * from actions where cycle_id = $1 and report_id = $2 and id = $3")
            .bind(workflow.cycle_id)
            .bind(workflow.report_id)
            .bind(id)
            .fetch_optional(conn)
            .await?;
    row.as_ref().map(read).transpose()
}

/// Which requests.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// For one test case.
    pub test_case_id: Option<Uuid>,
    /// In one lane.
    pub lob_id: Option<Uuid>,
    /// Without a response only.
    pub open_only: bool,
    /// In these lanes only.
    pub visible: Option<Vec<Uuid>>,
}

/// Requests in the order in which they were made.
pub async fn list(
    conn: &mut PgConnection,
    workflow: Workflow,
    filter: &Filter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Action>, Error> {
    let mut query = QueryBuilder::<Postgres>::new("select a.* from actions a where a.cycle_id = ");
    query.push_bind(workflow.cycle_id).push(" and a.report_id = ").push_bind(workflow.report_id);
    if let Some(case) = filter.test_case_id {
        query.push(" and a.test_case_id = ").push_bind(case);
    }
    if let Some(lob) = filter.lob_id {
        super::of_lanes(&mut query, "a", "= ");
        query.push_bind(lob).push(")");
    }
    if let Some(lobs) = &filter.visible {
        super::of_lanes(&mut query, "a", "= any(");
        query.push_bind(lobs).push("))");
    }
    if filter.open_only {
        query.push(" and a.responded_at is null");
    }
    if let Some(after) = after {
        query.push(" and a.id > ").push_bind(after);
    }
    query.push(" order by a.id limit ").push_bind(limit);
    let rows = query.build().fetch_all(conn).await?;
    rows.iter().map(read).collect()
}

/// Writes a new request.
pub async fn insert(conn: &mut PgConnection, mark: Mark<'_>, new: &Action) -> Result<(), Error> {
    sqlx::query(
        "with requested as (
             insert into actions (
                 cycle_id, report_id, id, action_type, test_case_id, execution_id, action_details,
                 requested_by, requested_at, request_reason, revision, change_type, changed_by,
                 change_reason, record_no, occurred_at, recorded_at, origin)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $8, $10, $12, $9, $9, 'native')
             returning test_case_id
         )
         update test_cases c set open_actions = c.open_actions + 1 from requested
         where c.cycle_id = $1 and c.report_id = $2 and c.id = requested.test_case_id",
    )
    .bind(mark.workflow.cycle_id)
    .bind(mark.workflow.report_id)
    .bind(new.id)
    .bind(new.action_type.name())
    .bind(new.test_case_id)
    .bind(new.execution_id)
    .bind(&new.action_details)
    .bind(mark.by)
    .bind(mark.at)
    .bind(&new.request_reason)
    .bind(mark.change_type)
    .bind(mark.record_no)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the response to a request.
pub async fn respond(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    id: Uuid,
    response: &Response,
) -> Result<(), Error> {
    sqlx::query(
        "with responded as (
             update actions set responded_by = $4, responded_at = $5, response_status = $6,
                 response_notes = $7, impact_on_timeline = $8, revision = revision + 1,
                 change_type = $9, changed_by = $4, change_reason = $7, record_no = $10,
                 occurred_at = $5, recorded_at = $5, origin = 'native'
             where cycle_id = $1 and report_id = $2 and id = $3
             returning test_case_id
         )
         update test_cases c set open_actions = c.open_actions - 1 from responded
         where c.cycle_id = $1 and c.report_id = $2 and c.id = responded.test_case_id",
    )
    .bind(mark.workflow.cycle_id)
    .bind(mark.workflow.report_id)
    .bind(id)
    .bind(mark.by)
    .bind(mark.at)
    .bind(response.status.name())
    .bind(&response.notes)
    .bind(response.impact.map(TimelineImpact::name))
    .bind(mark.change_type)
    .bind(mark.record_no)
    .execute(conn)
    .await?;
    Ok(())
}

fn read(row: &PgRow) -> Result<Action, Error> {
    let status: Option<&str> = row.try_get("response_status")?;
    let impact: Option<&str> = row.try_get("impact_on_timeline")?;
    let responded = match status {
        Some(status) => Some((
            Response {
                status: ResponseStatus::named(status)?,
                notes: row.try_get("response_notes")?,
                impact: impact.map(TimelineImpact::named).transpose()?,
            },
            row.try_get("responded_by")?,
            row.try_get("responded_at")?,
        )),
        None => None,
    };
    Ok(Action {
        id: row.try_get("id")?,
        action_type: ActionType::named(row.try_get("action_type")?)?,
        test_case_id: row.try_get("test_case_id")?,
        execution_id: row.try_get("execution_id")?,
        action_details: row.try_get("action_details")?,
        requested_by: row.try_get("requested_by")?,
        requested_at: row.try_get("requested_at")?,
        request_reason: row.try_get("request_reason")?,
        responded,
        last: last(row)?,
    })
}
