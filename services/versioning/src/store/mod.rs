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

use signoff_backend::Fault;
use signoff_ledger::LedgerError;

use crate::domain::error::Error;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Fault::from(error).into()
    }
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        Fault::from(error).into()
    }
}
