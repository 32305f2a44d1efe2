//! Lanes, and what they make of their phases: derived from counts that the database keeps with each
//! change.

use signoff_workflow::{Phase, Unmet};
use uuid::Uuid;

use super::plan::Plan;

/// How many test cases of a lane are how far. Withdrawn ones count for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub cases: i64,
    /// With a usable document.
    pub with_document: i64,
    /// Whose documents are accepted.
    pub accepted: i64,
    /// Being tested, on a usable document.
    pub in_test: i64,
    /// Whose latest execution is concluded.
    pub executed: i64,
    /// The same, on documents that are current and usable.
    pub concluded: i64,
    /// Of these, failed or inconclusive.
    pub to_observe: i64,
    /// Whose documents changed since the latest execution began.
    pub stale: i64,
    /// Requests for action without a response.
    pub open_actions: i64,
}

/// A lane: one line of business of a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Which; none for the test cases whose sample names none.
    pub lob_id: Option<Uuid>,
    /// Whether it has a primary owner now.
    pub owned: bool,
    /// How far its test cases are.
    pub counts: Counts,
}

impl Lane {
    /// What of a phase is outstanding in it.
    pub fn outstanding(&self, phase: Phase) -> Vec<Unmet> {
        let counts = &self.counts;
        let mut unmet = Vec::new();
        let mut add = |of: i64, what: &str| {
            if of > 0 {
                unmet
                    .push(self.unmet(phase, format!("{of} of {} test cases {what}", counts.cases)));
            }
        };
        match phase {
            Phase::DATA_OWNER_ID if self.lob_id.is_none() => add(
                self.unassigned(),
                "have a sample that names no line of business: revise the samples, and plan again",
            ),
            Phase::DATA_OWNER_ID => {
                add(self.unassigned(), "have no data owner: assign a primary one");
            }
            Phase::REQUEST_INFO => {
                add(
                    self.awaiting_evidence(),
                    "have no usable document: have one submitted or revised",
                );
                add(
                    counts.with_document - counts.accepted,
                    "have documents that wait for their review or revision",
                );
            }
            Phase::TEST_EXECUTION => {
                add(counts.in_test, "are being tested: conclude the executions");
                add(
                    counts.executed - counts.concluded,
                    "have documents that changed, or were refused, after they were tested: test them again",
                );
                let untested = counts.cases - counts.executed - counts.in_test;
                add(untested, "were not tested: test them");
                if counts.open_actions > 0 {
                    let what = format!("{} requests for action are open", counts.open_actions);
                    unmet.push(self.unmet(phase, format!("{what}: have them answered")));
                }
            }
            _ => {}
        }
        unmet
    }

    /// Test cases that wait for an owner of the lane: none that are done.
    pub fn unassigned(&self) -> i64 {
        if self.owned { 0 } else { self.counts.cases - self.counts.concluded }
    }

    /// Test cases without a usable document.
    pub fn awaiting_evidence(&self) -> i64 {
        self.counts.cases - self.counts.with_document
    }

    /// Whether nothing is outstanding in it.
    pub fn is_complete(&self) -> bool {
        self.counts.cases > 0 && self.all_outstanding().is_empty()
    }

    /// What is outstanding in it, phase by phase.
    pub fn all_outstanding(&self) -> Vec<Unmet> {
        [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION]
            .into_iter()
            .flat_map(|phase| self.outstanding(phase))
            .collect()
    }

    fn unmet(&self, phase: Phase, what: String) -> Unmet {
        let (subject, lane) = match self.lob_id {
            Some(lob) => (lob.to_string(), format!("line of business {lob}")),
            None => ("no_lob".to_owned(), "without a line of business".to_owned()),
        };
        Unmet { phase, subject, what: format!("{lane}: {what}"), of_gate: false }
    }
}

/// What a phase lacks to be complete, its gate apart: a plan, and what is outstanding in its lanes.
/// `rests_on` is the version of Sample Selection that Data Owner ID was opened on.
pub fn blocks(
    phase: Phase,
    plan: Option<&Plan>,
    lanes: &[Lane],
    rests_on: Option<Uuid>,
) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    let mut add = |what: &str| {
        let (subject, what) = ("test_plan".to_owned(), what.to_owned());
        unmet.push(Unmet { phase, subject, what, of_gate: false });
    };
    match plan {
        None => add("no test cases are planned: plan them"),
        Some(plan) if plan.cases == 0 => add("the plan has no test case: plan them anew"),
        Some(plan) => {
            let other = rests_on.is_some_and(|id| id != plan.made_from.sample_selection_version_id);
            if phase == Phase::DATA_OWNER_ID && other {
                add(
                    "the test cases are planned from another version of Sample Selection: plan them anew",
                );
            }
        }
    }
    unmet.extend(lanes.iter().flat_map(|lane| lane.outstanding(phase)));
    unmet
}

/// How many test cases need nothing more in a phase, and how many there are.
pub fn progress(phase: Phase, lanes: &[Lane]) -> (i64, i64) {
    let done = |lane: &Lane| match phase {
        Phase::DATA_OWNER_ID => lane.counts.cases - lane.unassigned(),
        Phase::REQUEST_INFO => lane.counts.accepted,
        Phase::TEST_EXECUTION => lane.counts.concluded,
        _ => 0,
    };
    (lanes.iter().map(done).sum(), lanes.iter().map(|lane| lane.counts.cases).sum())
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
