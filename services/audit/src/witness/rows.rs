//! The rows that a chain speaks of.

use chrono::{DateTime, Utc};
use signoff_ledger::{Origin, Record};
use signoff_workflow::Workflow;
use sqlx::PgConnection;
use uuid::Uuid;

use super::States;
use crate::domain::error::Error;

/// The record that is being looked at: whatever it tells of, this person did then, and for this
/// reason.
#[derive(Clone, Debug)]
pub(super) struct Author {
    pub(super) record_no: i64,
    pub(super) user_id: i64,
    pub(super) at: DateTime<Utc>,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) origin: Origin,
    pub(super) phase: Option<String>,
    pub(super) reason: Option<String>,
}

impl Author {
    /// Of a record, and of what its bytes say.
    pub(super) fn of(record: &Record, reason: Option<String>) -> Self {
        Self {
            record_no: record.sequence,
            user_id: record.actor,
            at: record.recorded_at,
            occurred_at: record.occurred_at,
            origin: record.origin,
            phase: record.phase.clone(),
            reason,
        }
    }
}

/// The states of a subject before and after a record.
pub(super) async fn states(
    conn: &mut PgConnection,
    workflow: Workflow,
    author: &Author,
    subject: Uuid,
) -> Result<States, Error> {
    Ok(sqlx::query_as(
        "select subject_type, previous_state, new_state from history
         where cycle_id = $1 and report_id = $2 and record_no = $3 and id = $4
             and changed_by = $5 and recorded_at = $6 and occurred_at = $7 and origin = $8
             and phase = $9 and change_reason is not distinct from $10",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(author.record_no)
    .bind(subject)
    .bind(author.user_id)
    .bind(author.at)
    .bind(author.occurred_at)
    .bind(author.origin.name())
    .bind(author.phase.as_deref())
    .bind(author.reason.as_deref())
    .fetch_optional(conn)
    .await?)
}

/// A row of details: type, revision, what happened, and the hash of the state.
type Detail = (String, i64, String, String);

/// What history says of some changes of a record.
pub(super) async fn claimed(
    conn: &mut PgConnection,
    workflow: Workflow,
    author: &Author,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Detail)>, Error> {
    let rows: Vec<(Uuid, String, i64, String, String)> = sqlx::query_as(
        "select id, subject_type, revision, change_type,
             encode(sha256(convert_to(new_state::text, 'UTF8')), 'hex')
         from history
         where cycle_id = $1 and report_id = $2 and record_no = $3 and id = any($4)
             and changed_by = $5 and recorded_at = $6 and occurred_at = $7 and origin = $8
             and phase = $9 and change_reason is not distinct from $10",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(author.record_no)
    .bind(ids)
    .bind(author.user_id)
    .bind(author.at)
    .bind(author.occurred_at)
    .bind(author.origin.name())
    .bind(author.phase.as_deref())
    .bind(author.reason.as_deref())
    .fetch_all(conn)
    .await?;
    let details = rows
        .into_iter()
        .map(|(id, kind, revision, change, hash)| (id, (kind, revision, change, hash)));
    Ok(details.collect())
}

/// How many rows of history a workflow has.
pub(super) async fn count(conn: &mut PgConnection, workflow: Workflow) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("select count(*) from history where cycle_id = $1 and report_id = $2")
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .fetch_one(conn)
        .await?)
}

/// A subject whose changes do not follow each other: each begins where the one before it ended. With
/// the first record that tells of one that does not.
pub(super) async fn torn(
    conn: &mut PgConnection,
    workflow: Workflow,
) -> Result<Option<(Uuid, i64)>, Error> {
    Ok(sqlx::query_as(
        "select id, record_no from (
             select id, record_no, revision, previous_state, row_number() over of_subject as number,
                 lag(new_state) over of_subject as before
             from history where cycle_id = $1 and report_id = $2
             window of_subject as (partition by id order by revision)
         ) h
         where revision <> number or previous_state is distinct from before
         order by record_no, id limit 1",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_optional(conn)
    .await?)
}

/// The condition that a row is not in the state that its history says: that of most subjects, without
/// columns that are no state.
macro_rules! state_differs {
    ($($more:literal),*) => {
        concat!(
            "to_jsonb(t) - array['cycle_id', 'report_id', 'revision', 'change_type',
                         'changed_by', 'change_reason', 'record_no', 'occurred_at', 'recorded_at',
                         'origin', 'copies'", $(", '", $more, "'",)* "]
                     is distinct from h.new_state"
        )
    };
}

/// The statement that looks for a subject of one table that is not what its history says last, or
/// that has history and is not there, or that is there twice. With the record that says so: the last
/// one about it.
macro_rules! differs {
    ($table:literal, $type:literal, $state_differs:expr) => {
        concat!(
            "(with of_type as (
                 select distinct on (id) * from history
                 where cycle_id = $1 and report_id = $2 and subject_type = '",
            $type,
            "'
                 order by id, revision desc
             )
             select coalesce(t.id, h.id) as id, h.record_no
             from (
                 select *, count(*) over (partition by id) as copies from ",
            $table,
            " where cycle_id = $1 and report_id = $2
             ) t
             full join of_type h on h.id = t.id
             where t.id is null or h.id is null
                 or (t.revision, t.change_type, t.changed_by, t.record_no, t.occurred_at,
                         t.recorded_at, t.origin)
                     is distinct from (h.revision, h.change_type, h.changed_by, h.record_no,
                         h.occurred_at, h.recorded_at, h.origin)
                 or t.change_reason is distinct from h.change_reason
                 or ",
            $state_differs,
            "
                 or t.copies > 1
             order by 2 limit 1)"
        )
    };
}

