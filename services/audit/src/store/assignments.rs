//! Assignments of data owners.

use chrono::{DateTime, Utc};
use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::{Mark, last, workflow_time};
use crate::domain::assignment::{Assignment, AssignmentStatus, AssignmentType, Ended};
use crate::domain::error::Error;

/// An assignment, if it is of this workflow.
pub async fn by_id(
    conn: &mut PgConnection,
    workflow: Workflow,
    id: Uuid,
) -> Result<Option<Assignment>, Error> {
    let row =
        sqlx::query("select * from assignments where cycle_id = $1 and report_id = $2 and id = $3")
            .bind(workflow.cycle_id)
            .bind(workflow.report_id)
            .bind(id)
            .fetch_optional(conn)
            .await?;
    row.as_ref().map(read).transpose()
}

/// Those of a line of business whose time is not over.
pub async fn of_lob(
    conn: &mut PgConnection,
    workflow: Workflow,
    lob_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Assignment>, Error> {
    let rows = sqlx::query(
        "select * from assignments
         where cycle_id = $1 and report_id = $2 and lob_id = $3
             and (effective_to is null or effective_to > $4)
         order by id",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(lob_id)
    .bind(now)
    .fetch_all(conn)
    .await?;
    rows.iter().map(read).collect()
}

/// Those of any of these lines of business that are active now, each with the time that this is.
pub async fn active(
    conn: &mut PgConnection,
    workflow: Workflow,
    lobs: &[Uuid],
) -> Result<Vec<Told>, Error> {
    let rows = sqlx::query(concat!(
        "select *, ",
        workflow_time!(),
        " as told_at from assignments
             where cycle_id = $1 and report_id = $2 and lob_id = any($3)
                 and effective_from <= ",
        workflow_time!(),
        " and (effective_to is null or effective_to > ",
        workflow_time!(),
        ") order by lob_id, id",
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(lobs)
    .fetch_all(conn)
    .await?;
    rows.iter().map(told).collect()
}

/// Which of these lines of business have no primary owner at a moment.
pub async fn unowned(
    conn: &mut PgConnection,
    workflow: Workflow,
    lobs: &[Uuid],
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "select wanted.id from unnest($3::uuid[]) as wanted (id)
         where not exists (
             select from assignments
             where cycle_id = $1 and report_id = $2 and lob_id = wanted.id
                 and assignment_type = 'primary' and effective_from <= $4
                 and (effective_to is null or effective_to > $4)
         )",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(lobs)
    .bind(at)
    .fetch_all(conn)
    .await?)
}

/// The lines of business that somebody owns in this workflow at a moment, in whatever capacity;
/// now, if none is given.
pub async fn owned_by(
    conn: &mut PgConnection,
    workflow: Workflow,
    person: i64,
    at: Option<DateTime<Utc>>,
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(concat!(
        "select distinct lob_id from assignments
             where cycle_id = $1 and report_id = $2 and data_owner_id = $3
                 and effective_from <= coalesce($4, ",
        workflow_time!(),
        ") and (effective_to is null or effective_to > coalesce($4, ",
        workflow_time!(),
        "))",
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(person)
    .bind(at)
    .fetch_all(conn)
    .await?)
}

/// Which assignments.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one line of business.
    pub lob_id: Option<Uuid>,
    /// Of one person.
    pub data_owner_id: Option<i64>,
    /// Of these statuses; of all, if there are none.
    pub statuses: Vec<AssignmentStatus>,
    /// Of these lines of business only.
    pub visible: Option<Vec<Uuid>>,
}

/// An assignment, and the time by which its status is told: by the database's clock.
pub type Told = (Assignment, DateTime<Utc>);

/// Assignments by line of business, newest first in each.
pub async fn list(
    conn: &mut PgConnection,
    workflow: Workflow,
    filter: &Filter,
    after: Option<(Uuid, Uuid)>,
    limit: i64,
) -> Result<Vec<Told>, Error> {
    let mut query = QueryBuilder::<Postgres>::new(concat!(
        "with moment as (select ",
        workflow_time!(),
        " as now) select a.*, moment.now as told_at from assignments a, moment where a.cycle_id = "
    ));
    query.push_bind(workflow.cycle_id).push(" and a.report_id = ").push_bind(workflow.report_id);
    if let Some(lob) = filter.lob_id {
        query.push(" and a.lob_id = ").push_bind(lob);
    }
    if let Some(person) = filter.data_owner_id {
        query.push(" and a.data_owner_id = ").push_bind(person);
    }
    if let Some(lobs) = &filter.visible {
        query.push(" and a.lob_id = any(").push_bind(lobs).push(")");
    }
    if !filter.statuses.is_empty() {
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.name()).collect();
        query.push(
            " and case
                  when a.effective_to <= moment.now and a.ended = 'transferred' then 'transferred'
                  when a.effective_to <= moment.now or a.effective_from > moment.now
                  then 'inactive' else 'active' end = any(",
        );
        query.push_bind(statuses).push(")");
    }
    if let Some((lob, id)) = after {
        query.push(" and (a.lob_id > ").push_bind(lob).push(" or (a.lob_id = ").push_bind(lob);
        query.push(" and a.id < ").push_bind(id).push("))");
    }
    query.push(" order by a.lob_id, a.id desc limit ").push_bind(limit);
    let rows = query.build().fetch_all(conn).await?;
    rows.iter().map(told).collect()
}

/// An assignment with those that it took over, back to the first.
pub async fn with_previous(
    conn: &mut PgConnection,
    workflow: Workflow,
    id: Uuid,
) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "with recursive of_chain as (
             select id, previous_assignment_id from assignments
             where cycle_id = $1 and report_id = $2 and id = $3
             union all
             select a.id, a.previous_assignment_id
             from of_chain join assignments a
                 on a.cycle_id = $1 and a.report_id = $2 and a.id = of_chain.previous_assignment_id
         )
         select id from of_chain",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(id)
    .fetch_all(conn)
    .await?)
}

/// Writes a new one.
pub async fn insert(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    new: &Assignment,
) -> Result<(), Error> {
    sqlx::query(
        "insert into assignments (
             cycle_id, report_id, id, data_owner_id, lob_id, assignment_type, effective_from,
             effective_to, previous_assignment_id, created_by, created_at, revision, change_type,
             changed_by, change_reason, record_no, occurred_at, recorded_at, origin)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $10, $13, $14, $11, $11,
             'native')",
    )
    .bind(mark.workflow.cycle_id)
    .bind(mark.workflow.report_id)
    .bind(new.id)
    .bind(new.data_owner_id)
    .bind(new.lob_id)
    .bind(new.assignment_type.name())
    .bind(new.effective_from)
    .bind(new.effective_to)
    .bind(new.previous_assignment_id)
    .bind(mark.by)
    .bind(mark.at)
    .bind(mark.change_type)
    .bind(mark.reason)
    .bind(mark.record_no)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends one.
