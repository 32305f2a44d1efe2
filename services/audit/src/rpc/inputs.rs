//! What commands are given, checked.

use std::collections::HashSet;
use std::fmt::Display;

use chrono::SubsecRound as _;
use prost_types::{Struct, Timestamp};
use serde_json::Value;
use signoff_backend::rpc::inputs::{etag, fits, optional_text, plain_text, required_text};
use signoff_contract::audit::v1 as wire;
use signoff_contract::convert::{
    JsonLimits, json_from_wire, optional_uuid, text, time_from_wire, uuid,
};
use signoff_workflow::{Violations, Workflow};
use uuid::Uuid;

use super::enums::{optional, required};
use crate::commands::{
    AssignDataOwner, DeactivateDataOwner, PlanTestCases, RecordChange, RecordResult, RequestAction,
    RespondToAction, ReviewDocument, ReviseDocument, StartExecution, SubmitAs, SubmitDocument,
    TransferDataOwner,
};
use crate::domain::action::{Response, ResponseStatus};
use crate::domain::document::{Content, Described, DocumentStatus, SubmissionType};
use crate::domain::execution::{Conclusion, ExecutionResult};
use crate::domain::plan::{MadeFrom, PlannedCase};
use crate::domain::test_case::TestCase;

/// Most test cases of one document.
const MAX_CASES: usize = 10_000;
/// Longest name of a sample, a file, a type, in characters (seed 002: 255).
const MAX_NAME: usize = 255;
/// Longest text of what was compared, in characters: the trail's records are bounded.
const MAX_COMPARED: usize = 2_000;
/// What is free-form, in bytes as JSON: a record of the trail holds it twice.
const FREE_FORM: JsonLimits = JsonLimits { depth: 16, encoded_bytes: 8 * 1024 };
/// What is recorded in a form of its own: a record of the trail holds its hash.
const RECORDED: JsonLimits = JsonLimits { depth: 16, encoded_bytes: 64 * 1024 };

/// A user id.
pub(super) fn person(given: i64, path: &str, violations: &mut Violations) -> Option<i64> {
    if given <= 0 {
        violations.add(path, "is required: a user id");
    }
    (given > 0).then_some(given)
}

/// A time that may be left out, as precise as it is kept: in microseconds.
pub(super) fn optional_time(
    given: Option<Timestamp>,
    path: &str,
    violations: &mut Violations,
) -> Option<chrono::DateTime<chrono::Utc>> {
    given.and_then(|time| time_from_wire(time, path, violations)).map(|time| time.trunc_subsecs(6))
}

/// A text that a list is narrowed by; nothing, if it is left empty.
pub(super) fn filter_text(given: &str, path: &str, violations: &mut Violations) -> Option<String> {
    text(given, path, MAX_NAME, false, violations);
    (!given.is_empty()).then(|| given.to_owned())
}

fn name(given: String, path: impl Display, violations: &mut Violations) -> Option<String> {
    let fine = text(&given, &path, MAX_NAME, true, violations)
        && plain_text(&given, path, false, violations);
    fine.then_some(given)
}

fn compared(given: String, path: &str, violations: &mut Violations) -> Option<String> {
    let fine = text(&given, path, MAX_COMPARED, false, violations);
    if fine { optional_text(given, path, violations) } else { None }
}

fn free_form(given: Option<Struct>, path: &str, violations: &mut Violations) -> Option<Value> {
    given.and_then(|object| json_from_wire(object, path, FREE_FORM, violations))
}

/// Ids of test cases, in order, each once.
fn test_cases(given: &[String], violations: &mut Violations) -> Vec<Uuid> {
    if !fits(given.len(), MAX_CASES, "test_case_ids", violations) {
        return Vec::new();
    }
    let mut seen = HashSet::with_capacity(given.len());
    let mut ids = Vec::with_capacity(given.len());
    for (i, id) in given.iter().enumerate() {
        let path = format_args!("test_case_ids[{i}]");
        match uuid(id, path, violations) {
            Some(id) if !seen.insert(id) => violations.add(path.to_string(), "is there twice"),
            id => ids.extend(id),
        }
    }
    ids.sort_unstable();
    ids
}

