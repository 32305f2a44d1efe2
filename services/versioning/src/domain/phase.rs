//! Where a full-versioning phase stands: derived from its gate and its versions, never stored.

use signoff_backend::Standing;
use signoff_ledger::gates::Gate;
use signoff_workflow::{PhaseRow, Unmet};
use uuid::Uuid;

use super::version::Version;

/// How many executions without an observation are named; the others are counted.
const MAX_UNCOVERED: usize = 1_000;

/// The versions that the standing of a phase follows from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Versions<'a> {
    /// Its approved version.
    pub current: Option<&'a Version>,
    /// Its draft or submitted version.
    pub open: Option<&'a Version>,
    /// Whether a version of it was ever closed and not deleted. Only what a phase that may be sealed
    /// unopened says of itself depends on it.
    pub any_closed: bool,
}

impl Versions<'_> {
    /// What the phase stands at, its gate apart: complete, if it has an approved version and nothing
    /// open. A phase that may be sealed unopened needs no approved version: what it must cover,
    /// whoever seals it says.
    pub fn standing(&self, row: &PhaseRow, gate: &Gate) -> Standing {
        let id = |version: Option<&Version>| version.map(|version| version.version_id);
        let (done, total) = self.progress();
        Standing {
            current_version_id: id(self.current),
            open_version_id: id(self.open),
            completed_at: self.current.and_then(|version| version.reviewed_at),
            progress: (done.into(), total.into()),
            blocks: self.blocks(row),
            lacks: self.lacks(row, gate).into_iter().collect(),
            execution_ids: Vec::new(),
        }
    }

    fn blocks(&self, row: &PhaseRow) -> Vec<Unmet> {
        let name = row.display_name;
        let mut blocks = Vec::new();
        let mut add = |subject: String, what: String| {
            blocks.push(Unmet { phase: row.phase, subject, what, of_gate: false });
        };
        if let Some(open) = self.open {
            let (number, state) = (open.number, open.state.name());
            add(
                open.version_id.to_string(),
                format!("version {number} of {name} is {state}: approve, reject or delete it"),
            );
        }
        if self.current.is_none() && !row.seals_unopened {
            add(row.slug.to_owned(), format!("{name} has no approved version: approve one"));
        }
        blocks
    }

    /// That nothing was done yet in a phase that might have nothing to do, unless somebody who knows
    /// rests on it.
    fn lacks(&self, row: &PhaseRow, gate: &Gate) -> Option<Unmet> {
        if !row.seals_unopened || !gate.holds.is_empty() {
            return None;
        }
        let name = row.display_name;
        let what = if gate.opened.is_none() {
            format!("{name} was not started: start it, unless there is nothing to cover")
        } else if self.any_closed {
            return None;
        } else {
            format!(
                "{name} has no closed version: have one ruled on, unless there is nothing to cover"
            )
        };
        Some(Unmet { phase: row.phase, subject: row.slug.to_owned(), what, of_gate: false })
    }

    /// Decisions that need nothing more, and all of them, in the open version or else the approved
    /// one. A change that no tester has confirmed needs something.
    fn progress(&self) -> (i32, i32) {
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
            of_gate: false,
        })
        .collect();
    let more = uncovered.len() - missing.len();
    if more > 0 {
        let what = format!("{more} more test executions have no observation");
        missing.push(Unmet { phase, subject: row.slug.to_owned(), what, of_gate: false });
    }
    missing
}

#[cfg(test)]
mod tests;
