//! Executions of test cases, and what had to be asked for.

use prost_types::Struct;
use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1::GetPhaseStatusRequest;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::build;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_workflow::Phase;
use tonic::Code;
use uuid::Uuid;
use wire::{
    ActionType, DocumentStatus, ExecutionResult, ResponseStatus, SubmissionType, TestCaseState,
    TimelineImpact,
};

use crate::common::{changes_of, field, lacks};

const LOB: Uuid = LOBS[0];
const OWNER: i64 = OWNERS[0];

async fn listed(lanes: &Lanes, filter: wire::ListExecutionsRequest) -> Vec<wire::Execution> {
    let request = wire::ListExecutionsRequest { scope: lanes.whole(), ..filter };
    lanes.tester.call(request).await.unwrap().executions
}

async fn batch(lanes: &Lanes, ids: &[&str]) -> Vec<wire::Execution> {
    let execution_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let request = wire::BatchGetExecutionsRequest { scope: lanes.whole(), execution_ids };
    lanes.tester.call(request).await.unwrap().executions
}

/// Two cases of a lane on one accepted document.
async fn with_document() -> (Lanes, Vec<wire::TestCase>, wire::Document) {
    let lanes = Lanes::planned(2).await;
    let cases = lanes.cases_of(LOB).await;
    let document = lanes.submit(OWNER, &cases).await.unwrap();
    let document = lanes.review(&document, DocumentStatus::Accepted).await.unwrap();
    (lanes, cases, document)
}

#[tokio::test]
async fn executions_are_numbered_for_each_case_and_none_is_overwritten() {
    let (lanes, cases, document) = with_document().await;
    let mut made = Vec::new();
    for result in [ExecutionResult::Fail, ExecutionResult::Inconclusive, ExecutionResult::Pass] {
        made.push(lanes.test(&cases[0], &document, result).await);
    }
    let numbers: Vec<i32> = made.iter().map(|of| of.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(lanes.start(&cases[1], &document).await.unwrap().number, 1);
    let of_case = wire::ListExecutionsRequest {
        test_case_id: cases[0].test_case_id.clone(),
        ..Default::default()
    };
    assert_eq!(listed(&lanes, of_case).await, made);
    let case = lanes.case(&cases[0]).await;
    assert_eq!(
        (case.result(), case.latest_execution_id),
        (ExecutionResult::Pass, made[2].execution_id.clone())
    );
    let results = async |results: &[ExecutionResult]| {
        let results = results.iter().map(|of| i32::from(*of)).collect();
        let filter =
            wire::ListExecutionsRequest { results, lob_id: LOB.to_string(), ..Default::default() };
        listed(&lanes, filter).await.len()
    };
    assert_eq!(results(&[ExecutionResult::Unspecified]).await, 1, "not concluded");
    assert_eq!(results(&[ExecutionResult::Fail, ExecutionResult::Pass]).await, 2);
    assert_eq!(results(&[]).await, 4);
    let lane = lanes.lane(LOB).await;
    assert_eq!((lane.executed, lane.in_test, lane.to_observe), (1, 1, 0), "only the latest counts");
    lanes.expect_intact().await;
}

#[tokio::test]
async fn the_status_of_the_tests_names_the_executions_to_observe_if_asked() {
    let (lanes, cases, document) = with_document().await;
    let asked = async |phase, with_execution_ids| {
        let scope = lanes.at(phase);
        let request =
            GetPhaseStatusRequest { scope, with_execution_ids, ..GetPhaseStatusRequest::default() };
        let told = lanes.tester.call_audit(request).await.unwrap();
        assert_eq!(told.phase_status.unwrap(), lanes.status(phase).await, "{with_execution_ids}");
        told.execution_ids
    };
    assert!(asked(Phase::TEST_EXECUTION, true).await.is_empty());
    let mut expected = Vec::new();
    for (case, result) in cases.iter().zip([ExecutionResult::Fail, ExecutionResult::Inconclusive]) {
        lanes.test(case, &document, ExecutionResult::Fail).await;
        expected.push(lanes.test(case, &document, result).await.execution_id);
    }
    expected.sort();
    let mut told = asked(Phase::TEST_EXECUTION, true).await;
    told.sort();
    assert_eq!(told, expected, "the latest of each case");
    assert!(asked(Phase::TEST_EXECUTION, false).await.is_empty());
    assert!(asked(Phase::REQUEST_INFO, true).await.is_empty());
    lanes.test(&cases[0], &document, ExecutionResult::Pass).await;
    assert_eq!(asked(Phase::TEST_EXECUTION, true).await.len(), 1);
    let required = GetPhaseStatusRequest {
        scope: lanes.at(Phase::TEST_EXECUTION),
        required_execution_ids: expected,
        nothing_required: true,
        ..GetPhaseStatusRequest::default()
    };
    let answer = lanes.tester.call_audit(required).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["required_execution_ids", "nothing_required"]);
}

