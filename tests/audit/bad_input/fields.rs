//! The fields of each command.

use prost_types::value::Kind;
use prost_types::{Struct, Timestamp, Value};
use signoff_contract::audit::v1 as wire;
use signoff_tests::build;
use uuid::Uuid;
use wire::{
    AssignDataOwnerRequest as Assign, DeactivateDataOwnerRequest as Deactivate,
    PlanTestCasesRequest as Plan, RecordChangeRequest as Record, RecordResultRequest as Conclude,
    RequestActionRequest as Ask, RespondToActionRequest as Respond,
    ReviewDocumentRequest as Review, ReviseDocumentRequest as Revise,
    StartExecutionRequest as Start, SubmitDocumentRequest as Submit,
    TransferDataOwnerRequest as Transfer,
};

use super::{Fault, each_is_named};

const NIL: &str = "00000000-0000-0000-0000-000000000000";

fn long(characters: usize) -> String {
    "ä".repeat(characters + 1)
}

fn x() -> String {
    "x".to_owned()
}

fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

fn holding(kind: Kind) -> Option<Struct> {
    Some(Struct { fields: [("k".to_owned(), Value { kind: Some(kind) })].into() })
}

fn of_bytes(bytes: usize) -> Option<Struct> {
    Some(build::object("k", &"x".repeat(bytes - r#"{"k":""}"#.len())))
}

const ASSIGN: &[Fault<Assign>] = &[
    ("data_owner_id", |r| r.data_owner_id = 0),
    ("lob_id", |r| r.lob_id.clear()),
    ("assignment_type", |r| r.assignment_type = 0),
    ("effective_from", |r| r.effective_from = at(0, -1)),
    ("effective_to", |r| r.effective_to = at(i64::MAX, 0)),
    ("change_reason", |r| r.change_reason = long(4_000)),
    ("data_owner_id", |r| r.data_owner_id = -1),
    ("lob_id", |r| r.lob_id = x()),
    ("lob_id", |r| r.lob_id = NIL.to_owned()),
    ("assignment_type", |r| r.assignment_type = 4),
    ("effective_from", |r| r.effective_from = at(0, 1_000_000_000)),
    ("effective_to", |r| r.effective_to = at(0, 0)),
    ("effective_to", |r| {
        r.effective_from = at(9_000_000_000, 5_400);
        r.effective_to = at(9_000_000_000, 5_900);
    }),
    ("change_reason", |r| r.change_reason = "\0".to_owned()),
    ("change_reason", |r| r.change_reason = "\u{b}".to_owned()),
];

const TRANSFER: &[Fault<Transfer>] = &[
    ("assignment_id", |r| r.assignment_id = x()),
    ("data_owner_id", |r| r.data_owner_id = 0),
    ("effective_from", |r| r.effective_from = at(i64::MIN, 0)),
    ("change_reason", |r| r.change_reason = " \n".to_owned()),
    ("assignment_id", |r| r.assignment_id.clear()),
    ("data_owner_id", |r| r.data_owner_id = i64::MIN),
    ("data_owner_id", |r| r.data_owner_id = 101),
    ("effective_from", |r| r.effective_from = at(0, 0)),
    ("change_reason", |r| r.change_reason.clear()),
    ("change_reason", |r| r.change_reason = long(4_000)),
];

const DEACTIVATE: &[Fault<Deactivate>] = &[
    ("assignment_id", |r| r.assignment_id = x()),
    ("change_reason", |r| r.change_reason.clear()),
    ("change_reason", |r| r.change_reason = "\u{7f}".to_owned()),
];

const PLAN: &[Fault<Plan>] = &[
    ("planning_version_id", |r| r.planning_version_id.clear()),
    ("scoping_version_id", |r| r.scoping_version_id = x()),
    ("sample_selection_version_id", |r| r.sample_selection_version_id = x()),
    ("cases[1].sample_item_key", |r| r.cases[1].sample_item_key.clear()),
    ("cases[2].attribute_id", |r| r.cases[2].attribute_id = x()),
    ("cases[0].lob_id", |r| r.cases[0].lob_id = x()),
    ("cases[0].lob_id", |r| r.cases[0].lob_id = NIL.to_owned()),
    ("cases[3].sample_item_key", |r| r.cases[3].sample_item_key = long(255)),
    ("cases[3].sample_item_key", |r| r.cases[3].sample_item_key = "a\0".to_owned()),
    ("cases[3].sample_item_key", |r| r.cases[3].sample_item_key = "a\u{1}".to_owned()),
    ("cases[2].attribute_id", |r| r.cases[2].attribute_id.clear()),
    ("cases[5]", |r| r.cases[5] = r.cases[4].clone()),
    ("total_cases", |r| r.total_cases = -1),
    ("cases", |r| {
        r.cases.clear();
        r.last = false;
    }),
];

const SUBMIT: &[Fault<Submit>] = &[
    ("test_case_ids", |r| r.test_case_ids.clear()),
    ("document_id", |r| r.document_id.clear()),
    ("document_type", |r| r.document_type.clear()),
    ("file_name", |r| r.file_name.clear()),
    ("media_type", |r| r.media_type = "pdf".to_owned()),
    ("size_bytes", |r| r.size_bytes = -1),
    ("sha256", |r| r.sha256.truncate(31)),
    ("document_metadata", |r| r.document_metadata = of_bytes(8 * 1024 + 1)),
    ("supplements_submission_id", |r| r.supplements_submission_id = Uuid::now_v7().to_string()),
    ("replaces_submission_id", |r| r.replaces_submission_id = Uuid::now_v7().to_string()),
    ("test_case_ids[0]", |r| r.test_case_ids = vec![x()]),
    ("test_case_ids[1]", |r| r.test_case_ids.push(r.test_case_ids[0].clone())),
    ("test_case_ids", |r| {
        r.test_case_ids = (0..10_001).map(|n| Uuid::from_u128(n).to_string()).collect();
    }),
    ("document_id", |r| r.document_id = x()),
    ("document_type", |r| r.document_type = long(255)),
    ("file_name", |r| r.file_name = "a\n\u{2}".to_owned()),
    ("file_name", |r| r.file_name = "\0a".to_owned()),
    ("media_type", |r| r.media_type.clear()),
    ("media_type", |r| r.media_type = "a/b/c".to_owned()),
    ("media_type", |r| r.media_type = "a b/c".to_owned()),
    ("sha256", |r| r.sha256.clear()),
    ("document_metadata.k", |r| r.document_metadata = holding(Kind::NumberValue(f64::NAN))),
    ("document_metadata.k", |r| {
        r.document_metadata = holding(Kind::StringValue("\0".to_owned()));
    }),
    ("submission_type", |r| r.submission_type = 0),
    ("submission_type", |r| r.submission_type = 7),
    ("supplements_submission_id", |r| r.supplements_submission_id = x()),
    ("supplements_submission_id", |r| {
        r.submission_type = wire::SubmissionType::Supplemental.into();
    }),
    ("replaces_submission_id", |r| r.replaces_submission_id = x()),
    ("revision_reason", |r| r.submission_type = wire::SubmissionType::Revision.into()),
    ("replaces_submission_id", |r| {
        r.submission_type = wire::SubmissionType::Revision.into();
        r.revision_reason = x();
        r.test_case_ids.clear();
    }),
];

const REVISE: &[Fault<Revise>] = &[
    ("submission_id", |r| r.submission_id.clear()),
    ("document_id", |r| r.document_id = x()),
    ("document_type", |r| r.document_type = long(255)),
    ("file_name", |r| r.file_name = long(255)),
    ("media_type", |r| r.media_type = "/".to_owned()),
    ("size_bytes", |r| r.size_bytes = i64::MIN),
    ("sha256", |r| r.sha256.push(1)),
    ("document_metadata", |r| r.document_metadata = of_bytes(8 * 1024 + 1)),
    ("revision_reason", |r| r.revision_reason.clear()),
    ("submission_id", |r| r.submission_id = x()),
    ("revision_reason", |r| r.revision_reason = long(4_000)),
    ("revision_reason", |r| r.revision_reason = "a\0".to_owned()),
];

const REVIEW: &[Fault<Review>] = &[
    ("submission_id", |r| r.submission_id = x()),
    ("notes", |r| r.notes.clear()),
    ("notes", |r| r.notes = long(4_000)),
    ("verdict", |r| r.verdict = 0),
    ("verdict", |r| r.verdict = wire::DocumentStatus::PendingReview.into()),
    ("verdict", |r| r.verdict = 5),
];

const START: &[Fault<Start>] = &[
    ("test_case_id", |r| r.test_case_id = x()),
    ("submission_id", |r| r.submission_id.clear()),
    ("test_case_id", |r| r.test_case_id.clear()),
];

const CONCLUDE: &[Fault<Conclude>] = &[
    ("execution_id", |r| r.execution_id.clear()),
    ("expected", |r| r.expected = long(2_000)),
    ("found", |r| r.found = "\0".to_owned()),
    ("tolerance", |r| r.tolerance = "\u{3}".to_owned()),
    ("rationale", |r| r.rationale.clear()),
    ("result", |r| r.result = 0),
    ("result", |r| r.result = 4),
    ("found", |r| r.found = long(2_000)),
    ("tolerance", |r| r.tolerance = long(2_000)),
    ("rationale", |r| r.rationale = long(4_000)),
];

const ASK: &[Fault<Ask>] = &[
    ("action_type", |r| r.action_type = 0),
    ("execution_id", |r| r.execution_id = x()),
    ("test_case_id", |r| r.test_case_id = x()),
    ("action_details", |r| r.action_details = of_bytes(8 * 1024 + 1)),
    ("request_reason", |r| r.request_reason.clear()),
    ("test_case_id", |r| r.test_case_id.clear()),
    ("action_type", |r| r.action_type = 4),
    ("action_details.k", |r| r.action_details = holding(Kind::NumberValue(f64::INFINITY))),
    ("request_reason", |r| r.request_reason = long(4_000)),
];

const RESPOND: &[Fault<Respond>] = &[
    ("action_id", |r| r.action_id.clear()),
    ("response_notes", |r| r.response_notes.clear()),
    ("impact_on_timeline", |r| r.impact_on_timeline = 9),
    ("response_status", |r| r.response_status = 0),
    ("response_status", |r| r.response_status = 4),
    ("response_notes", |r| r.response_notes = long(4_000)),
];

const RECORD: &[Fault<Record>] = &[
    ("data", |r| r.data = None),
    ("reason", |r| r.reason = long(4_000)),
    ("data", |r| r.data = Some(Struct::default())),
    ("data", |r| r.data = of_bytes(64 * 1024 + 1)),
    ("data.k", |r| r.data = holding(Kind::NumberValue(f64::NAN))),
    ("data.k", |r| r.data = holding(Kind::StringValue("\0".to_owned()))),
    ("data.k.k.k.k.k.k.k.k.k.k.k.k.k.k.k.k", |r| {
        let deeper = |inner: Option<Struct>, _| holding(Kind::StructValue(inner.unwrap()));
        r.data = (0..16).fold(Some(Struct::default()), deeper);
    }),
    ("reason", |r| r.reason = "\0".to_owned()),
];

#[tokio::test]
async fn each_fault_of_what_is_recorded_is_named() {
    each_is_named("RecordChange", RECORD, &[0, 1]).await;
}

#[tokio::test]
async fn each_fault_of_assignments_is_named() {
    each_is_named("AssignDataOwner", ASSIGN, &[0, 1, 2, 3, 4, 5]).await;
    each_is_named("TransferDataOwner", TRANSFER, &[0, 1, 2, 3]).await;
    each_is_named("DeactivateDataOwner", DEACTIVATE, &[0, 1]).await;
}

#[tokio::test]
async fn each_fault_of_plans_is_named() {
    each_is_named("PlanTestCases", PLAN, &[0, 1, 2, 3, 4, 5]).await;
}

#[tokio::test]
async fn each_fault_of_documents_is_named() {
    each_is_named("SubmitDocument", SUBMIT, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).await;
    each_is_named("ReviseDocument", REVISE, &[0, 1, 2, 3, 4, 5, 6, 7, 8]).await;
    each_is_named("ReviewDocument", REVIEW, &[0, 1]).await;
}

#[tokio::test]
async fn each_fault_of_executions_and_requests_is_named() {
    each_is_named("StartExecution", START, &[0, 1]).await;
    each_is_named("RecordResult", CONCLUDE, &[0, 1, 2, 3, 4]).await;
    each_is_named("RequestAction", ASK, &[0, 1, 2, 3, 4]).await;
    each_is_named("RespondToAction", RESPOND, &[0, 1, 2]).await;
}
