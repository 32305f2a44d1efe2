//! History, as the database wrote it: nobody else can.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use signoff_backend::Fault;
use signoff_ledger::Origin;
use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::history::{Change, SubjectType};

/// Which changes.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one phase, by its slug.
    pub phase: Option<&'static str>,
    /// By one person.
    pub changed_by: Option<i64>,
    /// Of one subject, or of any of several.
    pub subjects: Option<Vec<Uuid>>,
    /// Of these types; of all, if there are none.
    pub types: Vec<SubjectType>,
    /// At or after this time.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub to: Option<DateTime<Utc>>,
}

/// Where a page goes on: after this change, downwards.
pub type After = (i64, Uuid);

/// Changes, newest first.
pub async fn list(
    conn: &mut PgConnection,
    workflow: Workflow,
    filter: &Filter,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Change>, Error> {
    let mut query = QueryBuilder::<Postgres>::new("");
    let mut from = "history";
    if let Some(subjects) = &filter.subjects {
        // Each by itself, and then put in order: it is little. In one step, the planner might look for
        // it along all changes. The condition on revisions lets their index be used.
        query.push("with of_subjects as (select h.* from unnest(").push_bind(subjects);
        query.push(") as wanted (id) cross join lateral (select * from history where cycle_id = ");
        query.push_bind(workflow.cycle_id).push(" and report_id = ").push_bind(workflow.report_id);
        query.push(" and id = wanted.id and revision > 0 order by revision desc offset 0) h) ");
        from = "of_subjects";
    }
    query.push("select h.* from ").push(from).push(" h where h.cycle_id = ");
    query.push_bind(workflow.cycle_id).push(" and h.report_id = ").push_bind(workflow.report_id);
    if let Some(phase) = filter.phase {
        query.push(" and h.phase = ").push_bind(phase);
    }
    if let Some(person) = filter.changed_by {
        query.push(" and h.changed_by = ").push_bind(person);
    }
    if !filter.types.is_empty() {
        let types: Vec<&str> = filter.types.iter().map(|of| of.name()).collect();
        query.push(" and h.subject_type = any(").push_bind(types).push(")");
    }
    // Times do not run backwards within a chain: a time bounds the numbers of records.
    if let Some(from) = filter.from {
        bound(&mut query, workflow, " and h.record_no >= ", from, ">=", "");
    }
    if let Some(to) = filter.to {
        bound(&mut query, workflow, " and h.record_no <= ", to, "<", " desc");
    }
    if let Some((record_no, id)) = after {
        query.push(" and (h.record_no, h.id) < (").push_bind(record_no).push(", ");
        query.push_bind(id).push(")");
    }
    query.push(" order by h.record_no desc, h.id desc limit ").push_bind(limit);
    let rows = query.build().fetch_all(conn).await?;
    rows.iter().map(read).collect()
}

/// Bounds the numbers of records by that of the first or last change before or after a time.
fn bound(
    query: &mut QueryBuilder<Postgres>,
    workflow: Workflow,
    condition: &str,
    time: DateTime<Utc>,
    side: &str,
    order: &str,
) {
    query.push(condition).push("(select t.record_no from history t where t.cycle_id = ");
    query.push_bind(workflow.cycle_id).push(" and t.report_id = ").push_bind(workflow.report_id);
    query.push(" and t.recorded_at ").push(side).push(" ").push_bind(time);
    query.push(" order by t.recorded_at").push(order).push(", t.record_no").push(order);
    query.push(" limit 1)");
}

/// What the trail says of a change: which it is, the hash of the state after it, and the states.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What it is about.
    pub subject_type: String,
    /// Which of them.
    pub subject_id: Uuid,
    /// 1, 2, 3 … of the subject.
    pub revision: i64,
    /// What happened.
    pub change_type: String,
    /// SHA-256 of the new state as PostgreSQL writes JSONB.
    pub state_hash: Vec<u8>,
    /// What was before, of the subject in whose states the caller is interested.
    pub previous_state: Option<Value>,
    /// What is after, of the same.
    pub new_state: Option<Value>,
}

/// The changes of one record after a subject, in order; with the states of one.
pub async fn of_record(
    conn: &mut PgConnection,
    workflow: Workflow,
    record_no: i64,
    states_of: Uuid,
    (after, limit): (Uuid, i64),
) -> Result<Vec<Told>, Error> {
    let rows = sqlx::query(
        "select subject_type, id, revision, change_type,
             sha256(convert_to(new_state::text, 'UTF8')) as state_hash,
             case when id = $6 then previous_state end as previous_state,
             case when id = $6 then new_state end as new_state
         from history
         where cycle_id = $1 and report_id = $2 and record_no = $3 and id > $4
         order by id limit $5",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(record_no)
    .bind(after)
    .bind(limit)
    .bind(states_of)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Told {
                subject_type: row.try_get("subject_type")?,
                subject_id: row.try_get("id")?,
                revision: row.try_get("revision")?,
                change_type: row.try_get("change_type")?,
                state_hash: row.try_get("state_hash")?,
                previous_state: row.try_get("previous_state")?,
                new_state: row.try_get("new_state")?,
            })
        })
        .collect()
}

/// The first states of some subjects.
pub async fn first_states(
    conn: &mut PgConnection,
    workflow: Workflow,
    subjects: &[Uuid],
) -> Result<HashMap<Uuid, Value>, Error> {
    let rows: Vec<(Uuid, Value)> = sqlx::query_as(
        "select wanted.id, h.new_state from unnest($3::uuid[]) as wanted (id)
         cross join lateral (
             select new_state from history
             where cycle_id = $1 and report_id = $2 and id = wanted.id and revision = 1 limit 1
         ) h",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(subjects)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// When something changed last in a phase, by its slug. What is only recorded there completes nothing.
pub async fn latest(
    conn: &mut PgConnection,
    workflow: Workflow,
    phase: &str,
) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(sqlx::query_scalar(
        "select occurred_at from history
         where cycle_id = $1 and report_id = $2 and phase = $3 and subject_type <> 'record'
         order by record_no desc, id desc limit 1",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(phase)
    .fetch_optional(conn)
    .await?)
}

fn read(row: &PgRow) -> Result<Change, Error> {
    let origin: &str = row.try_get("origin")?;
    let origin = Origin::from_name(origin)
        .ok_or_else(|| Fault::Internal(format!("unknown origin in the database: {origin}")))?;
    Ok(Change {
        history_id: row.try_get("history_id")?,
        record_no: row.try_get("record_no")?,
        phase: row.try_get("phase")?,
        subject_type: SubjectType::named(row.try_get("subject_type")?)?,
        subject_id: row.try_get("id")?,
        revision: row.try_get("revision")?,
        change_type: row.try_get("change_type")?,
        changed_by: row.try_get("changed_by")?,
        reason: row.try_get("change_reason")?,
        previous_state: row.try_get("previous_state")?,
        new_state: row.try_get("new_state")?,
        occurred_at: row.try_get("occurred_at")?,
        recorded_at: row.try_get("recorded_at")?,
        origin,
    })
}