#[tokio::test]
async fn an_execution_says_what_was_compared() {
    let (lanes, cases, document) = with_document().await;
    let begun = lanes.start(&cases[0], &document).await.unwrap();
    assert_eq!(
        (begun.result(), begun.concluded_at, begun.started_by),
        (ExecutionResult::Unspecified, None, 10)
    );
    let done = lanes.conclude(&begun, ExecutionResult::Fail).await.unwrap();
    assert_eq!(
        [&done.expected, &done.found, &done.tolerance, &done.rationale],
        ["100.00", "100.01", "0.005", "compared with the statement"]
    );
    assert_eq!(
        (done.concluded_by, done.submission_id.as_str()),
        (10, document.submission_id.as_str())
    );
    assert_ne!(done.etag, begun.etag);
    assert_eq!(
        listed(&lanes, wire::ListExecutionsRequest::default()).await,
        std::slice::from_ref(&done)
    );
    let changes = changes_of(&lanes, &done.execution_id).await;
    let types: Vec<_> = changes.iter().map(|of| of.change_type.as_str()).collect();
    assert_eq!(types, ["concluded", "started"]);
    assert_eq!(field(changes[0].new_state.as_ref(), "result").as_deref(), Some("fail"));
    // Only what did not pass needs a reason.
    let request = |of: &wire::Execution, result: ExecutionResult| wire::RecordResultRequest {
        scope: lanes.at(Phase::TEST_EXECUTION),
        execution_id: of.execution_id.clone(),
        result: result.into(),
        request_id: request_id(),
        ..Default::default()
    };
    let next = lanes.start(&cases[0], &document).await.unwrap();
    for result in [ExecutionResult::Fail, ExecutionResult::Inconclusive] {
        let answer = lanes.tester.call(request(&next, result)).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["rationale"]);
    }
    lanes.tester.call(request(&next, ExecutionResult::Pass)).await.unwrap();
}

#[tokio::test]
async fn what_was_tested_is_stale_when_its_document_is_revised_or_supplemented() {
    for supplemented in [false, true] {
        let (lanes, cases, document) = with_document().await;
        let concluded = lanes.test(&cases[0], &document, ExecutionResult::Fail).await;
        let open = lanes.start(&cases[1], &document).await.unwrap();
        let new = if supplemented {
            let request = wire::SubmitDocumentRequest {
                submission_type: SubmissionType::Supplemental.into(),
                supplements_submission_id: document.submission_id.clone(),
                ..lanes.submit_request(&[])
            };
            lanes.data_owner(OWNER).await.call(request).await.unwrap().document.unwrap()
        } else {
            lanes.revise(OWNER, &document, 8).await.unwrap()
        };
        let told = batch(&lanes, &[&concluded.execution_id, &open.execution_id]).await;
        assert!(told.iter().all(|of| of.stale), "{supplemented}");
        let case = lanes.case(&cases[0]).await;
        assert_eq!((case.stale, case.state()), (true, TestCaseState::EvidenceSubmitted));
        let lane = lanes.lane(LOB).await;
        assert_eq!((lane.stale, lane.concluded, lane.to_observe, lane.executed), (2, 0, 0, 1));
        let ended = lanes.conclude(&open, ExecutionResult::Pass).await.unwrap();
        assert!(ended.stale, "it ended, on what is not current");
        assert!(lanes.case(&cases[1]).await.stale);

        lanes.review(&new, DocumentStatus::Accepted).await.unwrap();
        let told = lacks(&lanes, Phase::TEST_EXECUTION).await;
        let again = "2 of 2 test cases have documents that changed, or were refused, after they were tested";
        assert!(told.iter().any(|what| what.contains(again)), "{told:?}");
        for case in &cases {
            let rerun = lanes.test(case, &new, ExecutionResult::Pass).await;
            assert_eq!((rerun.number, rerun.stale), (2, false));
            assert_eq!(lanes.case(case).await.state(), TestCaseState::Concluded);
        }
        let first = batch(&lanes, &[&concluded.execution_id]).await.remove(0);
        assert_eq!(first, wire::Execution { stale: true, ..concluded }, "it never changes");
        assert!(lanes.lane(LOB).await.complete);
        lanes.expect_intact().await;
    }
}

