//! No step of a lane before what it needs is there; and each refusal says what is missing.

use signoff_contract::audit::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{faults, fields, refusal};
use signoff_workflow::Phase;
use tonic::Code;
use uuid::Uuid;
use wire::{ActionType, DocumentStatus, ExecutionResult, ResponseStatus, TestCaseState};

use crate::common::{assignments, deactivate, not_the_owner, unmet};

const LOB: Uuid = LOBS[0];
const OWNER: i64 = OWNERS[0];

#[tokio::test]
async fn no_document_before_the_owner_is_identified() {
    let lanes = Lanes::open().await;
    lanes.assign(LOBS[1], OWNERS[1]).await.unwrap();
    lanes.plan(&Lanes::cases(2)).await.unwrap();
    let (orphans, owned) = (lanes.cases_of(LOB).await, lanes.cases_of(LOBS[1]).await);
    let mixed = [owned.as_slice(), orphans.as_slice()].concat();
    let told = unmet(lanes.submit(OWNERS[1], &mixed).await, ErrorReason::OwnerMissing);
    assert_eq!(told.len(), 2, "only those that nobody owns: {told:?}");
    for case in &orphans {
        let why = format!(
            "{}: line of business {LOB} has no primary data owner now: assign one",
            case.test_case_id
        );
        assert!(told.contains(&why), "{told:?}");
    }
    unmet(lanes.ask(&orphans[0], ActionType::DocumentRequest).await, ErrorReason::OwnerMissing);
    lanes.submit(OWNERS[1], &owned).await.unwrap();
}

#[tokio::test]
async fn no_document_of_somebody_else() {
    let lanes = Lanes::planned(1).await;
    let (mine, other) = (lanes.cases_of(LOB).await, lanes.cases_of(LOBS[1]).await);
    let both = [mine.as_slice(), other.as_slice()].concat();
    for cases in [&other, &both] {
        let answer = lanes.submit(OWNER, cases).await;
        let status = refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
        let told = format!("{}: you have no active assignment for it", LOBS[1]);
        assert_eq!(faults(&status), [told]);
    }
    let document = lanes.submit(OWNER, &mine).await.unwrap();
    not_the_owner(lanes.revise(OWNERS[1], &document, 8).await);
    let supplement = wire::SubmitDocumentRequest {
        submission_type: wire::SubmissionType::Supplemental.into(),
        supplements_submission_id: document.submission_id,
        ..lanes.submit_request(&[])
    };
    not_the_owner(lanes.data_owner(OWNERS[1]).await.call(supplement).await);
    let action = lanes.ask(&mine[0], ActionType::DataUpdateRequest).await.unwrap();
    not_the_owner(lanes.respond(OWNERS[1], &action).await);
    // Roles do not make an owner.
    not_the_owner(lanes.tester.call(lanes.submit_request(&other)).await);
    not_the_owner(lanes.report_owner.call(lanes.submit_request(&other)).await);
}

#[tokio::test]
async fn a_document_across_lanes_is_of_whoever_owns_them_all() {
    let lanes = Lanes::planned(1).await;
    let backup = wire::AssignmentType::Backup;
    let request = crate::common::charge(&lanes, LOBS[1], OWNER, backup);
    crate::common::assign(&lanes, request).await.unwrap();
    let mut both = lanes.cases_of(LOB).await;
    both.extend(lanes.cases_of(LOBS[1]).await);
    let document = lanes.submit(OWNER, &both).await.unwrap();
    assert_eq!(document.test_cases, 2);
    not_the_owner(lanes.revise(OWNERS[1], &document, 8).await);
    lanes.revise(OWNER, &document, 8).await.unwrap();
}

#[tokio::test]
async fn no_revision_while_a_lane_has_nobody_who_answers_for_it() {
    let lanes = Lanes::planned(1).await;
    let request = crate::common::charge(&lanes, LOB, 301, wire::AssignmentType::Backup);
    crate::common::assign(&lanes, request).await.unwrap();
    let document = lanes.submit(OWNER, &lanes.cases_of(LOB).await).await.unwrap();
    let primary = assignments(&lanes, LOB).await.into_iter().find(|of| of.data_owner_id == OWNER);
    deactivate(&lanes, &primary.unwrap(), "").await.unwrap();
    let told = unmet(lanes.revise(301, &document, 8).await, ErrorReason::OwnerMissing);
    assert_eq!(told, [format!("{LOB}: has no primary data owner now: assign one")]);
}

