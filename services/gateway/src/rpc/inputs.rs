//! What the gateway's own commands are given, checked.

use std::collections::{BTreeMap, BTreeSet};

use signoff_backend::rpc::inputs::fits;
use signoff_contract::convert::{role_from_wire, text, uuid};
use signoff_contract::gateway::v1 as wire;
use signoff_workflow::Violations;
use uuid::Uuid;

use crate::domain::member::{Lob, Member};

/// Most members of a workflow, and most lines of business. What one call changes must fit into one record
/// of the trail besides: for members it always does.
const MAX_LISTED: usize = 500;
/// Longest name, in characters.
const MAX_NAME: usize = 255;

/// A name of a test cycle, a report or a line of business.
pub(super) fn name(given: String, path: &str, violations: &mut Violations) -> Option<String> {
    let before = violations.total();
    text(&given, path, MAX_NAME, true, violations);
    (violations.total() == before).then_some(given)
}

/// The members of a workflow: the whole list.
pub(super) fn members(given: &[wire::Member], violations: &mut Violations) -> BTreeSet<Member> {
    let mut read = BTreeSet::new();
    if !fits(given.len(), MAX_LISTED, "members", violations) {
        return read;
    }
    for (i, member) in given.iter().enumerate() {
        if member.user_id <= 0 {
            violations.add(format!("members[{i}].user_id"), "is no user id: above 0");
        }
        let path = format!("members[{i}].role");
        let role = match role_from_wire(member.role, &path, violations) {
            Some(role) if !role.is_held_on_a_report() => {
                let what =
                    "is not held on a report: TESTER, TEST_LEAD, REPORT_OWNER or TEST_EXECUTIVE";
                violations.add(path, what);
                None
            }
            role => role,
        };
        if let Some(role) = role
            && !read.insert(Member { user_id: member.user_id, role })
        {
            violations.add(format!("members[{i}]"), "is there twice");
        }
    }
    read
}

/// The lines of business: the whole list.
pub(super) fn lobs(given: Vec<wire::Lob>, violations: &mut Violations) -> Vec<Lob> {
    let mut read: BTreeMap<Uuid, Lob> = BTreeMap::new();
    if !fits(given.len(), MAX_LISTED, "lobs", violations) {
        return Vec::new();
    }
    for (i, lob) in given.into_iter().enumerate() {
        let lob_id = uuid(&lob.lob_id, format_args!("lobs[{i}].lob_id"), violations);
        let name = name(lob.name, &format!("lobs[{i}].name"), violations);
        if lob.retired {
            violations.add(format!("lobs[{i}].retired"), "is answered only: leave the line out");
        }
        if let (Some(lob_id), Some(name)) = (lob_id, name)
            && read.insert(lob_id, Lob { lob_id, name, retired: false }).is_some()
        {
            violations.add(format!("lobs[{i}].lob_id"), "is there twice");
        }
    }
    read.into_values().collect()
}
