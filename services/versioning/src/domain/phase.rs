//! Where a full-versioning phase stands: derived from its gate and its versions, never stored.

use signoff_ledger::gates::Gate;
use signoff_workflow::{PhaseFacts, PhaseRow, PhaseState, PhaseTable, Unmet};

use super::version::Version;

/// All that the state of a phase follows from.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The table of phases.
    pub phases: &'a PhaseTable,
    /// The phase.
    pub row: &'a PhaseRow,
    /// Its gate.
    pub gate: &'a Gate,
    /// Its approved version.
    pub current: Option<&'a Version>,
    /// Its draft or submitted version.
    pub open: Option<&'a Version>,
}

impl Standing<'_> {
    /// What it lacks to be complete and to be rested on: nothing, if it is opened, not stale, not
    /// being reopened, has an approved version and nothing open.
    pub fn missing(&self) -> Vec<Unmet> {
        let name = self.row.display_name;
        let mut missing = Vec::new();
        let mut add = |subject: String, what: String| {
            missing.push(Unmet { phase: self.row.phase, subject, what });
        };
        let slug = || self.row.slug.to_owned();
        if self.gate.opened.is_none() {
            add(slug(), format!("{name} was not started: start it"));
        }
        if self.gate.reopening > 0 {
            add(slug(), format!("{name} is being reopened: wait until that is done"));
        }
        if let Some(stale) = &self.gate.stale {
            let because = self.phases.by_slug(&stale.because);
            let because = because.map_or(stale.because.as_str(), |row| row.display_name);
            add(slug(), format!("{name} is stale since {because} was reopened: reaffirm it"));
        }
        if let Some(open) = self.open {
            let (number, state) = (open.number, open.state.name());
            add(
                open.version_id.to_string(),
                format!("version {number} of {name} is {state}: approve, reject or delete it"),
            );
        }
        if self.current.is_none() {
            add(slug(), format!("{name} has no approved version: approve one"));
        }
        missing
    }

    /// How far it is.
    pub fn state(&self) -> PhaseState {
        let facts = PhaseFacts {
            opened: self.gate.opened.is_some(),
            complete: self.missing().is_empty(),
            stale: self.gate.stale.is_some(),
            reopening: self.gate.reopening > 0,
            holders: self
                .gate
                .holds
                .keys()
                .filter_map(|slug| self.phases.by_slug(slug))
                .map(|row| row.phase)
                .collect(),
            ..PhaseFacts::default()
        };
        facts.state()
    }

    /// Decisions that need nothing more, and all of them, in the open version or else the approved
    /// one. A change that no tester has confirmed needs something.
    pub fn progress(&self) -> (i32, i32) {
        self.open.or(self.current).map_or((0, 0), |version| {
            let counts = &version.counts;
            (counts.total - counts.pending - counts.proposed, counts.total)
        })
    }
}
