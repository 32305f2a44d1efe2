//! Why the gateway refuses a command of its own.

use signoff_backend::{Fault, ServiceError};
use signoff_chassis::Refusal;
use signoff_ledger::LedgerError;
use signoff_workflow::{Violations, Workflow};

/// Why it refuses a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What every service knows.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Nobody opened the workflow.
    #[error("the workflow was not opened")]
    NotOpened(Workflow),
    /// It was opened before.
    #[error("the workflow is open already")]
    AlreadyOpened(Workflow),
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        Self::Fault(error.into())
    }
}

impl ServiceError for Error {
    fn refusal(self, workflow: Option<Workflow>) -> Refusal {
        match self {
            Self::Fault(fault) => fault.refusal(workflow),
            Self::NotOpened(workflow) => Refusal::not_found("workflow", workflow.to_string()),
            Self::AlreadyOpened(workflow) => {
                let what = format!("{workflow} was opened before");
                Refusal::items_exist(Violations::one("scope", what))
            }
        }
    }

    fn into_fault(self) -> Result<Fault, Self> {
        match self {
            Self::Fault(fault) => Ok(fault),
            Self::NotOpened(_) | Self::AlreadyOpened(_) => Err(self),
        }
    }
}
