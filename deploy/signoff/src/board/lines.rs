//! The board for people.

use super::{Board, LaneOnBoard, PhaseOnBoard, Unmet};
use crate::table::table;

/// How many of the things that one phase lacks are shown.
const SHOWN: usize = 4;

impl Board {
    /// Phases, lanes, and what is next or in the way; people are called as `name_of` says.
    pub(crate) fn lines(&self, name_of: &impl Fn(i64) -> String) -> Vec<String> {
        let closed = if self.closed { ", closed" } else { "" };
        let mut lines = vec![
            format!("{}, {}{closed}", self.report_name, self.cycle_name),
            format!("{}/{}", self.cycle_id, self.report_id),
            String::new(),
        ];
        let header = ["", "phase", "state", "done", "rests on", "sealed by", "next"];
        let rows = self.phases.iter().map(|phase| self.phase_row(phase)).collect();
        lines.push(table(header, rows));
        lines.push(String::new());
        if self.lanes.is_empty() {
            lines.push("No lanes yet: they come with data owners and test cases.".to_owned());
        } else {
            let header = [
                "lane",
                "owner",
                "cases",
                "documents",
                "accepted",
                "tested",
                "to observe",
                "state",
            ];
            let row = |lane: &LaneOnBoard| lane.row(name_of);
            lines.push(table(header, self.lanes.iter().map(row).collect()));
        }
        if self.staged_cases > 0 {
            lines.push(format!("A plan is under way: {} cases so far.", self.staged_cases));
        }
        lines.push(String::new());
        lines.extend(self.phases.iter().flat_map(PhaseOnBoard::course));
        lines
    }

    fn phase_row(&self, phase: &PhaseOnBoard) -> [String; 7] {
        let mut state = phase.state.replace('_', " ");
        for (is, mark) in [(phase.stale, "stale"), (phase.reopening, "being reopened")] {
            if is {
                state = format!("{state}, {mark}");
            }
        }
        [
            phase.number.to_string(),
            phase.name.to_owned(),
            state,
            if phase.total == 0 {
                String::new()
            } else {
                format!("{}/{}", phase.done, phase.total)
            },
            self.names(&phase.rests_on),
            self.names(&phase.held_by),
            phase.next_step(),
        ]
    }

    /// What people call these phases; by their numbers, where they are many.
    fn names(&self, slugs: &[&str]) -> String {
        let found = || self.phases.iter().filter(|one| slugs.contains(&one.phase));
        if slugs.len() > 1 {
            return found().map(|one| one.number.to_string()).collect::<Vec<_>>().join(", ");
        }
        found().map(|one| one.name.to_owned()).collect()
    }
}

impl PhaseOnBoard {
    /// What can be done next, if anything can.
    fn next_step(&self) -> String {
        if self.blocked_by.is_empty() {
            return self.next.clone();
        }
        self.allowed.first().cloned().unwrap_or_else(|| "blocked".to_owned())
    }

    fn next_in_words(&self) -> &str {
        match self.next.as_str() {
            "change" => "be changed",
            "reaffirm" => "be reaffirmed",
            "reopen" => "be reopened",
            other => other,
        }
    }

    /// What is in the way of what comes next, and what is missing before it is complete.
    fn course(&self) -> Vec<String> {
        let name = self.name;
        let mut lines = told(&format!("{name} cannot {}", self.next_in_words()), &self.blocked_by);
        if self.blocked_by.is_empty() && self.state == "in_progress" {
            lines.extend(told(&format!("{name} is not complete"), &self.missing));
        }
        lines
    }
}

impl LaneOnBoard {
    fn row(&self, name_of: &impl Fn(i64) -> String) -> [String; 8] {
        let mut state = if self.complete { "complete" } else { "open" }.to_owned();
        for (count, what) in [(self.stale, "stale"), (self.open_actions, "actions open")] {
            if count > 0 {
                state = format!("{state}, {count} {what}");
            }
        }
        let owner = if self.owner == 0 { "nobody".to_owned() } else { name_of(self.owner) };
        [
            self.line_of_business.clone(),
            owner,
            self.cases.to_string(),
            self.with_document.to_string(),
            self.accepted.to_string(),
            self.concluded.to_string(),
            self.to_observe.to_string(),
            state,
        ]
    }
}

/// What is missing, a line each; of many, some.
fn told(heading: &str, unmet: &[Unmet]) -> Vec<String> {
    match unmet {
        [] => return Vec::new(),
        [one] => return vec![format!("{heading}: {}", one.what)],
        _ => {}
    }
    let mut lines = vec![format!("{heading}:")];
    lines.extend(unmet.iter().take(SHOWN).map(|one| format!("  {}", one.what)));
    if unmet.len() > SHOWN {
        lines.push(format!("  and {} more", unmet.len() - SHOWN));
    }
    lines
}

#[cfg(test)]
mod tests {
    use signoff_contract::audit::v1 as audit;
    use signoff_contract::gateway::v1 as wire;
    use signoff_contract::workflow::v1 as shared;
    use signoff_workflow::PhaseTable;

    use super::*;

    fn unmet(what: &str) -> shared::Unmet {
        shared::Unmet { phase: 1, what: what.to_owned(), ..Default::default() }
    }

    fn board() -> Board {
        let status = |number: i32| shared::PhaseStatus {
            phase: number,
            state: shared::PhaseState::NotStarted.into(),
            ..Default::default()
        };
        let step = |number: i32| wire::Step {
            phase: number,
            next: wire::GateCommand::Start.into(),
            unmet: (0..6).map(|n| unmet(&format!("thing {n}"))).collect(),
            ..Default::default()
        };
        let rows = PhaseTable::standard().rows();
        let mut board = wire::Board {
            phases: rows.iter().map(|row| status(row.phase.number())).collect(),
            steps: rows.iter().map(|row| step(row.phase.number())).collect(),
            lanes: vec![audit::Lane { cases: 3, stale: 2, ..Default::default() }],
            ..Default::default()
        };
        let first = &mut board.phases[0];
        first.state = shared::PhaseState::InProgress.into();
        first.progress = Some(shared::Progress { done: 1, total: 4 });
        first.unmet = vec![unmet("a draft is open: submit it")];
        board.steps[0] = wire::Step {
            phase: 1,
            next: wire::GateCommand::Change.into(),
            allowed: vec![wire::GateCommand::Change.into()],
            ..Default::default()
        };
        Board::of(wire::Workflow::default(), board, &[])
    }

    #[test]
    fn people_read_what_is_next_and_what_is_in_the_way() {
        let text = board().lines(&|user| format!("user {user}")).join("\n");
        for line in [
            "Planning is not complete: a draft is open: submit it\n",
            "Scoping cannot start:\n  thing 0\n  thing 1\n  thing 2\n  thing 3\n  and 2 more\n",
            "1/4",
            "not started",
            "nobody",
            "open, 2 stale",
        ] {
            assert!(text.contains(line), "{line:?} is missing in:\n{text}");
        }
    }

    #[test]
    fn programs_read_a_document_with_stable_names() {
        let document = serde_json::to_value(board()).unwrap();
        let first = &document["phases"][0];
        assert_eq!((&first["phase"], &first["state"]), (&"planning".into(), &"in_progress".into()));
        assert_eq!((&first["next"], &first["done"]), (&"change".into(), &1.into()));
        assert_eq!(first["missing"][0]["what"], "a draft is open: submit it");
        assert_eq!(document["phases"][2]["blocked_by"][0]["phase"], "planning");
        assert_eq!(document["lanes"][0]["lob_id"], serde_json::Value::Null);
        assert_eq!(document["plan"], serde_json::Value::Null);
    }
}
