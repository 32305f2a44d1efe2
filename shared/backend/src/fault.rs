//! What can be wrong with any command, whatever the service.

use std::time::Duration;

use signoff_ledger::{EntryError, LedgerError};
use signoff_workflow::{Phase, Unmet, Violations};

/// What lies behind a fault: for the log only.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the gate of a phase lets no change in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It was not opened.
    NotStarted,
    /// These phases rest on it.
    Sealed(Vec<String>),
    /// This phase, which it rests on, was reopened.
    Stale(String),
    /// It is being reopened.
    Reopening,
}

/// Why a gate method is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateRefused {
    /// It is open, and needs no opening.
    AlreadyOpen,
    /// It is stale: only reaffirming opens it.
    Stale,
    /// The holder is open on the hold: it is lifted by reopening only.
    HolderOpen {
        /// The holder's display name.
        holder: String,
    },
    /// A later attempt was begun, or this one was fenced.
    AttemptSuperseded {
        /// The attempt that counts now.
        current: i64,
    },
    /// What it must rest on is not named, or something else is.
    WrongFoundation(Violations),
}

/// Why a command is refused, as far as every service knows the reason.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Fields at fault.
    #[error("{} field(s) at fault", .0.total())]
    Invalid(Violations),
    /// This server does not serve the phase.
    #[error("phase {} is not served", .0.number())]
    NotServed(Phase),
    /// The workflow is closed: nothing in it changes any more.
    #[error("the workflow is closed")]
    WorkflowClosed,
    /// The phase takes no change now.
    #[error("the phase takes no change: {reason:?}")]
    PhaseClosed {
        /// The phase's display name.
        phase: String,
        /// Why.
        reason: Closed,
    },
    /// A gate method is refused.
    #[error("the gate refuses: {reason:?}")]
    Gate {
        /// The phase's display name.
        phase: String,
        /// Why.
        reason: GateRefused,
    },
    /// Phases lack something before others can rest on them.
    #[error("{} thing(s) missing", .0.len())]
    Unmet(Vec<Unmet>),
    /// What is to be changed has changed since the caller read it.
    #[error("etag mismatch")]
    EtagMismatch {
        /// The tag that it has now.
        current: String,
    },
    /// The page token belongs to another call.
    #[error("page token of another call")]
    PageTokenMismatch,
    /// A bound of the product is reached.
    #[error("limit exceeded: {0}")]
    Limit(&'static str),
    /// The workflow is busy.
    #[error("busy")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The request id was used with another content.
    #[error("request id reused")]
    RequestIdReused,
    /// Somebody else changed it at the same moment.
    #[error("conflict")]
    Conflict(#[source] Cause),
    /// The database is away.
    #[error("database unavailable")]
    Unavailable(#[source] Cause),
    /// A fault of our own: for the log only.
    #[error("internal: {0}")]
    Internal(String),
}

impl Fault {
    /// Whoever says what they read must have read what is there now: the very tag that was handed out.
    ///
    /// # Errors
    /// [`Fault::EtagMismatch`]: a tag was given, and is not the current one.
    pub fn expect_etag(given: Option<&str>, current: String) -> Result<(), Self> {
        match given {
            Some(given) if given != current => Err(Self::EtagMismatch { current }),
            Some(_) | None => Ok(()),
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        signoff_ledger::classify(error).into()
    }
}

impl From<LedgerError> for Fault {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_read_what_is_there_now_may_change_it() {
        assert!(Fault::expect_etag(Some("12"), "12".to_owned()).is_ok());
        assert!(
            Fault::expect_etag(None, "12".to_owned()).is_ok(),
            "nobody need say what they read"
        );
    }

    #[test]
    fn whoever_read_anything_else_is_told_what_is_there() {
        // Nothing but the tag as it was handed out will do.
        for given in ["11", "13", "1", "012", "12 ", "x", ""] {
            let Err(Fault::EtagMismatch { current }) =
                Fault::expect_etag(Some(given), "12".to_owned())
            else {
                panic!("{given:?} must be refused")
            };
            assert_eq!(current, "12");
        }
    }
}
