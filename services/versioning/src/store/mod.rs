//! The only place with SQL: one file per aggregate.

pub mod artifacts;
pub mod compare;
pub mod contents;
mod copy;
pub mod coverage;
pub mod decisions;
pub mod facts;
pub mod held;
pub mod history;
pub mod known;
pub mod lines;
pub mod makers;
pub mod pages;
pub mod restate;
pub mod rulings;
pub mod sign_offs;
pub mod staging;
pub mod standing;
pub mod versions;

use signoff_ledger::{EntryError, LedgerError};

use crate::domain::error::Error;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        signoff_ledger::classify(error).into()
    }
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Busy { retry_after } => Self::Busy { retry_after },
            LedgerError::RequestIdReused => Self::RequestIdReused,
            LedgerError::WorkflowClosed => Self::WorkflowClosed,
            LedgerError::Entry(EntryError::TooLarge { .. }) => {
                Self::Limit("what the trail says of one change is at most 64 KiB")
            }
            LedgerError::Entry(error @ (EntryError::TooDeep { .. } | EntryError::Json)) => {
                Self::Internal(error.to_string())
            }
            LedgerError::Conflict(cause) => Self::Conflict(cause.into()),
            LedgerError::Unavailable(cause) => Self::Unavailable(cause.into()),
            LedgerError::Corrupt(what) => Self::Internal(what),
            LedgerError::Internal(cause) => Self::Internal(cause.to_string()),
        }
    }
}
