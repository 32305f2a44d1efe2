//! What callers hear of an error: one mapping, without a catch-all.

use signoff_chassis::{Refusal, Unmet};
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::{Violations, Workflow};

use crate::domain::error::{Closed, Error, GateRefused, Kind};

/// The refusal that a caller gets. Faults of our own go to the log, and only there.
pub(super) fn refusal(error: Error, workflow: Option<Workflow>) -> Refusal {
    use ErrorReason as Reason;
    match error {
        Error::Invalid(violations) => Refusal::invalid(violations),
        Error::NotFound { kind, ids } => not_found(kind, ids),
        Error::NotServed(phase) => Refusal::precondition(
            Reason::PhaseNotServed,
            format!("this server does not serve phase {}", phase.number()),
            [],
        ),
        Error::WorkflowClosed => precondition(
            Reason::WorkflowClosed,
            "the workflow was closed: it is read-only for ever".to_owned(),
            workflow.map(|workflow| workflow.to_string()).unwrap_or_default(),
        ),
        Error::PhaseClosed { phase, reason } => phase_closed(&phase, reason),
        Error::Gate { phase, reason } => gate_refused(&phase, reason),
        Error::Unmet(missing) => Refusal::precondition(
            Reason::PhaseDependencyUnmet,
            "something is missing first",
            missing.into_iter().map(|of| Unmet { subject: of.subject, description: of.what }),
        ),
        Error::VersionOpen { version_id, number, state } => precondition(
            Reason::VersionAlreadyOpen,
            format!("version {number} is {}: approve, reject or delete it first", state.name()),
            version_id.to_string(),
        ),
        Error::LineStarted { version_id, number } => precondition(
            Reason::VersionState,
            format!("the line has version {number}: revise it"),
            version_id.to_string(),
        ),
        Error::NoBaseline => precondition(
            Reason::VersionState,
            "the line has no closed version to revise: create one".to_owned(),
            "line".to_owned(),
        ),
        Error::VersionState { version_id, number, state, wanted, to } => {
            let wanted: Vec<&str> = wanted.iter().map(|state| state.name()).collect();
            let (state, wanted) = (state.name(), wanted.join(" or "));
            precondition(
                Reason::VersionState,
                format!("version {number} is {state}; to {to} it must be {wanted}"),
                version_id.to_string(),
            )
        }
        Error::Pending { version_id, pending, unconfirmed } => precondition(
            Reason::DecisionsPending,
            format!(
                "{pending} decisions wait for a ruling, {unconfirmed} modifications for a \
                 tester's confirmation"
            ),
            version_id.to_string(),
        ),
        Error::NothingApproved { version_id } => precondition(
            Reason::NothingApproved,
            "no decision of the version is approved or modified".to_owned(),
            version_id.to_string(),
        ),
        Error::NothingToConfirm(ids) => Refusal::precondition(
            Reason::VersionState,
            counted(
                &ids,
                "decision has no change to confirm",
                "decisions have no change to confirm",
            ),
            named(&ids),
        ),
        Error::OutOfOrder(items) => Refusal::precondition(
            Reason::SectionsOutOfOrder,
            counted(&items, "section is out of order", "sections are out of order"),
            named(&items),
        ),
        Error::SignOffsMissing(roles) => Refusal::precondition(
            Reason::SignOffsMissing,
            counted(
                &roles,
                "sign-off of the version as it stands is missing",
                "sign-offs of the version as it stands are missing",
            ),
            named(&roles),
        ),
        Error::SignOffState(ids) => Refusal::precondition(
            Reason::SignOffState,
            counted(&ids, "sign-off is in another state", "sign-offs are in another state"),
            named(&ids),
        ),
        Error::NotTheSigner(ids) => {
            let message = "only whoever is asked for a sign-off, and holds its role, decides on it";
            Refusal::not_permitted(message).with_violations(ids)
        }
        Error::SignsTwice(ids) => {
            Refusal::maker_is_checker("nobody signs one version for two roles").with_violations(ids)
        }
        Error::DigestMismatch { current } => Refusal::etag_mismatch()
            .with_violations(Violations::one("content_digest", "is not that of the version"))
            .with_metadata("current_digest", hex::encode(current)),
        Error::DocumentAttached { version_id, document_id } => precondition(
            Reason::VersionState,
            format!("the version has its document: {document_id}"),
            version_id.to_string(),
        ),
        Error::NothingToRemedy(ids) => Refusal::precondition(
            Reason::VersionState,
            "only what was approved has a remedy".to_owned(),
            named(&ids),
        ),
        Error::ItemsExist(violations) => Refusal::items_exist(violations),
        Error::MakerIsChecker { what, ids } => {
            let message = format!(
                "nobody rules on what they made: {}",
                counted(&ids, what, &format!("{what}s"))
            );
            Refusal::maker_is_checker(message).with_violations(ids)
        }
        Error::RoleMissing { what, ids } => {
            Refusal::not_permitted(format!("only the phase's approver may {what}"))
                .with_violations(ids)
        }
        Error::EtagMismatch { current } => {
            Refusal::etag_mismatch().with_metadata("current_etag", current)
        }
        Error::PageTokenMismatch => Refusal::page_token_mismatch(),
        Error::Limit(what) => Refusal::limit_exceeded(what, None),
        Error::Busy { retry_after } => {
            Refusal::limit_exceeded("the workflow is busy: try again", Some(retry_after))
        }
        Error::RequestIdReused => Refusal::request_id_reused(),
        Error::Conflict(cause) => {
            tracing::info!(%cause, "a command met another one");
            Refusal::conflict()
        }
        Error::Unavailable(cause) => {
            tracing::warn!(%cause, "the database is away");
            Refusal::unavailable("the database is away: try again")
        }
        Error::Internal(cause) => {
            let workflow = workflow.map(|workflow| workflow.to_string()).unwrap_or_default();
            tracing::error!(cause, workflow, "a fault of our own");
            Refusal::internal()
        }
    }
}

fn precondition(reason: ErrorReason, message: String, subject: String) -> Refusal {
    let unmet = Unmet { subject, description: message.clone() };
    Refusal::precondition(reason, message, [unmet])
}

fn not_found(kind: Kind, ids: Violations) -> Refusal {
    let kind = match kind {
        Kind::Version => "version",
        Kind::Decision => "decision",
        Kind::SignOff => "sign-off",
        Kind::CurrentVersion => {
            let message = "nothing is approved in this phase yet";
            return Refusal::nothing_there("approved version", message);
        }
    };
    let name = ids.named().first().map(|first| first.field.clone()).unwrap_or_default();
    Refusal::not_found(kind, name).with_violations(ids)
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

fn named(ids: &Violations) -> Vec<Unmet> {
    ids.named()
        .iter()
        .map(|id| Unmet { subject: id.field.clone(), description: id.description.clone() })
        .collect()
}

fn counted(ids: &Violations, one: &str, many: &str) -> String {
    format!("{} {}", ids.total(), if ids.total() == 1 { one } else { many })
}
