//! Why a command is refused.

use std::time::Duration;

use signoff_workflow::{Phase, Unmet, Violations};
use uuid::Uuid;

use super::states::{UnknownValue, VersionState};

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
    /// Fields at fault.
    #[error("{} field(s) at fault", .0.total())]
    Invalid(Violations),
    /// Not in this scope.
    #[error("{} {kind:?} not found", .ids.total())]
    NotFound {
        /// What.
        kind: Kind,
        /// Which.
        ids: Violations,
    },
    /// This server has no payload for the phase.
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
    /// Phases lack something before others can rest on them.
    #[error("{} thing(s) missing", .0.len())]
    Unmet(Vec<Unmet>),
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
    /// The version changed since the caller read it.
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

impl From<UnknownValue> for Error {
    fn from(value: UnknownValue) -> Self {
        Self::Internal(value.to_string())
    }
}
