//! Why a command is refused.

use signoff_backend::Fault;
use signoff_workflow::Violations;

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An assignment of a data owner.
    Assignment,
    /// A test case.
    TestCase,
    /// A lane: a line of business with test cases or owners.
    Lane,
    /// A submission of a document.
    Submission,
    /// An execution of a test case.
    Execution,
    /// A request for action.
    Action,
}

/// What the state of things does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Test cases without a line of business, or whose line of business has no owner.
    OwnerMissing,
    /// Test cases without a document that they can be tested on.
    EvidenceMissing,
    /// Assignments that ended, or that would be there twice.
    AssignmentState,
    /// Plans of which calls are missing.
    PlanIncomplete,
    /// Test cases that are withdrawn, or that have a document already.
    TestCaseState,
    /// Submissions that are not current any more, or were ruled on.
    DocumentState,
    /// Executions that are concluded, or under way.
    ExecutionState,
    /// Requests that have their response.
    ActionState,
}

/// Why a command is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// As in every service.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Not in this workflow.
    #[error("{} {kind:?} not found", .ids.total())]
    NotFound {
        /// What.
        kind: Kind,
        /// Which.
        ids: Violations,
    },
    /// The state of things does not allow it: each thing is named with what is missing.
    #[error("{} refused: {refused:?}", .of.total())]
    Refused {
        /// Why.
        refused: Refused,
        /// Each with what is to be done.
        of: Violations,
    },
    /// The caller owns none of these lanes now.
    #[error("not an owner of {} lane(s)", .0.total())]
    NotTheOwner(Violations),
    /// Whoever submitted it does not review it.
    #[error("the submitter reviews")]
    SubmitterReviews(Violations),
}

impl Error {
    /// One thing that the state of things does not allow.
    pub fn refused(refused: Refused, subject: impl ToString, what: impl Into<String>) -> Self {
        Self::Refused { refused, of: Violations::one(subject.to_string(), what.into()) }
    }

    /// One thing that is not there.
    pub fn not_found(kind: Kind, id: impl ToString) -> Self {
        Self::NotFound { kind, ids: Violations::one(id.to_string(), "is not in this workflow") }
    }
}