/// A subject whose state is not what its history says, and the record that does, if there is one: of
/// several, that of the first record.
pub(super) async fn differs_from_history(
    conn: &mut PgConnection,
    workflow: Workflow,
) -> Result<Option<(Uuid, Option<i64>)>, Error> {
    Ok(sqlx::query_as(concat!(
        differs!("assignments", "assignment", state_differs!()),
        " union all ",
        differs!("test_plans", "test_plan", state_differs!()),
        " union all ",
        differs!(
            "test_cases",
            "test_case",
            state_differs!(
                "chain_id",
                "current_submission_id",
                "evidence",
                "latest_execution_id",
                "tested",
                "stale",
                "open_actions"
            )
        ),
        " union all ",
        differs!("submissions", "document", state_differs!()),
        " union all ",
        differs!("executions", "execution", state_differs!()),
        " union all ",
        differs!("actions", "action", state_differs!()),
        " union all ",
        differs!("records", "record", "(t.phase, t.data) is distinct from (h.phase, h.new_state)"),
        " order by 2 limit 1",
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_optional(conn)
    .await?)
}

/// A test case of which the row says something else than what follows from documents, executions and
/// actions.
pub(super) async fn follows_wrongly(
    conn: &mut PgConnection,
    workflow: Workflow,
) -> Result<Option<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "with chains as (
             select main_chain_id, max(evidence_no) as evidence_no,
                 (array_agg(id) filter (where is_current and chain_id = main_chain_id))[1] as head,
                 bool_or(is_current and chain_id = main_chain_id
                     and status in ('rejected', 'revision_requested')) as refused,
                 bool_or(is_current and status in ('pending_review', 'revision_requested')) as open
             from submissions where cycle_id = $1 and report_id = $2 group by main_chain_id
         ), latest as (
             select distinct on (test_case_id) test_case_id, id, result, evidence_no
             from executions where cycle_id = $1 and report_id = $2
             order by test_case_id, number desc
         ), asked as (
             select test_case_id, count(*) as open from actions
             where cycle_id = $1 and report_id = $2 and responded_at is null group by test_case_id
         )
         select c.id from test_cases c
         left join chains s on s.main_chain_id = c.chain_id
         left join latest e on e.test_case_id = c.id
         left join asked a on a.test_case_id = c.id
         where c.cycle_id = $1 and c.report_id = $2
             and (
                 c.evidence <> case when c.chain_id is null then 'none' when s.refused then 'refused'
                     when s.open then 'pending' else 'accepted' end
                 or c.current_submission_id is distinct from s.head
                 or c.latest_execution_id is distinct from e.id
                 or c.tested <> case when e.id is null then 'none' else coalesce(e.result, 'open') end
                 or c.stale <> coalesce(e.evidence_no < s.evidence_no, false)
                 or c.open_actions <> coalesce(a.open, 0)
             )
         order by c.id limit 1",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_optional(conn)
    .await?)
}

/// A lane whose counts are not those of its test cases.
pub(super) async fn counted_wrongly(
    conn: &mut PgConnection,
    workflow: Workflow,
) -> Result<Option<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "with counted as (
             select coalesce(lob_id, $3) as lob_id, count(*) as cases,
                 count(*) filter (where evidence in ('pending', 'accepted')) as with_document,
                 count(*) filter (where evidence = 'accepted') as accepted,
                 count(*) filter (where tested = 'open' and evidence in ('pending', 'accepted')) as in_test,
                 count(*) filter (where tested not in ('none', 'open')) as executed,
                 count(*) filter (where tested not in ('none', 'open') and not stale
                     and evidence in ('pending', 'accepted')) as concluded,
                 count(*) filter (where tested in ('fail', 'inconclusive') and not stale
                     and evidence in ('pending', 'accepted')) as to_observe,
                 count(*) filter (where stale) as stale, sum(open_actions) as open_actions
             from test_cases where cycle_id = $1 and report_id = $2 and not withdrawn group by 1
         )
         select lob_id
         from (select * from lanes where cycle_id = $1 and report_id = $2) l
         full join counted c using (lob_id)
         where (coalesce(l.cases, 0), coalesce(l.with_document, 0), coalesce(l.accepted, 0),
                 coalesce(l.in_test, 0), coalesce(l.executed, 0), coalesce(l.concluded, 0),
                 coalesce(l.to_observe, 0), coalesce(l.stale, 0), coalesce(l.open_actions, 0))
             is distinct from
             (coalesce(c.cases, 0), coalesce(c.with_document, 0), coalesce(c.accepted, 0),
                 coalesce(c.in_test, 0), coalesce(c.executed, 0), coalesce(c.concluded, 0),
                 coalesce(c.to_observe, 0), coalesce(c.stale, 0), coalesce(c.open_actions, 0))
         order by lob_id limit 1",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(Uuid::nil())
    .fetch_optional(conn)
    .await?)
}
