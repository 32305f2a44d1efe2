//! Who works on a report, and in which role.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use signoff_workflow::Role;
use uuid::Uuid;

/// A role that somebody holds on a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// Who.
    pub user_id: i64,
    /// Which.
    pub role: Role,
}

/// The same with when, by whom and why it was given and taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Who, in which role.
    pub member: Member,
    /// Its place among all that were ever given in the workflow: 1, 2, 3 …
    pub number: i64,
    /// When it was given.
    pub given_at: DateTime<Utc>,
    /// By whom.
    pub given_by: i64,
    /// Why.
    pub reason: String,
    /// Its end, if it has ended.
    pub end: Option<MembershipEnd>,
}

/// When, by whom and why a role was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipEnd {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: i64,
    /// Why.
    pub reason: String,
}

/// What a new list of members changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChange {
    /// New ones.
    pub given: Vec<Member>,
    /// Those that are not in the list any more.
    pub taken: Vec<Member>,
}

impl MemberChange {
    /// What changes from one list to another, each in order.
    pub fn between(before: &BTreeSet<Member>, after: &BTreeSet<Member>) -> Self {
        Self {
            given: after.difference(before).copied().collect(),
            taken: before.difference(after).copied().collect(),
        }
    }
}

/// A line of business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lob {
    /// Its id.
    pub lob_id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether it is not in the list any more.
    pub retired: bool,
}

/// A workflow, as it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The name of its test cycle.
    pub cycle_name: String,
    /// The name of its report.
    pub report_name: String,
    /// When it was opened.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: i64,
    /// How often its members were set.
    pub revision: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_given_or_taken() {
        let member = |user_id, role| Member { user_id, role };
        let before = BTreeSet::from([member(1, Role::Tester), member(2, Role::ReportOwner)]);
        let after = BTreeSet::from([member(1, Role::TestLead), member(2, Role::ReportOwner)]);
        let change = MemberChange::between(&before, &after);
        assert_eq!(change.given, [member(1, Role::TestLead)]);
        assert_eq!(change.taken, [member(1, Role::Tester)]);
        assert_eq!(MemberChange::between(&after, &after), MemberChange::default());
    }
}