/// `AssignDataOwner`.
pub(super) fn assign(
    request: wire::AssignDataOwnerRequest,
    violations: &mut Violations,
) -> Option<AssignDataOwner> {
    let data_owner_id = person(request.data_owner_id, "data_owner_id", violations);
    let lob_id = lob(&request.lob_id, violations);
    let assignment_type = required(request.assignment_type, "assignment_type", violations);
    let effective_from = optional_time(request.effective_from, "effective_from", violations);
    let effective_to = optional_time(request.effective_to, "effective_to", violations);
    if let (Some(from), Some(to)) = (effective_from, effective_to)
        && to <= from
    {
        violations.add("effective_to", "is not after effective_from");
    }
    let reason = optional_text(request.change_reason, "change_reason", violations);
    Some(AssignDataOwner {
        data_owner_id: data_owner_id?,
        lob_id: lob_id?,
        assignment_type: assignment_type?,
        effective_from,
        effective_to,
        reason,
    })
}

/// A line of business. The nil UUID stands for none, inside.
fn lob(given: &str, violations: &mut Violations) -> Option<Uuid> {
    let read = uuid(given, "lob_id", violations);
    if read.is_some_and(|id| id.is_nil()) {
        violations.add("lob_id", "is the nil UUID");
    }
    read
}

/// `TransferDataOwner`.
pub(super) fn transfer(
    request: wire::TransferDataOwnerRequest,
    violations: &mut Violations,
) -> Option<TransferDataOwner> {
    let assignment_id = uuid(&request.assignment_id, "assignment_id", violations);
    let data_owner_id = person(request.data_owner_id, "data_owner_id", violations);
    let effective_from = optional_time(request.effective_from, "effective_from", violations);
    let reason = required_text(request.change_reason, "change_reason", violations);
    Some(TransferDataOwner {
        assignment_id: assignment_id?,
        etag: etag(request.etag),
        data_owner_id: data_owner_id?,
        effective_from,
        reason: reason?,
    })
}

/// `DeactivateDataOwner`.
pub(super) fn deactivate(
    request: wire::DeactivateDataOwnerRequest,
    violations: &mut Violations,
) -> Option<DeactivateDataOwner> {
    let assignment_id = uuid(&request.assignment_id, "assignment_id", violations);
    let reason = required_text(request.change_reason, "change_reason", violations);
    Some(DeactivateDataOwner {
        assignment_id: assignment_id?,
        etag: etag(request.etag),
        reason: reason?,
    })
}

/// `PlanTestCases`.
pub(super) fn plan(
    request: wire::PlanTestCasesRequest,
    workflow: Workflow,
    violations: &mut Violations,
) -> Option<PlanTestCases> {
    let mut version = |id: &str, path: &str| uuid(id, path, violations);
    let planning = version(&request.planning_version_id, "planning_version_id");
    let scoping = version(&request.scoping_version_id, "scoping_version_id");
    let samples = version(&request.sample_selection_version_id, "sample_selection_version_id");
    if request.cases.is_empty() && !request.last {
        violations.add("cases", "is empty, and this is not the last call");
    }
    let mut seen = HashSet::with_capacity(request.cases.len());
    let mut cases = Vec::with_capacity(request.cases.len());
    for (i, case) in request.cases.into_iter().enumerate() {
        let sample =
            name(case.sample_item_key, format_args!("cases[{i}].sample_item_key"), violations);
        let attribute =
            uuid(&case.attribute_id, format_args!("cases[{i}].attribute_id"), violations);
        let path = format_args!("cases[{i}].lob_id");
        let lob_id = optional_uuid(&case.lob_id, path, violations);
        if lob_id.is_some_and(|id| id.is_nil()) {
            violations.add(path.to_string(), "is the nil UUID: leave it empty if there is none");
        }
        let (Some(sample_item_key), Some(attribute_id)) = (sample, attribute) else { continue };
        let test_case_id = TestCase::id_of(workflow, &sample_item_key, attribute_id);
        if !seen.insert(test_case_id) {
            violations.add(format!("cases[{i}]"), "is there twice");
        }
        cases.push(PlannedCase { test_case_id, sample_item_key, attribute_id, lob_id });
    }
    let made_from = MadeFrom {
        planning_version_id: planning?,
        scoping_version_id: scoping?,
        sample_selection_version_id: samples?,
    };
    if request.total_cases < 0 {
        violations.add("total_cases", "is negative");
    }
    let total_cases = (request.total_cases > 0).then_some(request.total_cases);
    Some(PlanTestCases { cases, made_from, last: request.last, total_cases })
}