#[tokio::test]
async fn a_review_makes_nothing_stale() {
    let lanes = Lanes::planned(1).await;
    let cases = lanes.cases_of(LOB).await;
    let document = lanes.submit(OWNER, &cases).await.unwrap();
    let execution = lanes.test(&cases[0], &document, ExecutionResult::Pass).await;
    assert!(!lanes.lane(LOB).await.complete, "its document is to be reviewed");
    lanes.review(&document, DocumentStatus::Accepted).await.unwrap();
    assert!(!batch(&lanes, &[&execution.execution_id]).await[0].stale);
    assert!(lanes.lane(LOB).await.complete);
}

#[tokio::test]
async fn executions_are_got_by_their_ids_in_the_order_asked_for() {
    let (lanes, cases, document) = with_document().await;
    let one = lanes.test(&cases[0], &document, ExecutionResult::Pass).await;
    let two = lanes.test(&cases[1], &document, ExecutionResult::Fail).await;
    let (elsewhere, theirs, other) = with_document().await;
    let foreign = elsewhere.test(&theirs[0], &other, ExecutionResult::Pass).await;
    let unknown = Uuid::now_v7().to_string();
    let (a, b) = (one.execution_id.as_str(), two.execution_id.as_str());
    let asked = [&unknown, b, &foreign.execution_id, a, &unknown];
    assert_eq!(batch(&lanes, &asked).await, [two.clone(), one.clone()]);
    assert_eq!(batch(&lanes, &[a, b]).await, [one, two]);
    assert_eq!(batch(&lanes, &[]).await, []);
    assert_eq!(batch(&lanes, &[&foreign.execution_id]).await, []);
}

#[tokio::test]
async fn a_request_is_answered_with_its_turnaround_and_its_impact() {
    let (lanes, cases, document) = with_document().await;
    let execution = lanes.test(&cases[0], &document, ExecutionResult::Fail).await;
    let details = build::object("account", "4711");
    let ask = wire::RequestActionRequest {
        scope: lanes.at(Phase::TEST_EXECUTION),
        action_type: ActionType::DataUpdateRequest.into(),
        execution_id: execution.execution_id.clone(),
        action_details: Some(details.clone()),
        request_reason: "the account is another one".to_owned(),
        request_id: request_id(),
        ..Default::default()
    };
    let asked = lanes.tester.call(ask.clone()).await.unwrap().action.unwrap();
    assert_eq!(asked.test_case_id, cases[0].test_case_id, "that of the execution");
    assert_eq!((asked.action_details.as_ref(), asked.requested_by), (Some(&details), 10));
    assert_eq!((asked.response_status(), asked.responded_at), (ResponseStatus::Unspecified, None));
    assert_eq!((asked.turnaround_time_hours, asked.impact_on_timeline), (0.0, 0));
    let other = wire::RequestActionRequest {
        test_case_id: cases[1].test_case_id.clone(),
        request_id: request_id(),
        ..ask
    };
    let answer = lanes.tester.call(other).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["execution_id"]);

    crate::common::tamper(
        &lanes,
        "update actions set requested_at = requested_at - interval '90 minutes'",
    )
    .await;
    let answered = lanes.respond(OWNER, &asked).await.unwrap();
    assert!((1.5..1.6).contains(&answered.turnaround_time_hours), "{answered:?}");
    assert_eq!(answered.response_status(), ResponseStatus::Fulfilled);
    assert_eq!(answered.impact_on_timeline(), TimelineImpact::MinorDelay);
    assert_eq!((answered.responded_by, answered.action_details), (OWNER, Some(details)));
    let request = wire::ListActionsRequest { scope: lanes.whole(), ..Default::default() };
    let listed = lanes.tester.call(request).await.unwrap().actions;
    assert_eq!(listed[0].turnaround_time_hours, answered.turnaround_time_hours);
}

