//! Where a full-versioning phase stands: derived from its gate and its versions, never stored.

use signoff_ledger::gates::Gate;
use signoff_workflow::{PhaseFacts, PhaseRow, PhaseState, PhaseTable, Unmet};
use uuid::Uuid;

use super::version::Version;

/// How many executions without an observation are named; the others are counted.
const MAX_UNCOVERED: usize = 1_000;

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
    /// Whether a version of it was ever closed and not deleted. Only what a phase that may be sealed
    /// unopened says of itself depends on it.
    pub any_closed: bool,
}

impl Standing<'_> {
    /// What it lacks to be complete and to be rested on, as far as its gate and versions tell:
    /// nothing, if it is opened, not stale, not being reopened, has an approved version and nothing
    /// open. A phase that may be sealed unopened needs neither opening nor an approved version: what
    /// it must cover, whoever seals it says.
    pub fn missing(&self) -> Vec<Unmet> {
        let name = self.row.display_name;
        let mut missing = Vec::new();
        let mut add = |subject: String, what: String| {
            missing.push(Unmet { phase: self.row.phase, subject, what });
        };
        let slug = || self.row.slug.to_owned();
        let unopened = self.row.seals_unopened;
        if self.gate.opened.is_none() && !unopened {
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
        if self.current.is_none() && !unopened {
            add(slug(), format!("{name} has no approved version: approve one"));
        }
        missing
    }

    /// What it lacks to be complete, as far as this service knows: beside what is
    /// [missing](Self::missing), that nothing was done yet in a phase that might have nothing to do,
    /// unless somebody who knows rests on it.
    pub fn lacking(&self) -> Vec<Unmet> {
        let mut lacking = self.missing();
        if self.row.seals_unopened && self.gate.holds.is_empty() {
            let name = self.row.display_name;
            let what = if self.gate.opened.is_none() {
                format!("{name} was not started: start it, unless there is nothing to cover")
            } else if self.any_closed {
                return lacking;
            } else {
                format!(
                    "{name} has no closed version: have one ruled on, unless there is nothing to cover"
                )
            };
            lacking.push(Unmet { phase: self.row.phase, subject: self.row.slug.to_owned(), what });
        }
        lacking
    }

    /// How far it is.
    pub fn state(&self) -> PhaseState {
        let facts = PhaseFacts {
            opened: self.gate.opened.is_some(),
            complete: self.lacking().is_empty(),
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

/// What is missing where executions are not covered: each is named, as long as they are not too many.
pub fn not_covered(row: &PhaseRow, uncovered: &[Uuid]) -> Vec<Unmet> {
    let phase = row.phase;
    let mut missing: Vec<Unmet> = uncovered
        .iter()
        .take(MAX_UNCOVERED)
        .map(|id| Unmet {
            phase,
            subject: id.to_string(),
            what: format!(
                "test execution {id} has no observation: have one approved that lists it, or rejected as \
                 accepted without a finding, and its version closed"
            ),
        })
        .collect();
    let more = uncovered.len() - missing.len();
    if more > 0 {
        let what = format!("{more} more test executions have no observation");
        missing.push(Unmet { phase, subject: row.slug.to_owned(), what });
    }
    missing
}

#[cfg(test)]
mod tests;
