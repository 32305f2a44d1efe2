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
use signoff_backend::Fault;

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
        Ok(Fault::expect_etag(given, self.revision.to_string())?)
    }
}

#[cfg(test)]
mod tests {
    use super::error::Error;
    use super::*;

    #[test]
    fn whoever_read_the_last_revision_may_change_it() {
        const LAST: LastChange =
            LastChange { revision: 12, by: 1, at: DateTime::UNIX_EPOCH, reason: None };
        assert!(LAST.expect_etag(Some("12")).is_ok());
        let refused = LAST.expect_etag(Some("11"));
        assert!(
            matches!(refused, Err(Error::Fault(Fault::EtagMismatch { current })) if current == "12")
        );
    }
}
