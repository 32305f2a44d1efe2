//! Changes: each is one transaction that holds the workflow's lock, writes its trail record, and
//! keeps its answer for whoever sends the same request again.

mod actions;
mod documents;
mod executions;
mod owners;
mod plan;
mod records;

use chrono::{DateTime, Utc};
use signoff_backend::{Desk, Fault, Work};
use signoff_ledger::DetailWriter;
use signoff_workflow::{Violations, Workflow};
use sqlx::PgConnection;
use uuid::Uuid;

pub use actions::{RequestAction, RespondToAction};
pub use documents::{ReviewDocument, ReviseDocument, SubmitAs, SubmitDocument};
pub use executions::{RecordResult, StartExecution};
pub use owners::{AssignDataOwner, DeactivateDataOwner, TransferDataOwner};
pub use plan::PlanTestCases;
pub use records::RecordChange;

use crate::domain::LastChange;
use crate::domain::error::{Error, Kind, Refused};
use crate::domain::history::{SubjectType, states_told};
use crate::domain::test_case::{TestCase, TestCaseState};
use crate::store::history::Told;
use crate::store::{Mark, assignments, cases, history};

/// The columns of the details of every record: one row for each subject that it changed.
pub(crate) const COLUMNS: [&str; 5] =
    ["subject_type", "subject_id", "revision", "change_type", "state_hash"];

/// How many changes of a record are read at first: more than most commands make, and few.
const FEW: i64 = 32;
/// How many are read at a time, of those that make many.
const MANY: i64 = 5_000;

/// The engine of the audit-only phases.
#[derive(Clone, Debug)]
pub struct Engine {
    desk: Desk,
}

impl Engine {
    /// An engine at a desk.
    pub(crate) fn at(desk: Desk) -> Self {
        Self { desk }
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }
}

/// A change under way.
#[derive(Debug)]
pub struct Change {
    work: Work,
    /// The lanes that the caller owns, once they were looked up: under the workflow's lock they stay.
    own: Option<Vec<Uuid>>,
}

impl AsMut<Work> for Change {
    fn as_mut(&mut self) -> &mut Work {
        &mut self.work
    }
}

impl From<Change> for Work {
    fn from(change: Change) -> Self {
        change.work
    }
}

impl From<Work> for Change {
    fn from(work: Work) -> Self {
        Self { work, own: None }
    }
}

impl Change {
    /// The time of the whole change.
    pub fn now(&self) -> DateTime<Utc> {
        self.work.now()
    }

    fn conn(&mut self) -> &mut PgConnection {
        self.work.conn()
    }

    fn workflow(&self) -> Workflow {
        self.work.scope().workflow
    }

    /// What is said of a change in the rows that it changes.
    fn mark<'a>(&self, change_type: &'static str, reason: Option<&'a str>) -> Mark<'a> {
        Mark {
            workflow: self.workflow(),
            change_type,
            by: self.work.actor().user_id,
            reason,
            record_no: self.next_record(),
            at: self.work.now(),
        }
    }

    /// The last change of what is being changed now.
    fn last(&self, revision: i64, reason: Option<&str>) -> LastChange {
        LastChange {
            revision,
            by: self.work.actor().user_id,
            at: self.work.now(),
            reason: reason.map(str::to_owned),
        }
    }

    fn next_record(&self) -> i64 {
        self.work.command().head().sequence + 1
    }

    /// Adds the record of what the command did, as history has it: the states of its subject, and a
    /// detail row for each change.
    async fn record(
        &mut self,
        action: &'static str,
        subject: Uuid,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let (workflow, record_no) = (self.workflow(), self.next_record());
        let mut writer = DetailWriter::new(&COLUMNS);
        let mut states = None;
        let (mut last, mut limit) = (Uuid::nil(), FEW);
        loop {
            let page = history::of_record(self.conn(), workflow, record_no, subject, (last, limit))
                .await?;
            let read = page.len();
            for told in page {
                last = told.subject_id;
                write_row(&mut writer, &told)?;
                if let Some(after) = told.new_state {
                    let of = SubjectType::named(&told.subject_type)?;
                    states = Some(states_told(of, told.previous_state, after));
                }
            }
            if i64::try_from(read).is_ok_and(|read| read < limit) {
                break;
            }
            limit = MANY;
            self.work.command_mut().write_details(&writer.take_full()).await?;
        }
        let phase = self.work.row().slug;
        let details = vec![writer.finish()];
        let subject = subject.to_string();
        let states = states.ok_or_else(|| Fault::Internal(format!("{subject} has no history")))?;
        self.work.record_in(phase, action, subject, reason, states, details)?;
        Ok(())
    }