/// What is in a document: the fields that both requests have.
macro_rules! content {
    ($request:ident, $violations:ident) => {
        content(
            ($request.file_name, $request.media_type),
            ($request.size_bytes, $request.sha256),
            $request.document_metadata,
            $violations,
        )
    };
}

fn content(
    (file_name, media_type): (String, String),
    (size_bytes, sha256): (i64, Vec<u8>),
    metadata: Option<Struct>,
    violations: &mut Violations,
) -> Option<Content> {
    let file_name = name(file_name, "file_name", violations);
    let media_type = name(media_type, "media_type", violations);
    if media_type.as_ref().is_some_and(|given| !is_media_type(given)) {
        violations.add("media_type", "is no media type: application/pdf is one (RFC 6838)");
    }
    if size_bytes < 0 {
        violations.add("size_bytes", "is negative");
    }
    let sha256 = sha256.try_into().ok();
    if sha256.is_none() {
        violations.add("sha256", "is required: 32 bytes");
    }
    let document_metadata = free_form(metadata, "document_metadata", violations);
    Some(Content {
        file_name: file_name?,
        media_type: media_type?,
        size_bytes,
        sha256: sha256?,
        document_metadata,
    })
}

/// Whether it is a type and a subtype, maybe with parameters (RFC 6838, section 4.2).
fn is_media_type(given: &str) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
    let essence = given.split(';').next().unwrap_or_default().trim();
    let parts: Vec<&str> = essence.split('/').collect();
    parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && part.chars().all(of_name))
}

/// `SubmitDocument`.
pub(super) fn submit(
    request: wire::SubmitDocumentRequest,
    violations: &mut Violations,
) -> Option<SubmitDocument> {
    let test_case_ids = test_cases(&request.test_case_ids, violations);
    let supplements =
        optional_uuid(&request.supplements_submission_id, "supplements_submission_id", violations);
    let replaces =
        optional_uuid(&request.replaces_submission_id, "replaces_submission_id", violations);
    let kind = required(request.submission_type, "submission_type", violations);
    if supplements.is_some() && kind != Some(SubmissionType::Supplemental) {
        violations.add("supplements_submission_id", "goes with SUPPLEMENTAL only");
    }
    if replaces.is_some() && kind != Some(SubmissionType::Revision) {
        violations.add("replaces_submission_id", "goes with REVISION only");
    }
    let submit_as = match kind {
        Some(SubmissionType::Initial) => {
            if request.test_case_ids.is_empty() {
                violations.add("test_case_ids", "is empty");
            }
            Some(SubmitAs::Initial)
        }
        Some(SubmissionType::Revision) => {
            if request.test_case_ids.is_empty() && request.replaces_submission_id.is_empty() {
                violations
                    .add("replaces_submission_id", "is required, unless test cases are named");
            }
            let reason = required_text(request.revision_reason, "revision_reason", violations);
            reason.map(|reason| SubmitAs::Revision(replaces, reason))
        }
        Some(SubmissionType::Supplemental) => {
            if request.supplements_submission_id.is_empty() {
                violations.add("supplements_submission_id", "is required for SUPPLEMENTAL");
            }
            supplements.map(SubmitAs::Supplemental)
        }
        None => None,
    };
    let document_id = uuid(&request.document_id, "document_id", violations);
    let document_type = name(request.document_type, "document_type", violations);
    let content = content!(request, violations);
    let document =
        Described { document_id: document_id?, document_type: document_type?, content: content? };
    Some(SubmitDocument { test_case_ids, submit_as: submit_as?, document })
}

/// `ReviseDocument`.
pub(super) fn revise(
    request: wire::ReviseDocumentRequest,
    violations: &mut Violations,
) -> Option<ReviseDocument> {
    let submission_id = uuid(&request.submission_id, "submission_id", violations);
    let document_id = optional_uuid(&request.document_id, "document_id", violations);
    let document_type = match request.document_type {
        given if given.is_empty() => None,
        given => name(given, "document_type", violations),
    };
    let content = content!(request, violations);
    let reason = required_text(request.revision_reason, "revision_reason", violations);
    Some(ReviseDocument {
        submission_id: submission_id?,
        etag: etag(request.etag),
        document_id,
        document_type,
        content: content?,
        reason: reason?,
    })
}

