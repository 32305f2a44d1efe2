//! What callers hear of a fault: one mapping, without a catch-all.

use signoff_chassis::{Refusal, Unmet};
use signoff_contract::workflow::v1::ErrorReason;
use signoff_ledger::LedgerError;
use signoff_workflow::{Violations, Workflow};

use crate::fault::{Closed, Fault, GateRefused};

/// Why a service refuses a command: a [`Fault`], or a reason that only this service has.
pub trait ServiceError:
    std::error::Error + From<Fault> + From<LedgerError> + From<sqlx::Error> + Send + Sync + 'static
{
    /// The refusal that a caller gets. Faults of our own go to the log, and only there.
    fn refusal(self, workflow: Option<Workflow>) -> Refusal;

    /// The fault, if it is one.
    ///
    /// # Errors
    /// The error itself, if it is one of the service's own.
    fn into_fault(self) -> Result<Fault, Self>;

    /// The same in the ledger's words, for a witness: whatever the service finds wrong in its rows
    /// is damage.
    fn into_ledger_error(self) -> LedgerError {
        match self.into_fault() {
            Ok(Fault::Busy { retry_after }) => LedgerError::Busy { retry_after },
            Ok(Fault::Unavailable(cause)) => match cause.downcast() {
                Ok(cause) => LedgerError::Unavailable(*cause),
                Err(cause) => LedgerError::Corrupt(cause.to_string()),
            },
            Ok(damage) => LedgerError::Corrupt(damage.to_string()),
            Err(damage) => LedgerError::Corrupt(damage.to_string()),
        }
    }
}

impl ServiceError for Fault {
    fn refusal(self, workflow: Option<Workflow>) -> Refusal {
        use ErrorReason as Reason;
        match self {
            Self::Invalid(violations) => Refusal::invalid(violations),
            Self::NotServed(phase) => Refusal::precondition(
                Reason::PhaseNotServed,
                format!("this server does not serve phase {}", phase.number()),
                [],
            ),
            Self::WorkflowClosed => precondition(
                Reason::WorkflowClosed,
                "the workflow was closed: it is read-only for ever".to_owned(),
                workflow.map(|workflow| workflow.to_string()).unwrap_or_default(),
            ),
            Self::PhaseClosed { phase, reason } => phase_closed(&phase, reason),
            Self::Gate { phase, reason } => gate_refused(&phase, reason),
            Self::Unmet(missing) => Refusal::precondition(
                Reason::PhaseDependencyUnmet,
                "something is missing first",
                missing.into_iter().map(|of| Unmet { subject: of.subject, description: of.what }),
            ),
            Self::EtagMismatch { current } => {
                Refusal::etag_mismatch().with_metadata("current_etag", current)
            }
            Self::PageTokenMismatch => Refusal::page_token_mismatch(),
            Self::Limit(what) => Refusal::limit_exceeded(what, None),
            Self::Busy { retry_after } => {
                Refusal::limit_exceeded("the workflow is busy: try again", Some(retry_after))
            }
            Self::RequestIdReused => Refusal::request_id_reused(),
            Self::Conflict(cause) => {
                tracing::info!(%cause, "a command met another one");
                Refusal::conflict()
            }
            Self::Unavailable(cause) => {
                tracing::warn!(%cause, "the database is away");
                Refusal::unavailable("the database is away: try again")
            }
            Self::Internal(cause) => {
                let workflow = workflow.map(|workflow| workflow.to_string()).unwrap_or_default();
                tracing::error!(cause, workflow, "a fault of our own");
                Refusal::internal()
            }
        }
    }

    fn into_fault(self) -> Result<Fault, Self> {
        Ok(self)
    }
}

/// A refusal because of the state of one thing.
pub fn precondition(reason: ErrorReason, message: String, subject: String) -> Refusal {
    let unmet = Unmet { subject, description: message.clone() };
    Refusal::precondition(reason, message, [unmet])
}

/// Things by name, each with what is unmet about it.
pub fn named(ids: &Violations) -> Vec<Unmet> {
    ids.named()
        .iter()
        .map(|id| Unmet { subject: id.field.clone(), description: id.description.clone() })
        .collect()
}

/// How many there are, in words for one and for several.
pub fn counted(ids: &Violations, one: &str, many: &str) -> String {
    format!("{} {}", ids.total(), if ids.total() == 1 { one } else { many })
}

fn phase_closed(phase: &str, reason: Closed) -> Refusal {
    let (reason, message) = match reason {
        Closed::NotStarted => {
            (ErrorReason::PhaseNotStarted, format!("{phase} was not started: start it first"))
        }
        Closed::Sealed(holders) => (
            ErrorReason::PhaseSealed,
            format!("{phase} is sealed, since {} rests on it: reopen it first", holders.join(", ")),
        ),
        Closed::Stale(because) => (
            ErrorReason::PhaseStale,
            format!("{phase} is stale, since {because} was reopened: reaffirm it first"),
        ),
        Closed::Reopening => (
            ErrorReason::PhaseReopening,
            format!("{phase} is being reopened: try again when that is done"),
        ),
    };
    precondition(reason, message, phase.to_owned())
}

fn gate_refused(phase: &str, reason: GateRefused) -> Refusal {
    match reason {
        GateRefused::AlreadyOpen => precondition(
            ErrorReason::PhaseAlreadyOpen,
            format!("{phase} is open already"),
            phase.to_owned(),
        ),
        GateRefused::Stale => precondition(
            ErrorReason::PhaseStale,
            format!("{phase} is stale: only reaffirming opens it"),
            phase.to_owned(),
        ),
        GateRefused::HolderOpen { holder } => precondition(
            ErrorReason::PhaseSealed,
            format!("{holder} is open and rests on {phase}: its hold is not lifted"),
            phase.to_owned(),
        ),
        GateRefused::AttemptSuperseded { current } => precondition(
            ErrorReason::AttemptSuperseded,
            format!("the attempt is over: attempt {current} counts"),
            phase.to_owned(),
        )
        .with_metadata("current_attempt", current.to_string()),
        GateRefused::WrongFoundation(violations) => Refusal::invalid(violations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_takes_only_what_is_wrong_with_rows_for_damage() {
        let away = || LedgerError::Unavailable(sqlx::Error::PoolTimedOut);
        let again = Fault::from(away()).into_ledger_error();
        assert!(matches!(again, LedgerError::Unavailable(sqlx::Error::PoolTimedOut)));
        let damage = Fault::Internal("a row is odd".to_owned()).into_ledger_error();
        assert!(matches!(damage, LedgerError::Corrupt(what) if what.contains("a row is odd")));
    }

    #[test]
    fn one_thing_and_several_are_counted_in_words() {
        let mut ids = Violations::one("a", "is odd");
        assert_eq!(counted(&ids, "thing is odd", "things are odd"), "1 thing is odd");
        ids.add("b", "is odd");
        assert_eq!(counted(&ids, "thing is odd", "things are odd"), "2 things are odd");
        assert_eq!(named(&ids)[1].subject, "b");
    }
}
