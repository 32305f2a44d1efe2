//! The rules of the three audit-only phases: pure, without wire and database.

pub mod action;
pub mod assignment;
pub mod document;
pub mod error;
pub mod execution;
pub mod history;
pub mod lane;
pub mod plan;
pub mod test_case;
mod words;

use chrono::{DateTime, Utc};

/// The last change of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// 1, 2, 3 …: the etag.
    pub revision: i64,
    /// By whom.
    pub by: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: Option<String>,
}

impl LastChange {
    /// # Errors
    /// The caller read another revision.
    pub fn expect_etag(&self, given: Option<&str>) -> Result<(), error::Error> {
        let current = self.revision.to_string();
        match given {
            Some(given) if given != current => {
                Err(signoff_backend::Fault::EtagMismatch { current }.into())
            }
            Some(_) | None => Ok(()),
        }
    }
}
