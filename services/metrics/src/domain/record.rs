//! What a record says that is counted.

use chrono::{DateTime, Utc};
use serde_json::Value;
use signoff_ledger::{Content, Link, Source};
use signoff_workflow::{PhaseTable, Workflow};
use uuid::Uuid;

use super::measure::{ACTION_TYPES, IMPACTS, RESPONSES, known};
use super::period::{DAWN, DUSK};

/// How many decisions a version holds, and how many of them were carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// All.
    pub total: i64,
    /// Carried forward.
    pub carried: i64,
}

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It stands as before.
    Stays,
    /// It went to its reviewer.
    Submitted,
    /// It came back.
    Withdrawn,
    /// It was approved.
    Approved,
    /// It was rejected.
    Rejected,
    /// It was given up while it was a draft.
    DraftDeleted,
    /// It was given up after it had been rejected.
    RejectedDeleted,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A version was made.
    Made {
        /// Which.
        version: Uuid,
        /// From another one.
        revised: bool,
        /// What is in it.
        held: Held,
    },
    /// Something about a version changed.
    Version {
        /// Which.
        version: Uuid,
        /// What became of it.
        course: Course,
        /// What is in it now, if that changed.
        held: Option<Held>,
    },
    /// Something happened to an assignment.
    DataOwner(&'static str),
    /// Something happened to a document.
    Document(&'static str),
    /// Somebody asked for something.
    Requested {
        /// The request.
        action: Uuid,
        /// For what.
        action_type: &'static str,
    },
    /// And was answered.
    Responded {
        /// The request.
        action: Uuid,
        /// How.
        response: &'static str,
        /// What that did to the timeline, if somebody said.
        impact: Option<&'static str>,
    },
    /// A workflow was opened or closed.
    Workflow(&'static str),
    /// Nothing that is counted.
    Nothing,
}

/// A record, as far as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub by: i64,
    /// In which phase, by its slug; empty where it is about the whole workflow.
    pub phase: &'static str,
    /// What happened.
    pub what: What,
    /// The hash of its details, if it has any.
    pub details: Option<signoff_ledger::Hash>,
}

/// Whether the bytes of a record say that it is where it came.
///
/// # Errors
/// What they say instead.
pub fn expect_placed(
    content: &Content,
    link: &Link<'_>,
    workflow: Workflow,
    source: Source,
) -> Result<(), String> {
    let placed = Workflow { cycle_id: content.cycle_id, report_id: content.report_id };
    if placed != workflow || content.sequence != link.sequence || content.source != source {
        return Err("it says that it is of another chain, or another one of it".to_owned());
    }
    if content.previous_hash != link.previous_hash || content.format != link.format {
        return Err("its bytes say another thing than its columns".to_owned());
    }
    Ok(())
}

/// Reads what a record says.
///
/// # Errors
/// What is odd about it.
pub fn read(
    content: &Content,
    source: Source,
    phases: &'static PhaseTable,
) -> Result<Told, String> {
    if !(DAWN..DUSK).contains(&content.occurred_at) {
        return Err(format!("it happened at {}", content.occurred_at));
    }
    let phase = match content.phase.as_deref() {
        None => "",
        Some(slug) => {
            phases.by_slug(slug).ok_or_else(|| format!("it is of the phase {slug:?}"))?.slug
        }
    };
    Ok(Told {
        at: content.occurred_at,
        by: content.actor.user_id,
        phase,
        what: what(content, source)?,
        details: content.details.as_ref().map(|details| details.root),
    })
}

fn what(content: &Content, source: Source) -> Result<What, String> {
    match source {
        Source::Versioning => of_version(content),
        Source::Audit => of_lane(content),
        Source::Gateway => Ok(match content.action.as_str() {
            "workflow.opened" => What::Workflow("opened"),
            "workflow.closed" => What::Workflow("closed"),
            _ => What::Nothing,
        }),
    }
}

fn of_version(content: &Content) -> Result<What, String> {
    let course = match content.action.as_str() {
        made @ ("version.created" | "version.revised") => {
            let held = held(content)?.ok_or("a new version without its counts")?;
            let revised = made == "version.revised";
            return Ok(What::Made { version: subject(content)?, revised, held });
        }
        "version.submitted" => Course::Submitted,
        "version.withdrawn" => Course::Withdrawn,
        "version.approved" => Course::Approved,
        "version.rejected" => Course::Rejected,
        "version.deleted" => match word(content.before.as_ref(), "state") {
            Some("draft") => Course::DraftDeleted,
            Some("rejected") => Course::RejectedDeleted,
            other => return Err(format!("a version was deleted that was {other:?}")),
        },
        "version.updated"
        | "version.superseded"
        | "decisions.added"
        | "decision.edited"
        | "decisions.removed"
        | "decisions.reviewed"
        | "modifications.confirmed" => Course::Stays,
        _ => return Ok(What::Nothing),
    };
    Ok(What::Version { version: subject(content)?, course, held: held(content)? })
}

fn of_lane(content: &Content) -> Result<What, String> {
    let after = content.after.as_ref();
    let one_of = |field: &str, words: &'static [&'static str]| {
        let said = word(after, field);
        said.and_then(|said| known(words, said)).ok_or_else(|| format!("its {field} is {said:?}"))
    };
    Ok(match content.action.as_str() {
        "data_owner.assigned" => What::DataOwner("assigned"),
        "data_owner.transferred" => What::DataOwner("transferred"),
        "data_owner.deactivated" => What::DataOwner("deactivated"),
        "document.submitted" => What::Document("submitted"),
        "document.supplemented" => What::Document("supplemented"),
        "document.revised" => What::Document("revised"),
        "action.requested" => What::Requested {
            action: subject(content)?,
            action_type: one_of("action_type", &ACTION_TYPES)?,
        },
        "action.responded" => What::Responded {
            action: subject(content)?,
            response: one_of("response_status", &RESPONSES)?,
            impact: match word(after, "impact_on_timeline") {
                None => None,
                Some(_) => Some(one_of("impact_on_timeline", &IMPACTS)?),
            },
        },
        _ => What::Nothing,
    })
}

fn subject(content: &Content) -> Result<Uuid, String> {
    content.subject.parse().map_err(|_| format!("its subject is {:?}", content.subject))
}

fn word<'a>(state: Option<&'a Value>, field: &str) -> Option<&'a str> {
    state?.get(field)?.as_str()
}

/// The counts of a version's header, if the record tells them.
fn held(content: &Content) -> Result<Option<Held>, String> {
    let Some(counts) = content.after.as_ref().and_then(|after| after.get("counts")) else {
        return Ok(None);
    };
    let count = |name: &str| {
        let count = counts.get(name).and_then(Value::as_i64);
        // Items have numbers of 32 bits: there are not more of them.
        let count = count.filter(|count| (0..=i64::from(i32::MAX)).contains(count));
        count.ok_or_else(|| format!("its count {name} is missing"))
    };
    Ok(Some(Held { total: count("total")?, carried: count("carried")? }))
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
