//! Executions of test cases (seed 002, part G).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::LastChange;
use super::error::{Error, Refused};
use super::words::words;

words! {
    /// What an execution found.
    ExecutionResult, "execution result":
    /// As expected.
    Pass = "pass",
    /// Not as expected.
    Fail = "fail",
    /// Neither.
    Inconclusive = "inconclusive",
}

/// What an execution came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// In a word.
    pub result: ExecutionResult,
    /// What was to be found.
    pub expected: Option<String>,
    /// What was found.
    pub found: Option<String>,
    /// By how much the two may differ.
    pub tolerance: Option<String>,
    /// The tester's reasoning.
    pub rationale: Option<String>,
}

/// An execution of a test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Its id.
    pub id: Uuid,
    /// Of which test case.
    pub test_case_id: Uuid,
    /// 1, 2, 3 … of that.
    pub number: i32,
    /// On which document.
    pub submission_id: Uuid,
    /// By whom.
    pub started_by: i64,
    /// When.
    pub started_at: DateTime<Utc>,
    /// What it came to, who says so, and when.
    pub concluded: Option<(Conclusion, i64, DateTime<Utc>)>,
    /// Whether its documents were revised or supplemented since it began.
    pub stale: bool,
    /// Its last change.
    pub last: LastChange,
}

impl Execution {
    /// # Errors
    /// It is concluded.
    pub fn expect_open(&self) -> Result<(), Error> {
        if self.concluded.is_none() {
            return Ok(());
        }
        let what = "is concluded, and never changes: a rerun is a new execution";
        Err(Error::refused(Refused::ExecutionState, self.id, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_concluded_once() {
        let mut execution = Execution {
            id: Uuid::from_u128(5),
            test_case_id: Uuid::nil(),
            number: 1,
            submission_id: Uuid::nil(),
            started_by: 1,
            started_at: DateTime::UNIX_EPOCH,
            concluded: None,
            stale: true,
            last: LastChange { revision: 1, by: 1, at: DateTime::UNIX_EPOCH, reason: None },
        };
        assert!(execution.expect_open().is_ok(), "on documents that changed, too");
        for result in [ExecutionResult::Pass, ExecutionResult::Fail, ExecutionResult::Inconclusive]
        {
            let conclusion = Conclusion {
                result,
                expected: None,
                found: None,
                tolerance: None,
                rationale: None,
            };
            execution.concluded = Some((conclusion, 1, DateTime::UNIX_EPOCH));
            let Err(Error::Refused { refused, of }) = execution.expect_open() else {
                panic!("{result:?} must be refused")
            };
            assert_eq!(refused, Refused::ExecutionState);
            assert_eq!(of.named()[0].field, execution.id.to_string());
        }
    }
}
