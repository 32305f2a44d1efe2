//! Facts and lanes to build boards from.

use signoff_workflow::{Lane, Phase, PhaseFacts};
use uuid::Uuid;

/// Facts from five bits: opened, complete, stale, being reopened, held.
pub(crate) fn facts(bits: u8) -> PhaseFacts {
    let bit = |n: u8| bits & (1 << n) != 0;
    PhaseFacts {
        opened: bit(0),
        complete: bit(1),
        stale: bit(2),
        reopening: bit(3),
        holders: if bit(4) { vec![Phase::FINALIZE_TEST_REPORT] } else { vec![] },
        missing: vec![],
    }
}

/// All combinations of bits that [`facts`] takes.
pub(crate) const ALL: std::ops::Range<u8> = 0..32;

pub(crate) const UNTOUCHED: u8 = 0b00000;
pub(crate) const IN_PROGRESS: u8 = 0b00001;
pub(crate) const COMPLETE: u8 = 0b00011;
pub(crate) const COMPLETE_UNOPENED: u8 = 0b00010;
pub(crate) const STALE: u8 = 0b00101;
pub(crate) const REOPENING: u8 = 0b01011;
pub(crate) const STALE_AND_REOPENING: u8 = 0b01101;
pub(crate) const SEALED: u8 = 0b10011;

/// The states that a phase is in when all goes well, or nearly.
pub(crate) const USUAL: [u8; 8] = [
    UNTOUCHED,
    IN_PROGRESS,
    COMPLETE,
    COMPLETE_UNOPENED,
    STALE,
    REOPENING,
    STALE_AND_REOPENING,
    SEALED,
];

/// Lines of business that have come further and further.
pub(crate) fn lane(step: u8) -> Lane {
    let from = |at: u8| u32::from(step >= at);
    Lane {
        lob_id: Uuid::from_u128(u128::from(step)),
        owner_identified: step >= 2,
        cases: 2 * from(1),
        cases_with_document: from(3),
        cases_executed: from(4),
    }
}