#[tokio::test]
async fn where_nobody_owns_anything_that_is_what_is_missing() {
    let lanes = Lanes::open().await;
    lanes.plan(&Lanes::cases(1)).await.unwrap();
    let orphans = lanes.cases_of(LOB).await;
    unmet(lanes.submit(OWNER, &orphans).await, ErrorReason::OwnerMissing);
}

#[tokio::test]
async fn no_execution_without_a_document_that_is_current() {
    let lanes = Lanes::planned(3).await;
    let cases = lanes.cases_of(LOB).await;
    let elsewhere = lanes.submit(OWNER, &cases[1..2]).await.unwrap();
    let told = unmet(lanes.start(&cases[0], &elsewhere).await, ErrorReason::EvidenceMissing);
    let of = |id: &str, what: &str| [format!("{id}: {what}")];
    let first = "has no document: have its data owner submit one";
    assert_eq!(told, of(&cases[0].test_case_id, first));

    let old = lanes.submit(OWNER, &cases[..1]).await.unwrap();
    let told = unmet(lanes.start(&cases[0], &elsewhere).await, ErrorReason::EvidenceMissing);
    let what = format!("is no document of test case {}", cases[0].test_case_id);
    assert_eq!(told, of(&elsewhere.submission_id, &what));

    let new = lanes.revise(OWNER, &old, 8).await.unwrap();
    let told = unmet(lanes.start(&cases[0], &old).await, ErrorReason::DocumentState);
    assert_eq!(told, of(&old.submission_id, "is not current any more: a revision took its place"));

    lanes.review(&new, DocumentStatus::Rejected).await.unwrap();
    let told = unmet(lanes.start(&cases[0], &new).await, ErrorReason::EvidenceMissing);
    let what = "was not accepted: have its data owner revise it";
    assert_eq!(told, of(&new.submission_id, what));
    let third = lanes.revise(OWNER, &new, 9).await.unwrap();
    assert_eq!(lanes.start(&cases[0], &third).await.unwrap().number, 1);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn no_execution_of_a_case_whose_owner_went() {
    let lanes = Lanes::planned(1).await;
    let cases = lanes.cases_of(LOB).await;
    let document = lanes.submit(OWNER, &cases).await.unwrap();
    let owned = assignments(&lanes, LOB).await.remove(0);
    deactivate(&lanes, &owned, "").await.unwrap();
    unmet(lanes.start(&cases[0], &document).await, ErrorReason::OwnerMissing);
    lanes.assign(LOB, 150).await.unwrap();
    lanes.start(&cases[0], &document).await.unwrap();
}

#[tokio::test]
async fn one_execution_at_a_time_and_each_is_concluded_once() {
    let lanes = Lanes::planned(1).await;
    let cases = lanes.cases_of(LOB).await;
    let document = lanes.submit(OWNER, &cases).await.unwrap();
    let execution = lanes.start(&cases[0], &document).await.unwrap();
    let told = unmet(lanes.start(&cases[0], &document).await, ErrorReason::ExecutionState);
    let what = "is under way for this test case: conclude it";
    assert_eq!(told, [format!("{}: {what}", execution.execution_id)]);
    let concluded = lanes.conclude(&execution, ExecutionResult::Fail).await.unwrap();
    let told =
        unmet(lanes.conclude(&execution, ExecutionResult::Pass).await, ErrorReason::ExecutionState);
    assert!(told[0].contains("is concluded, and never changes: a rerun is a new execution"));
    let ids = vec![execution.execution_id.clone()];
    let request = wire::BatchGetExecutionsRequest { scope: lanes.whole(), execution_ids: ids };
    assert_eq!(lanes.tester.call(request).await.unwrap().executions, [concluded]);
    assert_eq!(lanes.start(&cases[0], &document).await.unwrap().number, 2);
}

#[tokio::test]
async fn a_request_gets_one_response() {
    let lanes = Lanes::planned(1).await;
    let case = lanes.cases_of(LOB).await.remove(0);
    let action = lanes.ask(&case, ActionType::DocumentRequest).await.unwrap();
    let respond = |status: ResponseStatus, notes: &str| wire::RespondToActionRequest {
        scope: lanes.at(Phase::TEST_EXECUTION),
        action_id: action.action_id.clone(),
        response_status: status.into(),
        response_notes: notes.to_owned(),
        request_id: request_id(),
        ..Default::default()
    };
    let owner = lanes.data_owner(OWNER).await;
    for status in [ResponseStatus::Rejected, ResponseStatus::Partial] {
        let answer = owner.call(respond(status, "")).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["response_notes"]);
    }
    let answered = owner.call(respond(ResponseStatus::Partial, "half of it")).await.unwrap();
    assert_eq!(answered.action.unwrap().responded_by, OWNER);
    let told = unmet(lanes.respond(OWNER, &action).await, ErrorReason::ActionState);
    assert_eq!(told, [format!("{}: has its response: partial", action.action_id)]);
}