    /// These test cases, in order of their ids.
    async fn test_cases(&mut self, ids: &[Uuid]) -> Result<Vec<TestCase>, Error> {
        let found = self.test_cases_there(ids).await?;
        expect_found(ids, &found)?;
        Ok(found)
    }

    /// Those of these test cases that there are, in order of their ids.
    async fn test_cases_there(&mut self, ids: &[Uuid]) -> Result<Vec<TestCase>, Error> {
        let (workflow, now) = (self.workflow(), self.work.now());
        cases::by_ids(self.conn(), workflow, ids, Some(now)).await
    }

    async fn test_case(&mut self, id: Uuid) -> Result<TestCase, Error> {
        let found = self.test_cases(&[id]).await?;
        found.into_iter().next().ok_or_else(|| Error::not_found(Kind::TestCase, id))
    }

    /// The lanes that the caller owns now, in whatever capacity.
    async fn own_lanes(&mut self) -> Result<&[Uuid], Error> {
        if self.own.is_none() {
            let (workflow, now) = (self.workflow(), self.work.now());
            let person = self.work.actor().user_id;
            let own = assignments::owned_by(self.conn(), workflow, person, Some(now)).await?;
            self.own = Some(own);
        }
        Ok(self.own.as_deref().unwrap_or_default())
    }

    /// Nobody learns anything of a workflow who has nothing to do there.
    ///
    /// # Errors
    /// No role lets the caller, and they own no lane of the workflow now.
    async fn expect_business_here(&mut self) -> Result<(), Error> {
        if self.work.actor().by_role || !self.own_lanes().await?.is_empty() {
            return Ok(());
        }
        Err(Error::NotTheOwner(Violations::one("lane", "you own none of this workflow now")))
    }

    /// What data owners do begins with this.
    ///
    /// # Errors
    /// The caller has nothing to do here, or the phase takes no change now.
    async fn admit_owner(&mut self) -> Result<(), Error> {
        self.expect_business_here().await?;
        self.work.admit()?;
        Ok(())
    }

    /// # Errors
    /// The caller owns not all of these lanes now.
    async fn expect_own(&mut self, lanes: impl IntoIterator<Item = Uuid>) -> Result<(), Error> {
        let own = self.own_lanes().await?;
        let mut lanes: Vec<Uuid> = lanes.into_iter().filter(|lane| !own.contains(lane)).collect();
        lanes.sort_unstable();
        lanes.dedup();
        let mut others = Violations::default();
        for lane in lanes {
            others.add(lane.to_string(), "you have no active assignment for it");
        }
        if others.is_empty() { Ok(()) } else { Err(Error::NotTheOwner(others)) }
    }
}

fn write_row(writer: &mut DetailWriter, told: &Told) -> Result<(), Error> {
    let written = writer.row(&(
        told.subject_type.as_str(),
        told.subject_id,
        told.revision,
        told.change_type.as_str(),
        hex::encode(&told.state_hash),
    ));
    written.map_err(|error| Fault::Internal(error.to_string()).into())
}

/// # Errors
/// Some of these test cases are not in the workflow: each is named. Those that are, are in order.
fn expect_found(ids: &[Uuid], found: &[TestCase]) -> Result<(), Error> {
    let mut missing = Violations::default();
    for id in ids {
        if found.binary_search_by_key(id, |case| case.id).is_err() {
            missing.add(id.to_string(), "is not in this workflow");
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::NotFound { kind: Kind::TestCase, ids: missing })
}

/// # Errors
/// Some of the test cases are withdrawn, or nobody owns their lanes: each is named.
fn expect_assigned(cases: &[TestCase]) -> Result<(), Error> {
    let (mut withdrawn, mut unassigned) = (Violations::default(), Violations::default());
    for case in cases {
        match (case.state, case.unassigned_reason()) {
            (TestCaseState::Withdrawn, _) => {
                withdrawn.add(case.id.to_string(), "was withdrawn: the plan has it no more");
            }
            (_, Some(why)) => unassigned.add(case.id.to_string(), why),
            (_, None) => {}
        }
    }
    if !withdrawn.is_empty() {
        return Err(Error::Refused { refused: Refused::TestCaseState, of: withdrawn });
    }
    if !unassigned.is_empty() {
        return Err(Error::Refused { refused: Refused::OwnerMissing, of: unassigned });
    }
    Ok(())
}
