//! Test Execution: executions.

use uuid::Uuid;

use super::{Change, expect_assigned};
use crate::domain::error::{Error, Kind, Refused};
use crate::domain::execution::{Conclusion, Execution};
use crate::domain::test_case::{TestCaseState, Tested};
use crate::store::executions;

/// To begin to test a case.
#[derive(Clone, Debug)]
pub struct StartExecution {
    /// Which.
    pub test_case_id: Uuid,
    /// On which document.
    pub submission_id: Uuid,
}

/// To conclude an execution.
#[derive(Clone, Debug)]
pub struct RecordResult {
    /// Which.
    pub execution_id: Uuid,
    /// What the caller read.
    pub etag: Option<String>,
    /// What it came to.
    pub conclusion: Conclusion,
}

impl Change {
    /// Begins to test a case on a current document.
    ///
    /// # Errors
    /// The case has no usable document or another one, or is being tested.
    pub async fn start_execution(&mut self, input: StartExecution) -> Result<Execution, Error> {
        self.work.admit()?;
        let case = self.test_case(input.test_case_id).await?;
        expect_assigned(std::slice::from_ref(&case))?;
        if case.chain_id.is_none() {
            let what = "has no document: have its data owner submit one";
            return Err(Error::refused(Refused::EvidenceMissing, case.id, what));
        }
        let on = self.submission(input.submission_id, None).await?;
        if case.chain_id != Some(on.main_chain_id) {
            let what = format!("is no document of test case {}", case.id);
            return Err(Error::refused(Refused::EvidenceMissing, on.id, what));
        }
        on.expect_current()?;
        if !on.is_usable() || case.state == TestCaseState::AwaitingEvidence {
            let what = "was not accepted: have its data owner revise it";
            return Err(Error::refused(Refused::EvidenceMissing, on.id, what));
        }
        if let (Tested::Open, Some(open)) = (case.tested, case.latest_execution_id) {
            let what = "is under way for this test case: conclude it";
            return Err(Error::refused(Refused::ExecutionState, open, what));
        }
        let id = Uuid::now_v7();
        let mark = self.mark("started", None);
        let number = executions::start(self.conn(), mark, (id, case.id), &on).await?;
        self.record("execution.started", id, None).await?;
        let last = self.last(1, None);
        Ok(Execution {
            id,
            test_case_id: case.id,
            number,
            submission_id: on.id,
            started_by: last.by,
            started_at: last.at,
            concluded: None,
            stale: false,
            last,
        })
    }

    /// Concludes an execution.
    ///
    /// # Errors
    /// It is concluded.
    pub async fn record_result(&mut self, input: RecordResult) -> Result<Execution, Error> {
        self.work.admit()?;
        let execution = self.execution(input.execution_id).await?;
        execution.last.expect_etag(input.etag.as_deref())?;
        execution.expect_open()?;
        let rationale = input.conclusion.rationale.clone();
        let mark = self.mark("concluded", rationale.as_deref());
        executions::conclude(self.conn(), mark, &execution, &input.conclusion).await?;
        self.record("execution.concluded", execution.id, rationale.as_deref()).await?;
        let last = self.last(execution.last.revision + 1, rationale.as_deref());
        let concluded = Some((input.conclusion, last.by, last.at));
        Ok(Execution { concluded, last, ..execution })
    }

    /// The execution that a command names.
    pub(super) async fn execution(&mut self, id: Uuid) -> Result<Execution, Error> {
        let workflow = self.workflow();
        let found = executions::by_ids(self.conn(), workflow, &[id]).await?;
        found.into_iter().next().ok_or_else(|| Error::not_found(Kind::Execution, id))
    }
}
