//! What is answered.

use chrono::{DateTime, Utc};
use prost_types::Struct;
use serde_json::Value;
use signoff_backend::Fault;
use signoff_backend::rpc::gates::missing_to_wire;
use signoff_contract::audit::v1 as wire;
use signoff_contract::convert::{json_to_wire, time_to_wire};
use signoff_contract::workflow::v1 as shared;
use signoff_ledger::Origin;
use signoff_workflow::PhaseTable;
use uuid::Uuid;

use super::enums::WireEnum as _;
use crate::domain::action::{Action, TimelineImpact};
use crate::domain::assignment::Assignment;
use crate::domain::document::{RevisionType, Submission};
use crate::domain::error::Error;
use crate::domain::execution::{Execution, ExecutionResult};
use crate::domain::history::Change;
use crate::domain::lane::Lane;
use crate::domain::plan::{Plan, Planned};
use crate::domain::test_case::{TestCase, Tested};

fn id(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn object(value: Option<&Value>) -> Result<Option<Struct>, Error> {
    let object = value.map(json_to_wire).transpose();
    object.map_err(|error| Fault::Internal(error.to_string()).into())
}

/// An assignment, with its status at a moment.
pub(super) fn assignment(of: Assignment, now: DateTime<Utc>) -> wire::Assignment {
    wire::Assignment {
        assignment_id: of.id.to_string(),
        data_owner_id: of.data_owner_id,
        lob_id: of.lob_id.to_string(),
        assignment_type: of.assignment_type.number(),
        status: of.status(now).number(),
        effective_from: Some(time_to_wire(of.effective_from)),
        effective_to: of.effective_to.map(time_to_wire),
        previous_assignment_id: id(of.previous_assignment_id),
        change_reason: of.last.reason.unwrap_or_default(),
        etag: of.last.revision.to_string(),
        created_at: Some(time_to_wire(of.created_at)),
        created_by: of.created_by,
        updated_at: Some(time_to_wire(of.last.at)),
        updated_by: of.last.by,
    }
}

/// A change of an assignment.
pub(super) fn assignment_history(of: Change) -> Result<wire::AssignmentHistoryEntry, Error> {
    let change_type = match of.change_type.as_str() {
        "created" => wire::AssignmentChange::Created,
        "transferred" => wire::AssignmentChange::Transferred,
        "deactivated" => wire::AssignmentChange::Deactivated,
        other => return Err(unknown_change(other)),
    };
    let metadata = serde_json::json!({
        "change_reason": of.reason,
        "revision": of.revision,
        "trail_sequence": of.record_no,
        "recorded_at": of.recorded_at,
        "changed_fields": of.changed_fields(),
    });
    Ok(wire::AssignmentHistoryEntry {
        history_id: of.history_id.to_string(),
        assignment_id: of.subject_id.to_string(),
        change_type: change_type.into(),
        changed_by: of.changed_by,
        changed_at: Some(time_to_wire(of.occurred_at)),
        previous_state: object(of.previous_state.as_ref())?,
        new_state: object(Some(&of.new_state))?,
        change_metadata: object(Some(&metadata))?,
    })
}

fn unknown_change(what: &str) -> Error {
    Fault::Internal(format!("unknown change in the database: {what}")).into()
}

/// A plan.
pub(super) fn plan(of: &Plan) -> wire::TestPlan {
    wire::TestPlan {
        number: of.number,
        planning_version_id: of.made_from.planning_version_id.to_string(),
        scoping_version_id: of.made_from.scoping_version_id.to_string(),
        sample_selection_version_id: of.made_from.sample_selection_version_id.to_string(),
        cases: of.cases,
        planned_at: Some(time_to_wire(of.planned_at)),
        planned_by: of.planned_by,
    }
}

/// What planning changed.
pub(super) fn planned(done: Planned, in_force: Option<&Plan>) -> wire::PlanTestCasesResponse {
    wire::PlanTestCasesResponse {
        planned: done.planned,
        added: done.added,
        withdrawn: done.withdrawn,
        moved: done.moved,
        unassigned: done.unassigned,
        plan: in_force.map(plan),
    }
}

/// A test case.
pub(super) fn test_case(of: TestCase) -> wire::TestCase {
    let result = match of.tested {
        Tested::None | Tested::Open => wire::ExecutionResult::Unspecified.into(),
        Tested::Pass => ExecutionResult::Pass.number(),
        Tested::Fail => ExecutionResult::Fail.number(),
        Tested::Inconclusive => ExecutionResult::Inconclusive.number(),
    };
    wire::TestCase {
        test_case_id: of.id.to_string(),
        unassigned_reason: of.unassigned_reason().unwrap_or_default(),
        sample_item_key: of.sample_item_key,
        attribute_id: of.attribute_id.to_string(),
        lob_id: id(of.lob_id),
        state: of.state.number(),
        current_document_id: id(of.current.map(|(_, document)| document)),
        current_submission_id: id(of.current.map(|(submission, _)| submission)),
        latest_execution_id: id(of.latest_execution_id),
        result,
        stale: of.stale,
        open_actions: of.open_actions,
        created_at: Some(time_to_wire(of.created_at)),
        updated_at: Some(time_to_wire(of.last.at)),
    }
}

/// A lane, with its active assignments.
pub(super) fn lane(of: &Lane, assignments: Vec<wire::Assignment>) -> wire::Lane {
    let primary = i32::from(wire::AssignmentType::Primary);
    let owner = assignments.iter().find(|of| of.assignment_type == primary).cloned();
    let counts = &of.counts;
    wire::Lane {
        lob_id: id(of.lob_id),
        owner,
        assignments,
        cases: counts.cases,
        awaiting_evidence: of.awaiting_evidence(),
        with_document: counts.with_document,
        accepted: counts.accepted,
        in_test: counts.in_test,
        executed: counts.executed,
        concluded: counts.concluded,
        to_observe: counts.to_observe,
        stale: counts.stale,
        open_actions: counts.open_actions,
        complete: of.is_complete(),
        unmet: of.all_outstanding().into_iter().map(missing_to_wire).collect(),
    }
}

/// A submission.
pub(super) fn document(of: Submission) -> Result<wire::Document, Error> {
    let content = of.document.content;
    Ok(wire::Document {
        submission_id: of.id.to_string(),
        document_id: of.document.document_id.to_string(),
        document_version: of.document_version,
        document_type: of.document.document_type,
        submission_type: of.submission_type.number(),
        file_name: content.file_name,
        media_type: content.media_type,
        size_bytes: content.size_bytes,
        sha256: content.sha256.to_vec(),
        document_metadata: object(content.document_metadata.as_ref())?,
        status: of.status.number(),
        submitted_at: Some(time_to_wire(of.submitted_at)),
        submitted_by: of.submitted_by,
        reviewed_at: of.reviewed_at.map(time_to_wire),
        reviewed_by: of.reviewed_by.unwrap_or_default(),
        review_notes: of.review_notes.unwrap_or_default(),
        replaces_submission_id: id(of.replaces_submission_id),
        supplements_submission_id: id(of.supplements_submission_id),
        is_current: of.is_current,
        chain_id: of.chain_id.to_string(),
        test_cases: of.test_cases.into(),
        revision_reason: of.revision_reason.unwrap_or_default(),
        etag: of.last.revision.to_string(),
    })
}

/// A change of a document. What a revision changed is told beside the submission before it.
pub(super) fn document_history(
    of: Change,
    replaced: Option<&Value>,
) -> Result<wire::DocumentHistoryEntry, Error> {
    let revision_type = match of.change_type.as_str() {
        "submitted" => wire::RevisionType::Submission,
        "reviewed" => wire::RevisionType::Review,
        "replaced" => wire::RevisionType::Replaced,
        "revised" => {
            let word = of.new_state.get("revision_type").and_then(Value::as_str);
            match RevisionType::named(word.unwrap_or_default())? {
                RevisionType::Submission => wire::RevisionType::Submission,
                RevisionType::ContentUpdate => wire::RevisionType::ContentUpdate,
                RevisionType::MetadataChange => wire::RevisionType::MetadataChange,
                RevisionType::Resubmission => wire::RevisionType::Resubmission,
            }
        }
        other => return Err(unknown_change(other)),
    };
    let changed_fields = match replaced {
        Some(before) => DESCRIBING
            .iter()
            .filter(|field| before.get(**field) != of.new_state.get(**field))
            .map(|field| (*field).to_owned())
            .collect(),
        None => of.changed_fields(),
    };
    Ok(wire::DocumentHistoryEntry {
        history_id: of.history_id.to_string(),
        submission_id: of.subject_id.to_string(),
        revision_type: revision_type.into(),
        revision_reason: of.reason.unwrap_or_default(),
        changed_fields,
        revised_by: of.changed_by,
        revised_at: Some(time_to_wire(of.occurred_at)),
        previous_state: object(of.previous_state.as_ref())?,
        new_state: object(Some(&of.new_state))?,
    })
}

/// The fields that describe a document: by these a revision is told from the one before.
const DESCRIBING: [&str; 7] = [
    "document_id",
    "document_metadata",
    "document_type",
    "file_name",
    "media_type",
    "sha256",
    "size_bytes",
];

/// An execution.
pub(super) fn execution(of: Execution) -> wire::Execution {
    let mut told = wire::Execution {
        execution_id: of.id.to_string(),
        number: of.number,
        test_case_id: of.test_case_id.to_string(),
        submission_id: of.submission_id.to_string(),
        started_at: Some(time_to_wire(of.started_at)),
        started_by: of.started_by,
        stale: of.stale,
        etag: of.last.revision.to_string(),
        ..wire::Execution::default()
    };
    if let Some((conclusion, by, at)) = of.concluded {
        told.result = conclusion.result.number();
        told.expected = conclusion.expected.unwrap_or_default();
        told.found = conclusion.found.unwrap_or_default();
        told.tolerance = conclusion.tolerance.unwrap_or_default();
        told.rationale = conclusion.rationale.unwrap_or_default();
        told.concluded_by = by;
        told.concluded_at = Some(time_to_wire(at));
    }
    told
}

/// A request for action.
pub(super) fn action(of: Action) -> Result<wire::Action, Error> {
    let turnaround_time_hours = of.turnaround_hours().unwrap_or_default();
    let mut told = wire::Action {
        action_id: of.id.to_string(),
        action_type: of.action_type.number(),
        test_case_id: of.test_case_id.to_string(),
        execution_id: id(of.execution_id),
        action_details: object(of.action_details.as_ref())?,
        requested_at: Some(time_to_wire(of.requested_at)),
        requested_by: of.requested_by,
        request_reason: of.request_reason,
        turnaround_time_hours,
        etag: of.last.revision.to_string(),
        ..wire::Action::default()
    };
    if let Some((response, by, at)) = of.responded {
        told.response_status = response.status.number();
        told.response_notes = response.notes.unwrap_or_default();
        told.impact_on_timeline = response.impact.map_or(0, TimelineImpact::number);
        told.responded_by = by;
        told.responded_at = Some(time_to_wire(at));
    }
    Ok(told)
}

/// A row of history.
pub(super) fn change(of: Change, phases: &PhaseTable) -> Result<wire::Change, Error> {
    let origin = match of.origin {
        Origin::Legacy => shared::Origin::Legacy,
        Origin::Native => shared::Origin::Native,
    };
    Ok(wire::Change {
        history_id: of.history_id.to_string(),
        phase: phases.by_slug(&of.phase).map_or(0, |row| row.phase.number()),
        subject_type: of.subject_type.number(),
        subject_id: of.subject_id.to_string(),
        revision: of.revision,
        changed_fields: of.changed_fields(),
        change_type: of.change_type,
        changed_by: of.changed_by,
        changed_at: Some(time_to_wire(of.occurred_at)),
        recorded_at: Some(time_to_wire(of.recorded_at)),
        origin: origin.into(),
        reason: of.reason.unwrap_or_default(),
        previous_state: object(of.previous_state.as_ref())?,
        new_state: object(Some(&of.new_state))?,
        trail_sequence: of.record_no,
    })
}
