//! One line of business on its way through the phases that run lane by lane.

use uuid::Uuid;

use crate::Phase;

/// How far one line of business of a workflow has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// The line of business. The lane keeps this id when its owner changes.
    pub lob_id: Uuid,
    /// Whether it has an active data owner.
    pub owner_identified: bool,
    /// How many test cases of the current plan it has.
    pub cases: u32,
    /// How many of them have a current document.
    pub cases_with_document: u32,
    /// How many of them have a concluded execution.
    pub cases_executed: u32,
}

/// What a lane reaches in one phase, and the next phase waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Milestone {
    /// Somebody answers for the lane.
    OwnerIdentified,
    /// A document of one case is there.
    DocumentReceived,
    /// One case was tested.
    TestExecuted,
}

impl Milestone {
    /// What lanes reach in `phase`; none if lanes do not pass it.
    pub(crate) fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::DATA_OWNER_ID => Some(Self::OwnerIdentified),
            Phase::REQUEST_INFO => Some(Self::DocumentReceived),
            Phase::TEST_EXECUTION => Some(Self::TestExecuted),
            _ => None,
        }
    }

    /// Whether the lane, or one case of it, is there.
    pub(crate) fn reached(self, lane: &Lane) -> bool {
        match self {
            Self::OwnerIdentified => lane.owner_identified,
            Self::DocumentReceived => lane.cases_with_document > 0,
            Self::TestExecuted => lane.cases_executed > 0,
        }
    }

    /// What a lane lacks that is not there, and what to do about it.
    pub(crate) fn lacking(self, lane: &Lane) -> &'static str {
        match self {
            Self::OwnerIdentified => "has no data owner: assign one",
            _ if lane.cases == 0 => "has no test case: plan the test cases",
            Self::DocumentReceived => "has no document for any test case: submit one",
            Self::TestExecuted => "has no executed test case: conclude one",
        }
    }
}
