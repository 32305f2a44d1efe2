//! The gateway's records on the wire.

use signoff_contract::convert::time_to_wire;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::workflow::v1::Role;

use crate::domain::member::{Lob, Membership};
use crate::store::workflows::Found;

pub(super) fn workflow(found: Found) -> wire::Workflow {
    let etag = found.opened.etag();
    let closing = found.closing;
    wire::Workflow {
        cycle_id: found.workflow.cycle_id.to_string(),
        report_id: found.workflow.report_id.to_string(),
        cycle_name: found.opened.cycle_name,
        report_name: found.opened.report_name,
        opened_at: Some(time_to_wire(found.opened.at)),
        opened_by: found.opened.by,
        closed_at: closing.as_ref().map(|closing| time_to_wire(closing.at)),
        closed_by: closing.as_ref().map_or(0, |closing| closing.by),
        close_reason: closing.map(|closing| closing.reason).unwrap_or_default(),
        etag,
    }
}

pub(super) fn membership(of: Membership) -> wire::Membership {
    wire::Membership {
        user_id: of.member.user_id,
        role: Role::from(of.member.role).into(),
        given_at: Some(time_to_wire(of.given_at)),
        given_by: of.given_by,
        reason: of.reason,
        ended_at: of.end.as_ref().map(|end| time_to_wire(end.at)),
        ended_by: of.end.as_ref().map_or(0, |end| end.by),
        end_reason: of.end.map(|end| end.reason).unwrap_or_default(),
    }
}

pub(super) fn lob(lob: Lob) -> wire::Lob {
    wire::Lob { lob_id: lob.lob_id.to_string(), name: lob.name, retired: lob.retired }
}
