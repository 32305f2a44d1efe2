//! The statements.

pub mod lobs;
pub mod members;
pub mod workflows;

use signoff_backend::Fault;

use crate::domain::error::Error;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Fault::from(error).into()
    }
}
