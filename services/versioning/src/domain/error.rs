//! Why a command is refused.

use signoff_backend::Fault;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::states::{UnknownValue, VersionState};

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A version of the scope's line.
    Version,
    /// An item of the version.
    Decision,
    /// An approved version of the scope's line.
    CurrentVersion,
    /// A sign-off of the scope's line.
    SignOff,
}

/// Why a command is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// For a reason that every service has.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Not in this scope.
    #[error("{} {kind:?} not found", .ids.total())]
    NotFound {
        /// What.
        kind: Kind,
        /// Which.
        ids: Violations,
    },
    /// Test executions that observations name, and that the workflow does not have.
    #[error("{} execution(s) unknown", .named.total())]
    ExecutionsUnknown {
        /// The first of them.
        first: Uuid,
        /// Every place where one is named.
        named: Violations,
    },
    /// Test executions that observations name, and that are not concluded.
    #[error("{} execution(s) not concluded", .0.total())]
    ExecutionsOpen(Violations),
    /// Nobody says what became of test executions.
    #[error("the audit service does not answer: {0}")]
    AuditAway(&'static str),
    /// The line has an open version.
    #[error("version {number} is open")]
    VersionOpen {
        /// Its id.
        version_id: Uuid,
        /// Its number.
        number: i32,
        /// Draft or submitted.
        state: VersionState,
    },
    /// The line was started already.
    #[error("the line has version {number}")]
    LineStarted {
        /// Its newest version that is not deleted.
        version_id: Uuid,
        /// Its number.
        number: i32,
    },
    /// The line has nothing to revise.
    #[error("the line has no closed version")]
    NoBaseline,
    /// The version's state does not allow it.
    #[error("version {number} is {}", .state.name())]
    VersionState {
        /// Its id.
        version_id: Uuid,
        /// Its number.
        number: i32,
        /// Its state.
        state: VersionState,
        /// The states that would allow it.
        wanted: &'static [VersionState],
        /// What was tried: "be submitted".
        to: &'static str,
    },
    /// Decisions without a ruling, or unconfirmed modifications.
    #[error("{pending} pending, {unconfirmed} unconfirmed")]
    Pending {
        /// The version.
        version_id: Uuid,
        /// Without a ruling.
        pending: i32,
        /// Modified by the reviewer and not confirmed.
        unconfirmed: i32,
    },
    /// No approved or modified decision.
    #[error("nothing approved")]
    NothingApproved {
        /// The version.
        version_id: Uuid,
    },
    /// Decisions that are no unconfirmed modification.
    #[error("{} decision(s) without a modification to confirm", .0.total())]
    NothingToConfirm(Violations),
    /// Items in one place, or items to be shown that are not there.
    #[error("{} item(s) out of order", .0.total())]
    OutOfOrder(Violations),
    /// Roles without a sign-off of the version as it stands.
    #[error("{} sign-off(s) missing", .0.total())]
    SignOffsMissing(Violations),
    /// Sign-offs that are not pending any more, or roles that somebody has signed for.
    #[error("{} sign-off(s) in another state", .0.total())]
    SignOffState(Violations),
    /// Sign-offs that are asked of somebody else, or for a role that the caller does not hold.
    #[error("not the signer")]
    NotTheSigner(Violations),
    /// Sign-offs of the same version that somebody gives for another role.
    #[error("one person for two roles")]
    SignsTwice(Violations),
    /// What the signer read is not what stands.
    #[error("stale digest")]
    DigestMismatch {
        /// The digest that stands.
        current: Vec<u8>,
    },
    /// The version has its document.
    #[error("document attached")]
    DocumentAttached {
        /// The version.
        version_id: Uuid,
        /// Its document.
        document_id: Uuid,
    },
    /// A decision that needs no remedy: it was not approved.
    #[error("nothing to remedy")]
    NothingToRemedy(Violations),
    /// Item keys that are there already, or twice in the call.
    #[error("{} item(s) exist", .0.total())]
    ItemsExist(Violations),
    /// Who made it may not rule on it.
    #[error("maker is checker")]
    MakerIsChecker {
        /// "decision" or "version".
        what: &'static str,
        /// Which.
        ids: Violations,
    },
    /// A role is missing for some of what was asked.
    #[error("role missing")]
    RoleMissing {
        /// What would need it.
        what: &'static str,
        /// Which.
        ids: Violations,
    },
}

impl From<UnknownValue> for Error {
    fn from(value: UnknownValue) -> Self {
        Fault::Internal(value.to_string()).into()
    }
}
