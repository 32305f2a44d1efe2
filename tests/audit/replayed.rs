//! States, replayed from history and as the service answers them now.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use serde_json::{Map, Value, json};
use signoff_contract::audit::v1 as wire;
use signoff_contract::convert::{JsonLimits, json_from_wire};
use signoff_tests::lanes::Lanes;
use signoff_workflow::{Phase, Violations};
use wire::SubjectType;

/// A state: names of fields and their values.
type State = Map<String, Value>;

/// All assignments.
pub(crate) async fn assignments(lanes: &Lanes) -> Vec<wire::Assignment> {
    let request = wire::ListAssignmentsRequest {
        scope: lanes.at(Phase::DATA_OWNER_ID),
        page_size: 1000,
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap().assignments
}

/// All submissions.
pub(crate) async fn documents(lanes: &Lanes) -> Vec<wire::Document> {
    let request = wire::ListDocumentsRequest {
        scope: lanes.at(Phase::REQUEST_INFO),
        page_size: 1000,
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap().documents
}

/// All executions.
pub(crate) async fn executions(lanes: &Lanes) -> Vec<wire::Execution> {
    let request = wire::ListExecutionsRequest {
        scope: lanes.at(Phase::TEST_EXECUTION),
        page_size: 1000,
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap().executions
}

/// All requests for action.
pub(crate) async fn actions(lanes: &Lanes) -> Vec<wire::Action> {
    let request = wire::ListActionsRequest {
        scope: lanes.at(Phase::TEST_EXECUTION),
        page_size: 1000,
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap().actions
}

/// All test cases, withdrawn ones too.
async fn test_cases(lanes: &Lanes) -> Vec<wire::TestCase> {
    let request = wire::ListTestCasesRequest {
        scope: lanes.at(Phase::REQUEST_INFO),
        states: (1..=6).collect(),
        page_size: 1000,
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap().test_cases
}

/// # Panics
/// Some history, replayed from nothing, is not the state that the service answers.
pub(crate) async fn expect_history_is_the_state(lanes: &Lanes) {
    let mut replayed = replay(lanes).await;
    let mut expect = |id: String, now: State| {
        let history = replayed.remove(&id).unwrap_or_else(|| panic!("{id} has no history"));
        for (field, value) in now {
            assert_eq!(normal(&history[&field]), normal(&value), "{field} of {id}");
        }
    };
    for of in assignments(lanes).await {
        expect(of.assignment_id.clone(), assignment(of));
    }
    for of in test_cases(lanes).await {
        expect(of.test_case_id.clone(), test_case(of));
    }
    for of in documents(lanes).await {
        expect(of.submission_id.clone(), document(of));
    }
    for of in executions(lanes).await {
        expect(of.execution_id.clone(), execution(of));
    }
    for of in actions(lanes).await {
        expect(of.action_id.clone(), action(of));
    }
    // Records are read as history only: among all of it, and by themselves.
    let subject_types = vec![SubjectType::Record.into()];
    let records = wire::ListChangesRequest { subject_types, ..Default::default() };
    for of in lanes.changes(records).await {
        expect(of.subject_id, state(of.new_state.unwrap()));
    }
    // Plans are read one by one: the last is the one in force.
    let plan = lanes.tester.call(wire::GetTestPlanRequest { scope: lanes.whole() }).await.unwrap();
    let numbers: Vec<i64> = replayed.values().filter_map(|of| of["number"].as_i64()).collect();
    assert_eq!(numbers.len(), replayed.len(), "history of what is not there: {replayed:?}");
    assert_eq!(numbers.iter().max().copied(), plan.plan.map(|plan| plan.number));
}

/// The last state of each subject, after each change was found to follow from the one before.
async fn replay(lanes: &Lanes) -> BTreeMap<String, State> {
    let changes = lanes.changes(wire::ListChangesRequest::default()).await;
    let mut states: BTreeMap<String, (i64, State)> = BTreeMap::new();
    for change in changes.into_iter().rev() {
        let id = change.subject_id.clone();
        let before = change.previous_state.map(state);
        let known = states.remove(&id);
        assert_eq!(known.as_ref().map_or(0, |(revision, _)| *revision) + 1, change.revision);
        assert_eq!(known.map(|(_, state)| state), before, "before revision {}", change.revision);
        let after = state(change.new_state.unwrap());
        let differ = |field: &&String| {
            before.as_ref().and_then(|of| of.get(*field)).unwrap_or(&Value::Null) != &after[*field]
        };
        assert_eq!(after.keys().filter(differ).cloned().collect::<Vec<_>>(), change.changed_fields);
        assert_ne!(change.subject_type, i32::from(SubjectType::Unspecified));
        states.insert(id, (change.revision, after));
    }
    states.into_iter().map(|(id, (_, state))| (id, state)).collect()
}

fn state(of: prost_types::Struct) -> State {
    let mut violations = Violations::default();
    let read = json_from_wire(of, "state", JsonLimits::default(), &mut violations);
    assert!(violations.is_empty());
    match read {
        Some(Value::Object(state)) => state,
        other => panic!("no state: {other:?}"),
    }
}

/// Times in one form, whoever wrote them; what is not set is null.
fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => json!(time.timestamp_micros()),
            Err(_) => value.clone(),
        },
        _ => value.clone(),
    }
}

fn time(of: Option<Timestamp>) -> Value {
    let of = of.and_then(|of| {
        DateTime::<Utc>::from_timestamp(of.seconds, u32::try_from(of.nanos).unwrap())
    });
    of.map_or(Value::Null, |of| json!(of.to_rfc3339()))
}

fn person(of: i64) -> Value {
    if of == 0 { Value::Null } else { json!(of) }
}

/// The word of an enumeration's value, as states have it.
fn word(name: &str, prefix: &str) -> Value {
    let word = name.strip_prefix(prefix).unwrap().to_lowercase();
    if word == "unspecified" { Value::Null } else { json!(word) }
}

fn object(of: Value) -> State {
    match of {
        Value::Object(of) => of,
        other => panic!("no object: {other}"),
    }
}

fn assignment(of: wire::Assignment) -> State {
    object(json!({
        "data_owner_id": of.data_owner_id,
        "lob_id": of.lob_id,
        "assignment_type": word(of.assignment_type().as_str_name(), "ASSIGNMENT_TYPE_"),
        "effective_from": time(of.effective_from),
        "effective_to": time(of.effective_to),
        "previous_assignment_id": of.previous_assignment_id,
        "created_at": time(of.created_at),
        "created_by": of.created_by,
    }))
}

fn test_case(of: wire::TestCase) -> State {
    object(json!({
        "sample_item_key": of.sample_item_key,
        "attribute_id": of.attribute_id,
        "lob_id": of.lob_id,
        "withdrawn": of.state() == wire::TestCaseState::Withdrawn,
        "created_at": time(of.created_at),
    }))
}

fn document(of: wire::Document) -> State {
    let metadata = of.document_metadata.clone().map(state);
    object(json!({
        "chain_id": of.chain_id,
        "supplements_submission_id": of.supplements_submission_id,
        "replaces_submission_id": of.replaces_submission_id,
        "document_id": of.document_id,
        "document_version": of.document_version,
        "document_type": of.document_type,
        "submission_type": word(of.submission_type().as_str_name(), "SUBMISSION_TYPE_"),
        "file_name": of.file_name,
        "media_type": of.media_type,
        "size_bytes": of.size_bytes,
        "sha256": format!("\\x{}", hex::encode(&of.sha256)),
        "document_metadata": metadata.map_or(Value::Null, Value::Object),
        "test_cases": of.test_cases,
        "submitted_at": time(of.submitted_at),
        "submitted_by": of.submitted_by,
        "revision_reason": of.revision_reason,
        "is_current": of.is_current,
        "status": word(of.status().as_str_name(), "DOCUMENT_STATUS_"),
        "reviewed_at": time(of.reviewed_at),
        "reviewed_by": person(of.reviewed_by),
        "review_notes": of.review_notes,
    }))
}

fn execution(of: wire::Execution) -> State {
    object(json!({
        "test_case_id": of.test_case_id,
        "number": of.number,
        "submission_id": of.submission_id,
        "started_at": time(of.started_at),
        "started_by": of.started_by,
        "result": word(of.result().as_str_name(), "EXECUTION_RESULT_"),
        "expected": of.expected,
        "found": of.found,
        "tolerance": of.tolerance,
        "rationale": of.rationale,
        "concluded_at": time(of.concluded_at),
        "concluded_by": person(of.concluded_by),
    }))
}

fn action(of: wire::Action) -> State {
    let impact = word(of.impact_on_timeline().as_str_name(), "TIMELINE_IMPACT_");
    object(json!({
        "action_type": word(of.action_type().as_str_name(), "ACTION_TYPE_"),
        "test_case_id": of.test_case_id,
        "execution_id": of.execution_id,
        "requested_at": time(of.requested_at),
        "requested_by": of.requested_by,
        "request_reason": of.request_reason,
        "responded_at": time(of.responded_at),
        "responded_by": person(of.responded_by),
        "response_status": word(of.response_status().as_str_name(), "RESPONSE_STATUS_"),
        "response_notes": of.response_notes,
        "impact_on_timeline": impact,
    }))
}