pub async fn end(
    conn: &mut PgConnection,
    mark: Mark<'_>,
    id: Uuid,
    ended: Ended,
    effective_to: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update assignments set effective_to = $4, ended = $5, revision = revision + 1,
             change_type = $6, changed_by = $7, change_reason = $8, record_no = $9,
             occurred_at = $10, recorded_at = $10, origin = 'native'
         where cycle_id = $1 and report_id = $2 and id = $3",
    )
    .bind(mark.workflow.cycle_id)
    .bind(mark.workflow.report_id)
    .bind(id)
    .bind(effective_to)
    .bind(ended.name())
    .bind(mark.change_type)
    .bind(mark.by)
    .bind(mark.reason)
    .bind(mark.record_no)
    .bind(mark.at)
    .execute(conn)
    .await?;
    Ok(())
}

fn told(row: &PgRow) -> Result<Told, Error> {
    Ok((read(row)?, row.try_get("told_at")?))
}

fn read(row: &PgRow) -> Result<Assignment, Error> {
    let ended: Option<&str> = row.try_get("ended")?;
    Ok(Assignment {
        id: row.try_get("id")?,
        data_owner_id: row.try_get("data_owner_id")?,
        lob_id: row.try_get("lob_id")?,
        assignment_type: AssignmentType::named(row.try_get("assignment_type")?)?,
        effective_from: row.try_get("effective_from")?,
        effective_to: row.try_get("effective_to")?,
        ended: ended.map(Ended::named).transpose()?,
        previous_assignment_id: row.try_get("previous_assignment_id")?,
        created_by: row.try_get("created_by")?,
        created_at: row.try_get("created_at")?,
        last: last(row)?,
    })
}
