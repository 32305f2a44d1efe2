//! Plans of test cases: what is to be tested, by which versions.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The versions that a plan is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeFrom {
    /// Of Planning.
    pub planning_version_id: Uuid,
    /// Of Scoping.
    pub scoping_version_id: Uuid,
    /// Of Sample Selection.
    pub sample_selection_version_id: Uuid,
}

/// A plan that took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its id in the trail.
    pub id: Uuid,
    /// 1, 2, 3 … in each workflow.
    pub number: i64,
    /// From which versions it was made.
    pub made_from: MadeFrom,
    /// How many cases it has.
    pub cases: i64,
    /// When.
    pub planned_at: DateTime<Utc>,
    /// By whom.
    pub planned_by: i64,
}

/// A case that a plan is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedCase {
    /// Its id, from the two that follow.
    pub test_case_id: Uuid,
    /// The sample.
    pub sample_item_key: String,
    /// The attribute.
    pub attribute_id: Uuid,
    /// The sample's line of business, if it names one.
    pub lob_id: Option<Uuid>,
}

/// What a plan changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// Cases that it has.
    pub planned: i64,
    /// New ones, and ones that had been withdrawn.
    pub added: i64,
    /// Ones that it does not have any more.
    pub withdrawn: i64,
    /// Ones in another lane than before.
    pub moved: i64,
    /// Ones without a line of business, or whose line of business has no owner now.
    pub unassigned: i64,
}

impl Planned {
    /// Whether anything is other than before.
    pub fn changes(&self) -> bool {
        self.added + self.withdrawn + self.moved > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_changes_something_when_a_case_comes_goes_or_moves() {
        let same = Planned { planned: 9, unassigned: 4, ..Planned::default() };
        for one in [
            Planned { added: 1, ..same },
            Planned { withdrawn: 1, ..same },
            Planned { moved: 1, ..same },
        ] {
            assert!(one.changes(), "{one:?}");
        }
        let swapped = Planned { added: 2, withdrawn: 2, ..same };
        assert!(swapped.changes(), "as many cases as before, and others");
    }

    #[test]
    fn a_plan_of_the_same_cases_changes_nothing() {
        // Who owns them is no part of the plan.
        let same = Planned { planned: 9, unassigned: 4, ..Planned::default() };
        assert!(!same.changes());
    }
}
