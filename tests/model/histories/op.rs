//! What is recorded: calls, and their answers reduced to what the model says of them.

use signoff_contract::versioning::v1 as wire;
use signoff_workflow::Phase;
use tonic::Code;

use super::checker::Span;
use crate::seen::{Decision, Header};
use crate::step::{Command, Who};

/// The phases with lines.
pub(crate) const PHASES: [Phase; 2] = [Phase::PLANNING, Phase::DATA_PROFILING];
/// Planning, which is sealed while the other one rests on it.
pub(crate) const BELOW: usize = 0;
/// Data Profiling, which is opened, marked stale, and reaffirmed.
pub(crate) const ABOVE: usize = 1;

/// A call. Phases are named by their places.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// A change of a line, with an etag, or none.
    Act {
        place: usize,
        etag: String,
        command: Command,
    },
    /// Data Profiling is started.
    Start,
    /// Planning is reopened.
    Reopen,
    /// Data Profiling is reaffirmed.
    Reaffirm,
    /// Data Profiling is opened on the way: no call of its own.
    Opening,
    Versions(usize),
    Decisions {
        place: usize,
        version: usize,
    },
    Current(usize),
    /// Whether Data Profiling is open, and stale.
    Status,
}

impl Call {
    /// Whether it may open, seal or reopen a phase.
    pub(crate) fn moves_gates(&self) -> bool {
        match self {
            Self::Start | Self::Reopen | Self::Reaffirm | Self::Opening => true,
            Self::Act { place, command, .. } => {
                *place == ABOVE && matches!(command, Command::Create { .. })
            }
            _ => false,
        }
    }

    /// Whether it changes something.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self, Self::Act { .. } | Self::Start | Self::Reopen | Self::Reaffirm)
    }
}

/// An answer as the service gave it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Raw {
    Version(wire::Version),
    Added(wire::Version, Vec<String>),
    Decision(Box<wire::Decision>),
    Versions(Vec<wire::Version>),
    Decisions(Vec<wire::Decision>),
    Status { opened: bool, stale: bool },
    Done,
    Refused(Code, String),
}

/// An answer, as far as the model says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Version(Header, String),
    Added(Header, String, Vec<String>),
    Decision(Decision),
    Versions(Vec<(Header, String)>),
    Decisions(Vec<Decision>),
    Status {
        opened: bool,
        stale: bool,
    },
    Done,
    Refused(Code, String),
    /// Nobody knows.
    Unknown,
}

impl Seen {
    /// What is compared of an answer.
    pub(crate) fn of(raw: &Raw) -> Self {
        let header = |version: &wire::Version| (Header::seen(version), version.etag.clone());
        match raw {
            Raw::Version(version) => {
                let (header, etag) = header(version);
                Self::Version(header, etag)
            }
            Raw::Added(version, ids) => {
                let (header, etag) = header(version);
                Self::Added(header, etag, ids.clone())
            }
            Raw::Decision(decision) => Self::Decision(Decision::seen(decision)),
            Raw::Versions(versions) => Self::Versions(versions.iter().map(header).collect()),
            Raw::Decisions(decisions) => {
                Self::Decisions(decisions.iter().map(Decision::seen).collect())
            }
            Raw::Status { opened, stale } => Self::Status { opened: *opened, stale: *stale },
            Raw::Done => Self::Done,
            Raw::Refused(code, reason) => Self::Refused(*code, reason.clone()),
        }
    }
}

/// A call and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Op<C = Call, A = Raw> {
    pub(crate) who: Who,
    pub(crate) call: C,
    /// The id of a request that changes something.
    pub(crate) request_id: String,
    /// From its first sending to its answer.
    pub(crate) span: Span,
    /// When it was sent for the last time.
    pub(crate) sent: u64,
    /// How often nobody knew what had become of it.
    pub(crate) lost: usize,
    pub(crate) answer: A,
}

impl Op {
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.answer, Raw::Refused(..))
    }
}
