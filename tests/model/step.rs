//! What people do, and how they are refused.

use signoff_contract::versioning::v1::RecommendationSource as Source;
use signoff_contract::workflow::v1::ErrorReason;
use tonic::Code;

/// Somebody, and what they are on the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Who {
    pub(crate) user_id: i64,
    pub(crate) tester: bool,
    pub(crate) owner: bool,
}

/// Two testers, two report owners, and somebody who is both.
pub(crate) const PEOPLE: [Who; 5] = [
    Who { user_id: 10, tester: true, owner: false },
    Who { user_id: 11, tester: true, owner: false },
    Who { user_id: 20, tester: false, owner: true },
    Who { user_id: 21, tester: false, owner: true },
    Who { user_id: 30, tester: true, owner: true },
];

/// A key that items can have.
pub(crate) type Key = usize;

/// What the key is called.
pub(crate) fn name(key: Key) -> String {
    format!("S-{key}")
}

/// An item that is put forward.
#[derive(Clone, Debug)]
pub(crate) struct Put {
    pub(crate) key: Key,
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// What a reviewer says of an item.
#[derive(Clone, Debug)]
pub(crate) struct Opinion {
    pub(crate) verdict: Verdict,
    pub(crate) notes: String,
}

/// A verdict, with what goes with it.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Approved,
    Rejected,
    Modified { text: String, reason: String },
}

/// Versions are named by their numbers. Some may not exist.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Create { items: Vec<Put> },
    Revise { baseline: Option<usize>, items: Vec<Put> },
    Add { version: usize, items: Vec<Put> },
    Update { version: usize, key: Key, text: String, reason: String },
    Remove { version: usize, keys: Vec<Key>, reason: String },
    Submit { version: usize },
    Withdraw { version: usize },
    Review { version: usize, reviews: Vec<(Key, Opinion)>, remaining: Option<Opinion> },
    Confirm { version: usize, keys: Vec<Key> },
    Approve { version: usize },
    Reject { version: usize },
    Delete { version: usize },
}

impl Command {
    /// The version that it is about, if it says so.
    pub(crate) fn version(&self) -> Option<usize> {
        match self {
            Self::Create { .. } => None,
            Self::Revise { baseline, .. } => *baseline,
            Self::Add { version, .. }
            | Self::Update { version, .. }
            | Self::Remove { version, .. }
            | Self::Submit { version }
            | Self::Withdraw { version }
            | Self::Review { version, .. }
            | Self::Confirm { version, .. }
            | Self::Approve { version }
            | Self::Reject { version }
            | Self::Delete { version } => Some(*version),
        }
    }
}

/// The etag that goes with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    None,
    Current,
    Stale,
}

/// Somebody does something.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) who: Who,
    pub(crate) tag: Tag,
    pub(crate) command: Command,
}

/// How a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) Code, pub(crate) ErrorReason);

pub(crate) const ROLE: Refused = Refused(Code::PermissionDenied, ErrorReason::RoleMissing);
pub(crate) const MAKER: Refused = Refused(Code::PermissionDenied, ErrorReason::MakerIsChecker);
pub(crate) const INVALID: Refused = Refused(Code::InvalidArgument, ErrorReason::ValidationFailed);
pub(crate) const MISSING: Refused = Refused(Code::NotFound, ErrorReason::NotFound);
pub(crate) const TAG: Refused = Refused(Code::Aborted, ErrorReason::EtagMismatch);
pub(crate) const EXISTS: Refused = Refused(Code::AlreadyExists, ErrorReason::ItemExists);
pub(crate) const STATE: Refused = Refused(Code::FailedPrecondition, ErrorReason::VersionState);
pub(crate) const OPEN: Refused = Refused(Code::FailedPrecondition, ErrorReason::VersionAlreadyOpen);
pub(crate) const PENDING: Refused =
    Refused(Code::FailedPrecondition, ErrorReason::DecisionsPending);
pub(crate) const NOTHING: Refused = Refused(Code::FailedPrecondition, ErrorReason::NothingApproved);
