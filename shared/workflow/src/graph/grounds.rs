//! The rule itself, one function for each command.

use std::borrow::Cow;

use super::{Board, Lane, Phase, PhaseFacts, PhaseRow, PhaseTable, Unmet};
use crate::lane::Milestone;
use crate::table::VersioningType;

/// A board read with the help of the table.
pub(super) struct Reader<'a> {
    pub(super) table: &'a PhaseTable,
    pub(super) board: &'a Board,
}

impl Reader<'_> {
    pub(super) fn start(&self, row: &PhaseRow) -> Vec<Unmet> {
        let facts = self.facts(row.phase);
        if facts.stale {
            return vec![stale(row)];
        }
        if facts.opened {
            return vec![unmet(row, "has been started already: go on with it")];
        }
        let mut missing = unsettled(row, &facts);
        missing.extend(self.held(row, &facts));
        missing.extend(self.grounds(row));
        missing
    }

    pub(super) fn change(&self, row: &PhaseRow) -> Vec<Unmet> {
        let facts = self.facts(row.phase);
        if !facts.opened {
            return vec![not_started(row)];
        }
        let mut missing = unsettled(row, &facts);
        missing.extend(self.held(row, &facts));
        missing
    }

    pub(super) fn reopen(&self, row: &PhaseRow) -> Vec<Unmet> {
        let facts = self.facts(row.phase);
        let missing = unsettled(row, &facts);
        if !missing.is_empty() || !facts.holders.is_empty() || (facts.opened && facts.complete) {
            return missing;
        }
        let what = if facts.opened {
            "is in progress: change it without reopening it"
        } else {
            "has not been started: there is nothing to reopen"
        };
        vec![unmet(row, what)]
    }

    pub(super) fn reaffirm(&self, row: &PhaseRow) -> Vec<Unmet> {
        let facts = self.facts(row.phase);
        if !facts.stale {
            return vec![unmet(row, "is not stale: there is nothing to reaffirm")];
        }
        let mut missing = Vec::new();
        if facts.reopening {
            missing.push(reopening(row));
        }
        missing.extend(self.grounds(row));
        missing
    }

    /// What is missing before a phase before the start or the reaffirmation of this one.
    fn grounds(&self, row: &PhaseRow) -> Vec<Unmet> {
        let mut missing = Vec::new();
        for before in row.rests_on.iter().filter_map(|phase| self.table.get(*phase)) {
            let facts = self.facts(before.phase);
            missing.extend(unsettled(before, &facts));
            missing.extend(incomplete(before, &facts));
        }
        for before in row.fed_by.iter().filter_map(|phase| self.table.get(*phase)) {
            let facts = self.facts(before.phase);
            missing.extend(unsettled(before, &facts));
            missing.extend(self.unfed(before, &facts));
        }
        missing
    }

    fn held(&self, row: &PhaseRow, facts: &PhaseFacts) -> Option<Unmet> {
        if facts.holders.is_empty() {
            return None;
        }
        let names: Vec<_> = facts.holders.iter().map(|phase| self.name(*phase)).collect();
        let verb = if names.len() == 1 { "rests" } else { "rest" };
        let what = format!("is sealed, because {} {verb} on it: reopen it", names.join(", "));
        Some(unmet(row, &what))
    }

    /// What is missing before at least one lane or case is through a phase that feeds another.
    fn unfed(&self, row: &PhaseRow, facts: &PhaseFacts) -> Vec<Unmet> {
        if !facts.opened {
            return vec![not_started(row)];
        }
        // A table refuses phases fed by one that lanes do not pass.
        let Some(milestone) = Milestone::of(row.phase) else {
            return Vec::new();
        };
        if self.board.lanes.iter().any(|lane| milestone.reached(lane)) {
            return Vec::new();
        }
        if self.board.lanes.is_empty() {
            return vec![unmet(row, "has no line of business yet: plan the test cases")];
        }
        let say = |lane: &Lane| Unmet {
            phase: row.phase,
            subject: lane.lob_id.to_string(),
            what: format!(
                "{}: line of business {} {}",
                row.display_name,
                lane.lob_id,
                milestone.lacking(lane)
            ),
            of_gate: false,
        };
        self.board.lanes.iter().map(say).collect()
    }

    fn facts(&self, phase: Phase) -> Cow<'_, PhaseFacts> {
        self.board.phases.get(&phase).map_or_else(Cow::default, Cow::Borrowed)
    }

    fn name(&self, phase: Phase) -> String {
        self.table
            .get(phase)
            .map_or_else(|| format!("phase {}", phase.number()), |row| row.display_name.to_owned())
    }
}

/// What keeps a phase from being changed or relied on: that it, or one before it, is taken up
/// again.
fn unsettled(row: &PhaseRow, facts: &PhaseFacts) -> Vec<Unmet> {
    let mut missing = Vec::new();
    if facts.stale {
        missing.push(stale(row));
    }
    if facts.reopening {
        missing.push(reopening(row));
    }
    missing
}

/// What a phase lacks to be complete.
fn incomplete(row: &PhaseRow, facts: &PhaseFacts) -> Vec<Unmet> {
    if !facts.opened && !row.seals_unopened {
        return vec![not_started(row)];
    }
    if facts.complete {
        return Vec::new();
    }
    if !facts.missing.is_empty() {
        let say = |missing: &String| unmet(row, &format!("is not complete: {missing}"));
        return facts.missing.iter().map(say).collect();
    }
    let what = match row.kind {
        // Being stale is said already, and is reason enough not to be complete.
        _ if facts.stale => return Vec::new(),
        _ if !facts.opened => return vec![not_started(row)],
        VersioningType::Full => "is not complete: have a version approved, and leave none open",
        VersioningType::AuditOnly => "is not complete: finish what is open in it",
    };
    vec![unmet(row, what)]
}

fn not_started(row: &PhaseRow) -> Unmet {
    of_gate(row, "has not been started: start it")
}

fn stale(row: &PhaseRow) -> Unmet {
    of_gate(row, "is stale, because a phase before it was reopened: mend and reaffirm it")
}

fn reopening(row: &PhaseRow) -> Unmet {
    of_gate(row, "is being reopened: wait until that is done")
}

fn of_gate(row: &PhaseRow, what: &str) -> Unmet {
    Unmet { of_gate: true, ..unmet(row, what) }
}

/// Something about a whole phase: its name and `what`.
fn unmet(row: &PhaseRow, what: &str) -> Unmet {
    Unmet {
        phase: row.phase,
        subject: row.slug.to_owned(),
        what: format!("{} {what}", row.display_name),
        of_gate: false,
    }
}
