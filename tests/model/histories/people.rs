//! Who works on the workflows.

use signoff_workflow::Role;

use crate::step::{PEOPLE, Who};

/// A test lead: a tester who also reopens and reaffirms.
pub(crate) const LEAD: Who = Who { user_id: 12, tester: true, owner: false };
/// Everybody.
pub(crate) const TEAM: [Who; 6] = [PEOPLE[0], PEOPLE[1], PEOPLE[2], PEOPLE[3], PEOPLE[4], LEAD];
/// Who does what testers do.
pub(crate) const TESTERS: [Who; 4] = [PEOPLE[0], PEOPLE[1], PEOPLE[4], LEAD];
/// Who approves in Data Profiling.
pub(crate) const OWNERS: [Who; 3] = [PEOPLE[2], PEOPLE[3], PEOPLE[4]];
/// Who reopens and reaffirms.
pub(crate) const KEEPERS: [Who; 3] = [LEAD, PEOPLE[2], PEOPLE[3]];

/// The same as members of a workflow.
pub(crate) const MEMBERS: [(i64, Role); 7] = [
    (PEOPLE[0].user_id, Role::Tester),
    (PEOPLE[1].user_id, Role::Tester),
    (PEOPLE[2].user_id, Role::ReportOwner),
    (PEOPLE[3].user_id, Role::ReportOwner),
    (PEOPLE[4].user_id, Role::Tester),
    (PEOPLE[4].user_id, Role::ReportOwner),
    (LEAD.user_id, Role::TestLead),
];
