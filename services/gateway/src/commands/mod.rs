//! What changes the gateway's own records: workflows, members, lines of business.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signoff_backend::{Fault, WorkflowChange};
use signoff_workflow::Workflow;
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::member::{Lob, Member, MemberChange, Opened};
use crate::store::members::Made;
use crate::store::workflows::Found;
use crate::store::{lobs, members, workflows};

/// The chain of what is about no workflow.
pub const HOUSE: Workflow = Workflow { cycle_id: Uuid::nil(), report_id: Uuid::nil() };

/// Why its first members are members.
pub const OPENED: &str = "the workflow was opened";

/// Opens a workflow.
///
/// # Errors
/// It was opened before.
pub async fn open_workflow(
    change: &mut WorkflowChange,
    (cycle_name, report_name): (String, String),
    first: BTreeSet<Member>,
) -> Result<Found, Error> {
    let (workflow, at, by) = (change.workflow(), change.now(), change.actor().user_id);
    let opened = Opened { cycle_name, report_name, at, by, revision: 1 };
    if !workflows::insert(change.conn(), workflow, &opened).await? {
        return Err(Error::AlreadyOpened(workflow));
    }
    let given: Vec<Member> = first.into_iter().collect();
    let made = Made { at, by, reason: OPENED };
    members::give(change.conn(), workflow, &given, made).await?;
    let after = json!({
        "cycle_name": opened.cycle_name,
        "report_name": opened.report_name,
        "given": told(&given),
    });
    change.record("workflow.opened", workflow.to_string(), None, (None, Some(after)))?;
    Ok(Found { workflow, opened, closing: None })
}

/// Sets a workflow's members: the whole list.
///
/// # Errors
/// It was not opened, or was changed since the caller read it.
pub async fn set_members(
    change: &mut WorkflowChange,
    wanted: BTreeSet<Member>,
    reason: &str,
    etag: Option<&str>,
) -> Result<Found, Error> {
    let (workflow, at, by) = (change.workflow(), change.now(), change.actor().user_id);
    let found = workflows::find(change.conn(), workflow).await?;
    let mut found = found.ok_or(Error::NotOpened(workflow))?;
    Fault::expect_etag(etag, found.opened.etag())?;
    let held = members::current(change.conn(), workflow).await?.into_iter().collect();
    let differing = MemberChange::between(&held, &wanted);
    if differing != MemberChange::default() {
        let made = Made { at, by, reason };
        members::take(change.conn(), workflow, &differing.taken, made).await?;
        members::give(change.conn(), workflow, &differing.given, made).await?;
        workflows::revise(change.conn(), workflow).await?;
        found.opened.revision += 1;
        let before = json!({ "taken": told(&differing.taken) });
        let after = json!({ "given": told(&differing.given) });
        let states = (Some(before), Some(after));
        change.record("members.set", workflow.to_string(), Some(reason.to_owned()), states)?;
    }
    Ok(found)
}

/// Closes a workflow here: the last of all services.
///
/// # Errors
/// It was not opened.
pub async fn close_workflow(change: &mut WorkflowChange, reason: String) -> Result<Found, Error> {
    let workflow = change.workflow();
    if workflows::find(change.conn(), workflow).await?.is_none() {
        return Err(Error::NotOpened(workflow));
    }
    change.close(reason).await?;
    let found = workflows::find(change.conn(), workflow).await?;
    found.ok_or(Error::NotOpened(workflow))
}

/// Sets the lines of business: the whole list.
///
/// # Errors
/// What differs does not fit into one record of the trail.
pub async fn set_lobs(
    change: &mut WorkflowChange,
    wanted: Vec<Lob>,
    reason: &str,
) -> Result<Vec<Lob>, Error> {
    let before = lobs::all(change.conn()).await?;
    let gone = before
        .iter()
        .filter(|lob| !lob.retired && !wanted.iter().any(|other| other.lob_id == lob.lob_id))
        .map(|lob| Lob { retired: true, ..lob.clone() });
    let after: Vec<Lob> = wanted.iter().cloned().chain(gone).collect();
    let differs = |lob: &&Lob| !before.contains(*lob);
    let differing: Vec<Lob> = after.iter().filter(differs).cloned().collect();
    if !differing.is_empty() {
        lobs::set(change.conn(), &differing).await?;
        let was = |lob: &Lob| before.iter().find(|old| old.lob_id == lob.lob_id).map(lob_told);
        let was: Vec<Value> = differing.iter().filter_map(was).collect();
        let is: Vec<Value> = differing.iter().map(lob_told).collect();
        let states = (Some(json!({ "lobs": was })), Some(json!({ "lobs": is })));
        change.record("lobs.set", "lobs".to_owned(), Some(reason.to_owned()), states)?;
    }
    Ok(wanted)
}

impl Opened {
    /// Changes with the workflow and with its members.
    pub fn etag(&self) -> String {
        self.revision.to_string()
    }
}

/// Members as the trail tells of them.
fn told(members: &[Member]) -> Value {
    let told = |member: &Member| json!([member.user_id, member.role.name()]);
    members.iter().map(told).collect()
}

fn lob_told(lob: &Lob) -> Value {
    json!({ "lob_id": lob.lob_id, "name": lob.name, "retired": lob.retired })
}