/// `ReviewDocument`.
pub(super) fn review(
    request: wire::ReviewDocumentRequest,
    violations: &mut Violations,
) -> Option<ReviewDocument> {
    let submission_id = uuid(&request.submission_id, "submission_id", violations);
    let verdict = required(request.verdict, "verdict", violations);
    let notes = match verdict {
        Some(DocumentStatus::PendingReview) => {
            violations.add("verdict", "is no verdict: ACCEPTED, REJECTED or REVISION_REQUESTED is");
            None
        }
        Some(DocumentStatus::Rejected | DocumentStatus::RevisionRequested) => {
            required_text(request.notes, "notes", violations)
        }
        Some(DocumentStatus::Accepted) | None => optional_text(request.notes, "notes", violations),
    };
    Some(ReviewDocument {
        submission_id: submission_id?,
        etag: etag(request.etag),
        verdict: verdict?,
        notes,
    })
}

/// `StartExecution`.
pub(super) fn start(
    request: wire::StartExecutionRequest,
    violations: &mut Violations,
) -> Option<StartExecution> {
    let test_case_id = uuid(&request.test_case_id, "test_case_id", violations);
    let submission_id = uuid(&request.submission_id, "submission_id", violations);
    Some(StartExecution { test_case_id: test_case_id?, submission_id: submission_id? })
}

/// `RecordResult`.
pub(super) fn result(
    request: wire::RecordResultRequest,
    violations: &mut Violations,
) -> Option<RecordResult> {
    let execution_id = uuid(&request.execution_id, "execution_id", violations);
    let result = required(request.result, "result", violations);
    let expected = compared(request.expected, "expected", violations);
    let found = compared(request.found, "found", violations);
    let tolerance = compared(request.tolerance, "tolerance", violations);
    let rationale = match result {
        Some(ExecutionResult::Fail | ExecutionResult::Inconclusive) => {
            required_text(request.rationale, "rationale", violations)
        }
        Some(ExecutionResult::Pass) | None => {
            optional_text(request.rationale, "rationale", violations)
        }
    };
    let conclusion = Conclusion { result: result?, expected, found, tolerance, rationale };
    Some(RecordResult { execution_id: execution_id?, etag: etag(request.etag), conclusion })
}

/// `RequestAction`.
pub(super) fn action(
    request: wire::RequestActionRequest,
    violations: &mut Violations,
) -> Option<RequestAction> {
    let action_type = required(request.action_type, "action_type", violations);
    let test_case_id = optional_uuid(&request.test_case_id, "test_case_id", violations);
    let execution_id = optional_uuid(&request.execution_id, "execution_id", violations);
    if request.test_case_id.is_empty() && request.execution_id.is_empty() {
        violations.add("test_case_id", "is required, unless an execution is named");
    }
    let details = free_form(request.action_details, "action_details", violations);
    let reason = required_text(request.request_reason, "request_reason", violations);
    Some(RequestAction {
        action_type: action_type?,
        test_case_id,
        execution_id,
        details,
        reason: reason?,
    })
}

/// `RespondToAction`.
pub(super) fn respond(
    request: wire::RespondToActionRequest,
    violations: &mut Violations,
) -> Option<RespondToAction> {
    let action_id = uuid(&request.action_id, "action_id", violations);
    let status = required(request.response_status, "response_status", violations);
    let notes = match status {
        Some(ResponseStatus::Rejected | ResponseStatus::Partial) => {
            required_text(request.response_notes, "response_notes", violations)
        }
        Some(ResponseStatus::Fulfilled) | None => {
            optional_text(request.response_notes, "response_notes", violations)
        }
    };
    let impact = optional(request.impact_on_timeline, "impact_on_timeline", violations);
    let response = Response { status: status?, notes, impact: impact? };
    Some(RespondToAction { action_id: action_id?, etag: etag(request.etag), response })
}

/// `RecordChange`.
pub(super) fn record(
    request: wire::RecordChangeRequest,
    violations: &mut Violations,
) -> Option<RecordChange> {
    let data = match request.data {
        Some(data) if !data.fields.is_empty() => json_from_wire(data, "data", RECORDED, violations),
        Some(_) | None => {
            violations.add("data", "is required: an object with a field or more");
            None
        }
    };
    let reason = optional_text(request.reason, "reason", violations);
    Some(RecordChange { data: data?, reason })
}