#[tokio::test]
async fn nothing_is_begun_for_a_case_that_was_withdrawn() {
    let mut lanes = Lanes::planned(2).await;
    let cases = lanes.cases_of(LOB).await;
    let document = lanes.submit(OWNER, &cases[..1]).await.unwrap();
    let execution = lanes.start(&cases[0], &document).await.unwrap();
    let action = lanes.ask(&cases[0], ActionType::TestRerun).await.unwrap();
    lanes.versions[0] = Uuid::now_v7();
    lanes.plan(&Lanes::cases(2)[2..]).await.unwrap();
    assert_eq!(lanes.case(&cases[0]).await.state(), TestCaseState::Withdrawn);
    for answer in [
        lanes.submit(OWNER, &cases[1..]).await.map(drop),
        lanes.start(&cases[0], &document).await.map(drop),
        lanes.ask(&cases[0], ActionType::TestRerun).await.map(drop),
        lanes.respond(OWNER, &action).await.map(drop),
        lanes.revise(OWNER, &document, 8).await.map(drop),
    ] {
        let told = unmet(answer, ErrorReason::TestCaseState);
        assert!(told[0].contains("withdrawn"), "{told:?}");
    }
    // What is under way ends, and counts for nothing.
    lanes.conclude(&execution, ExecutionResult::Fail).await.unwrap();
    let lane = lanes.lane(LOB).await;
    assert_eq!((lane.cases, lane.executed, lane.open_actions), (0, 0, 0));
    assert_eq!(lanes.seal_all(1).await.execution_ids, Vec::<String>::new());
    // It comes back as it was.
    lanes.versions[0] = Uuid::now_v7();
    lanes.plan(&Lanes::cases(2)).await.unwrap();
    let back = lanes.case(&cases[0]).await;
    assert_eq!((back.state(), back.open_actions), (TestCaseState::Concluded, 1));
    assert_eq!(back.current_submission_id, document.submission_id);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let (lanes, elsewhere) = (Lanes::planned(1).await, Lanes::planned(1).await);
    let cases = lanes.cases_of(LOB).await;
    let theirs = elsewhere.cases_of(LOB).await;
    let document = elsewhere.submit(OWNER, &theirs).await.unwrap();
    let execution = elsewhere.start(&theirs[0], &document).await.unwrap();
    let action = elsewhere.ask(&theirs[0], ActionType::TestRerun).await.unwrap();
    let owned = assignments(&elsewhere, LOB).await.remove(0);
    lanes.submit(OWNER, &cases).await.unwrap();
    for (answer, id) in [
        (lanes.submit(OWNER, &theirs).await.map(drop), &theirs[0].test_case_id),
        (lanes.revise(OWNER, &document, 8).await.map(drop), &document.submission_id),
        (
            lanes.review(&document, DocumentStatus::Accepted).await.map(drop),
            &document.submission_id,
        ),
        (lanes.start(&cases[0], &document).await.map(drop), &document.submission_id),
        (lanes.start(&theirs[0], &document).await.map(drop), &theirs[0].test_case_id),
        (
            lanes.conclude(&execution, ExecutionResult::Pass).await.map(drop),
            &execution.execution_id,
        ),
        (lanes.respond(OWNER, &action).await.map(drop), &action.action_id),
        (lanes.transfer(&owned, 150, "").await.map(drop), &owned.assignment_id),
        (deactivate(&lanes, &owned, "").await.map(drop), &owned.assignment_id),
    ] {
        let status = refusal(answer, Code::NotFound, ErrorReason::NotFound);
        assert_eq!(fields(&status), std::slice::from_ref(id), "{status:?}");
    }
}
