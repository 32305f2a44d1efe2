//! The only place with SQL: one file per aggregate. Changes of subjects go through a [`Mark`], from
//! which the database writes their history.

pub mod actions;
pub mod assignments;
pub mod cases;
pub mod executions;
pub mod history;
pub mod lanes;
pub mod plans;
pub mod records;
pub mod submissions;

use chrono::{DateTime, Utc};
use signoff_ledger::{LedgerError, classify};
use signoff_workflow::Workflow;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};

use crate::domain::LastChange;
use crate::domain::error::Error;

/// What is said of a change in the rows that it changes.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// Where.
    pub workflow: Workflow,
    /// What happens: "created".
    pub change_type: &'static str,
    /// By whom.
    pub by: i64,
    /// Why.
    pub reason: Option<&'a str>,
    /// The record of the trail that will tell of it.
    pub record_no: i64,
    /// When.
    pub at: DateTime<Utc>,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        classify(error).into()
    }
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        Self::Fault(error.into())
    }
}

/// The statement that says what the current submissions of a main chain are worth: a table of them with
/// `chain_id` and `status`, and the parameter that is the main chain.
macro_rules! worth {
    ($current:literal, $chain:literal) => {
        concat!(
            "select case
                 when bool_or(s.chain_id = ",
            $chain,
            " and s.status in ('rejected', 'revision_requested')) then 'refused'
                 when bool_or(s.status in ('pending_review', 'revision_requested')) then 'pending'
                 else 'accepted'
             end as evidence
             from ",
            $current,
            " s"
        )
    };
}

use worth;

/// What time it is in the workflow ($1, $2): never before its last record, whatever the clock. Who was put
/// in charge is in charge, also where the clock was set back since.
macro_rules! workflow_time {
    () => {
        "(select greatest(now(), (
             select t.recorded_at from trail t
             where t.cycle_id = $1 and t.report_id = $2 order by t.seq desc limit 1)))"
    };
}

use workflow_time;

/// The last change of a row.
fn last(row: &PgRow) -> Result<LastChange, Error> {
    Ok(LastChange {
        revision: row.try_get("revision")?,
        by: row.try_get("changed_by")?,
        at: row.try_get("occurred_at")?,
        reason: row.try_get("change_reason")?,
    })
}

/// Narrows a list to what is about test cases whose lane compares so; the caller closes the
/// parenthesis.
fn of_lanes(query: &mut QueryBuilder<Postgres>, of: &str, comparison: &str) {
    query.push(" and exists (select from test_cases c where c.cycle_id = ").push(of);
    query.push(".cycle_id and c.report_id = ").push(of).push(".report_id and c.id = ").push(of);
    query.push(".test_case_id and c.lob_id ").push(comparison);
}