#[tokio::test]
async fn an_open_request_blocks_completion() {
    let (lanes, cases, document) = with_document().await;
    for case in &cases {
        lanes.test(case, &document, ExecutionResult::Pass).await;
    }
    assert!(lanes.lane(LOB).await.complete);
    let one = lanes.ask(&cases[0], ActionType::TestRerun).await.unwrap();
    let two = lanes.ask(&cases[0], ActionType::DocumentRequest).await.unwrap();
    let lane = lanes.lane(LOB).await;
    assert_eq!((lane.open_actions, lane.complete), (2, false));
    assert!(lane.unmet[0].what.contains("2 requests for action are open: have them answered"));
    assert_eq!(lanes.case(&cases[0]).await.open_actions, 2);
    let open = async || {
        let request = wire::ListActionsRequest {
            scope: lanes.whole(),
            open_only: true,
            test_case_id: cases[0].test_case_id.clone(),
            ..Default::default()
        };
        let found = lanes.tester.call(request).await.unwrap().actions;
        found.into_iter().map(|of| of.action_id).collect::<Vec<_>>()
    };
    assert_eq!(open().await, [one.action_id.clone(), two.action_id.clone()]);
    lanes.respond(OWNER, &one).await.unwrap();
    assert_eq!(open().await, std::slice::from_ref(&two.action_id));
    lanes.respond(OWNER, &two).await.unwrap();
    assert!(lanes.lane(LOB).await.complete);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn the_longest_texts_fit_into_records_of_executions_and_requests() {
    let (lanes, cases, document) = with_document().await;
    for character in ["x", "😀", "\"", "\n", "\t"] {
        let text = |length: usize| format!("a{}", character.repeat(length - 1));
        let execution = lanes.start(&cases[0], &document).await.unwrap();
        let request = wire::RecordResultRequest {
            scope: lanes.at(Phase::TEST_EXECUTION),
            execution_id: execution.execution_id.clone(),
            result: ExecutionResult::Fail.into(),
            expected: text(2_000),
            found: text(2_000),
            tolerance: text(2_000),
            rationale: text(4_000),
            request_id: request_id(),
            ..Default::default()
        };
        lanes.tester.call(request).await.unwrap();
        let details: Struct = build::object("k", &"x".repeat(8 * 1024 - r#"{"k":""}"#.len()));
        let request = wire::RequestActionRequest {
            scope: lanes.at(Phase::TEST_EXECUTION),
            action_type: ActionType::TestRerun.into(),
            test_case_id: cases[0].test_case_id.clone(),
            action_details: Some(details),
            request_reason: text(4_000),
            request_id: request_id(),
            ..Default::default()
        };
        let action = lanes.tester.call(request).await.unwrap().action.unwrap();
        let request = wire::RespondToActionRequest {
            scope: lanes.at(Phase::TEST_EXECUTION),
            action_id: action.action_id,
            response_status: ResponseStatus::Rejected.into(),
            response_notes: text(4_000),
            request_id: request_id(),
            ..Default::default()
        };
        lanes.data_owner(OWNER).await.call(request).await.unwrap();
    }
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_result_on_a_document_that_is_refused_counts_no_more() {
    let (lanes, cases, document) = with_document().await;
    let document = lanes.revise(OWNER, &document, 8).await.unwrap();
    for case in &cases {
        lanes.test(case, &document, ExecutionResult::Fail).await;
    }
    let counted = |lane: &wire::Lane| (lane.concluded, lane.to_observe, lane.executed);
    assert_eq!(counted(&lanes.lane(LOB).await), (2, 2, 2));
    lanes.review(&document, DocumentStatus::Rejected).await.unwrap();
    assert_eq!(counted(&lanes.lane(LOB).await), (0, 0, 2));
    assert_eq!(lanes.case(&cases[0]).await.state(), TestCaseState::AwaitingEvidence);
    let told = lacks(&lanes, Phase::TEST_EXECUTION).await;
    let again = "2 of 2 test cases have documents that changed, or were refused";
    assert!(told.iter().any(|what| what.contains(again)), "{told:?}");
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_lane_that_is_done_stays_so_when_its_owner_goes() {
    let (lanes, cases, document) = with_document().await;
    for case in &cases {
        lanes.test(case, &document, ExecutionResult::Pass).await;
    }
    let owned = crate::common::assignments(&lanes, LOB).await.remove(0);
    crate::common::deactivate(&lanes, &owned, "").await.unwrap();
    let lane = lanes.lane(LOB).await;
    assert_eq!((lane.complete, lane.owner), (true, None));
    assert_eq!(lanes.case(&cases[0]).await.state(), TestCaseState::Concluded);
}
