//! What callers hear of an error: one mapping, without a catch-all.

use signoff_backend::{Fault, ServiceError, counted, named, precondition};
use signoff_chassis::Refusal;
use signoff_contract::workflow::v1::ErrorReason as Reason;
use signoff_workflow::{Violations, Workflow};

use crate::domain::error::{Error, Kind};

impl ServiceError for Error {
    fn refusal(self, workflow: Option<Workflow>) -> Refusal {
        match self {
            Self::Fault(fault) => fault.refusal(workflow),
            Self::NotFound { kind, ids } => not_found(kind, ids),
            Self::ExecutionsUnknown { first, named } => {
                Refusal::not_found("execution", first.to_string()).with_violations(named)
            }
            Self::ExecutionsOpen(ids) => Refusal::precondition(
                Reason::ExecutionState,
                counted(&ids, "execution is not concluded", "executions are not concluded"),
                named(&ids),
            ),
            Self::AuditAway(what) => Refusal::unavailable(what),
            Self::VersionOpen { version_id, number, state } => precondition(
                Reason::VersionAlreadyOpen,
                format!("version {number} is {}: approve, reject or delete it first", state.name()),
                version_id.to_string(),
            ),
            Self::LineStarted { version_id, number } => precondition(
                Reason::VersionState,
                format!("the line has version {number}: revise it"),
                version_id.to_string(),
            ),
            Self::NoBaseline => precondition(
                Reason::VersionState,
                "the line has no closed version to revise: create one".to_owned(),
                "line".to_owned(),
            ),
            Self::VersionState { version_id, number, state, wanted, to } => {
                let wanted: Vec<&str> = wanted.iter().map(|state| state.name()).collect();
                let (state, wanted) = (state.name(), wanted.join(" or "));
                precondition(
                    Reason::VersionState,
                    format!("version {number} is {state}; to {to} it must be {wanted}"),
                    version_id.to_string(),
                )
            }
            Self::Pending { version_id, pending, unconfirmed } => precondition(
                Reason::DecisionsPending,
                format!(
                    "{pending} decisions wait for a ruling, {unconfirmed} modifications for a \
                     tester's confirmation"
                ),
                version_id.to_string(),
            ),
            Self::NothingApproved { version_id } => precondition(
                Reason::NothingApproved,
                "no decision of the version is approved or modified".to_owned(),
                version_id.to_string(),
            ),
            Self::NothingToConfirm(ids) => Refusal::precondition(
                Reason::VersionState,
                counted(
                    &ids,
                    "decision has no change to confirm",
                    "decisions have no change to confirm",
                ),
                named(&ids),
            ),
            Self::OutOfOrder(items) => Refusal::precondition(
                Reason::SectionsOutOfOrder,
                counted(&items, "section is out of order", "sections are out of order"),
                named(&items),
            ),
            Self::SignOffsMissing(roles) => Refusal::precondition(
                Reason::SignOffsMissing,
                counted(
                    &roles,
                    "sign-off of the version as it stands is missing",
                    "sign-offs of the version as it stands are missing",
                ),
                named(&roles),
            ),
            Self::SignOffState(ids) => Refusal::precondition(
                Reason::SignOffState,
                counted(&ids, "sign-off is in another state", "sign-offs are in another state"),
                named(&ids),
            ),
            Self::NotTheSigner(ids) => {
                let message =
                    "only whoever is asked for a sign-off, and holds its role, decides on it";
                Refusal::not_permitted(message).with_violations(ids)
            }
            Self::SignsTwice(ids) => {
                Refusal::maker_is_checker("nobody signs one version for two roles")
                    .with_violations(ids)
            }
            Self::DigestMismatch { current } => Refusal::etag_mismatch()
                .with_violations(Violations::one("content_digest", "is not that of the version"))
                .with_metadata("current_digest", hex::encode(current)),
            Self::DocumentAttached { version_id, document_id } => precondition(
                Reason::VersionState,
                format!("the version has its document: {document_id}"),
                version_id.to_string(),
            ),
            Self::NothingToRemedy(ids) => Refusal::precondition(
                Reason::VersionState,
                "only what was approved has a remedy".to_owned(),
                named(&ids),
            ),
            Self::ItemsExist(violations) => Refusal::items_exist(violations),
            Self::MakerIsChecker { what, ids } => {
                let message = format!(
                    "nobody rules on what they made: {}",
                    counted(&ids, what, &format!("{what}s"))
                );
                Refusal::maker_is_checker(message).with_violations(ids)
            }
            Self::RoleMissing { what, ids } => {
                Refusal::not_permitted(format!("only the phase's approver may {what}"))
                    .with_violations(ids)
            }
        }
    }

    fn into_fault(self) -> Result<Fault, Self> {
        match self {
            Self::Fault(fault) => Ok(fault),
            own => Err(own),
        }
    }
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
