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

#[cfg(test)]
mod tests {
    use signoff_backend::Fault;

    use super::error::Error;
    use super::*;

    const LAST: LastChange =
        LastChange { revision: 12, by: 1, at: DateTime::UNIX_EPOCH, reason: None };

    #[test]
    fn whoever_read_the_last_revision_may_change_it() {
        assert!(LAST.expect_etag(Some("12")).is_ok());
        assert!(LAST.expect_etag(None).is_ok(), "nobody need say what they read");
    }

    #[test]
    fn whoever_read_another_revision_is_told_the_last_one() {
        // Nothing but the tag as it was handed out will do.
        for given in ["11", "13", "1", "012", "12 ", "x"] {
            let refused = LAST.expect_etag(Some(given));
            let Err(Error::Fault(Fault::EtagMismatch { current })) = refused else {
                panic!("{given:?} must be refused")
            };
            assert_eq!(current, "12");
        }
    }
}
