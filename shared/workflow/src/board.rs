//! Where a workflow stands: the facts that the rule of the dependency graph is about.

use std::collections::BTreeMap;

use crate::{Lane, Phase};

/// The state of all phases and lanes of one workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// The phases. Nothing has happened in one that is not here.
    pub phases: BTreeMap<Phase, PhaseFacts>,
    /// The lines of business.
    pub lanes: Vec<Lane>,
}

/// What is known of one phase. By default nothing has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhaseFacts {
    /// Whether it was started.
    pub opened: bool,
    /// Whether its own work is done, by what its service derives from it.
    pub complete: bool,
    /// Whether something before it was reopened, and it was not reaffirmed since.
    pub stale: bool,
    /// Whether a reopening of it is under way.
    pub reopening: bool,
    /// The phases that hold it sealed. A hold left by an attempt that died counts until it is
    /// lifted: whoever is refused because of it asks the holder, and asks here again.
    pub holders: Vec<Phase>,
    /// What it lacks to be complete, each in words that follow "is not complete: ".
    pub missing: Vec<String>,
}

/// How far a phase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PhaseState {
    /// Nothing has happened.
    NotStarted,
    /// There is work to do, or to do again.
    InProgress,
    /// Done, and nothing rests on it yet.
    Complete,
    /// Done, and held by at least one phase that rests on it.
    Sealed,
}

impl PhaseFacts {
    /// How far the phase is. A stale phase is in progress, whatever it was before. A phase that
    /// was never started is complete if there is nothing for it to do.
    pub fn state(&self) -> PhaseState {
        match (self.complete && !self.stale, self.holders.is_empty()) {
            (true, true) => PhaseState::Complete,
            (true, false) => PhaseState::Sealed,
            (false, _) if self.opened => PhaseState::InProgress,
            (false, _) => PhaseState::NotStarted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_derived_from_the_facts() {
        let facts = |opened, complete, stale, held: bool| PhaseFacts {
            opened,
            complete,
            stale,
            holders: if held { vec![Phase::FINALIZE_TEST_REPORT] } else { vec![] },
            ..PhaseFacts::default()
        };
        let cases = [
            (PhaseFacts::default(), PhaseState::NotStarted),
            (facts(true, false, false, false), PhaseState::InProgress),
            (facts(true, true, false, false), PhaseState::Complete),
            (facts(true, true, false, true), PhaseState::Sealed),
            (facts(true, true, true, false), PhaseState::InProgress),
            (facts(true, true, true, true), PhaseState::InProgress),
            // Every test passed: there is nothing to observe.
            (facts(false, true, false, false), PhaseState::Complete),
            (facts(false, true, false, true), PhaseState::Sealed),
        ];
        for (facts, state) in cases {
            assert_eq!(facts.state(), state, "{facts:?}");
        }
    }
}
