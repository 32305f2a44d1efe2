//! What callers hear of an error: one mapping, without a catch-all.

use signoff_backend::{Fault, ServiceError, counted, named};
use signoff_chassis::Refusal;
use signoff_contract::workflow::v1::ErrorReason as Reason;
use signoff_workflow::{Violations, Workflow};

use crate::domain::error::{Error, Kind, Refused};

impl ServiceError for Error {
    fn refusal(self, workflow: Option<Workflow>) -> Refusal {
        match self {
            Self::Fault(fault) => fault.refusal(workflow),
            Self::NotFound { kind, ids } => not_found(kind, ids),
            Self::Refused { refused, of } => {
                let (reason, one, many) = told(refused);
                Refusal::precondition(reason, counted(&of, one, many), named(&of))
            }
            Self::NotTheOwner(lanes) => {
                let message = "only a data owner of the lane may, while their assignment is active";
                Refusal::not_permitted(message).with_violations(lanes)
            }
            Self::SubmitterReviews(ids) => {
                let message = "whoever submits a document does not review it";
                Refusal::maker_is_checker(message).with_violations(ids)
            }
        }
    }

    fn into_fault(self) -> Result<Fault, Self> {
        match self {
            Self::Fault(fault) => Ok(fault),
            other @ (Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::NotTheOwner(_)
            | Self::SubmitterReviews(_)) => Err(other),
        }
    }
}

/// The reason for a refusal, and what it is said of: one, or several.
fn told(refused: Refused) -> (Reason, &'static str, &'static str) {
    match refused {
        Refused::OwnerMissing => {
            (Reason::OwnerMissing, "test case has no data owner", "test cases have no data owner")
        }
        Refused::EvidenceMissing => (
            Reason::EvidenceMissing,
            "document to test on is missing",
            "documents to test on are missing",
        ),
        Refused::AssignmentState => {
            (Reason::AssignmentState, "assignment does not allow it", "assignments do not allow it")
        }
        Refused::PlanIncomplete => (
            Reason::PlanIncomplete,
            "plan of test cases lacks some",
            "plans of test cases lack some",
        ),
        Refused::TestCaseState => {
            (Reason::TestCaseState, "test case does not allow it", "test cases do not allow it")
        }
        Refused::DocumentState => {
            (Reason::DocumentState, "document does not allow it", "documents do not allow it")
        }
        Refused::ExecutionState => {
            (Reason::ExecutionState, "execution does not allow it", "executions do not allow it")
        }
        Refused::ActionState => (
            Reason::ActionState,
            "request for action does not allow it",
            "requests for action do not allow it",
        ),
    }
}

fn not_found(kind: Kind, ids: Violations) -> Refusal {
    let kind = match kind {
        Kind::Assignment => "assignment",
        Kind::TestCase => "test case",
        Kind::Lane => "lane",
        Kind::Submission => "submission",
        Kind::Execution => "execution",
        Kind::Action => "action",
    };
    let name = ids.named().first().map(|first| first.field.clone()).unwrap_or_default();
    Refusal::not_found(kind, name).with_violations(ids)
}
