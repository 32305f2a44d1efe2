//! A lane from its owner to its last result.

use signoff_contract::audit::v1 as wire;
use signoff_contract::workflow::v1::PhaseState;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_workflow::Phase;
use wire::{ActionType, DocumentStatus, ExecutionResult, TestCaseState};

#[tokio::test]
async fn a_lane_goes_from_its_owner_to_its_last_result() {
    let lanes = Lanes::planned(2).await;
    let (lob, owner) = (LOBS[0], OWNERS[0]);
    let cases = lanes.cases_of(lob).await;
    assert_eq!(cases.len(), 2);
    assert_eq!(cases[0].state(), TestCaseState::AwaitingEvidence);

    let document = lanes.submit(owner, &cases).await.unwrap();
    assert_eq!((document.document_version, document.test_cases), (1, 2));
    assert_eq!(lanes.case(&cases[0]).await.state(), TestCaseState::EvidenceSubmitted);
    let document = lanes.review(&document, DocumentStatus::Accepted).await.unwrap();
    assert_eq!((document.status(), document.reviewed_by), (DocumentStatus::Accepted, 10));

    let execution = lanes.start(&cases[0], &document).await.unwrap();
    assert_eq!(lanes.case(&cases[0]).await.state(), TestCaseState::InTest);
    let execution = lanes.conclude(&execution, ExecutionResult::Fail).await.unwrap();
    assert_eq!((execution.number, execution.stale), (1, false));
    let case = lanes.case(&cases[0]).await;
    assert_eq!((case.state(), case.result()), (TestCaseState::Concluded, ExecutionResult::Fail));

    let action = lanes.ask(&cases[0], ActionType::TestRerun).await.unwrap();
    assert_eq!(lanes.lane(lob).await.open_actions, 1);
    let action = lanes.respond(owner, &action).await.unwrap();
    assert!(action.turnaround_time_hours > 0.0 && action.turnaround_time_hours < 1.0);

    let revised = lanes.revise(owner, &document, 8).await.unwrap();
    assert_eq!((revised.document_version, revised.is_current), (2, true));
    let case = lanes.case(&cases[0]).await;
    assert_eq!((case.state(), case.stale), (TestCaseState::EvidenceSubmitted, true));
    let revised = lanes.review(&revised, DocumentStatus::Accepted).await.unwrap();
    let rerun = lanes.test(&cases[0], &revised, ExecutionResult::Pass).await;
    assert_eq!(rerun.number, 2);
    lanes.test(&cases[1], &revised, ExecutionResult::Pass).await;

    let lane = lanes.lane(lob).await;
    assert_eq!((lane.cases, lane.accepted, lane.concluded, lane.to_observe), (2, 2, 2, 0));
    assert!(lane.complete, "{:?}", lane.unmet);
    assert_eq!(lane.owner.unwrap().data_owner_id, owner);
    let status = lanes.status(Phase::TEST_EXECUTION).await;
    assert_eq!(status.state(), PhaseState::InProgress);
    assert_eq!(status.progress.map(|of| (of.done, of.total)), Some((2, 6)));
    assert_eq!(status.unmet.len(), 2, "{:?}", status.unmet);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn when_all_lanes_are_done_the_phases_can_be_sealed() {
    let lanes = Lanes::planned(1).await;
    assert!(!lanes.seal_all(1).await.unmet.is_empty());
    let mut failed = Vec::new();
    for (n, (lob, owner)) in LOBS.into_iter().zip(OWNERS).enumerate() {
        let cases = lanes.cases_of(lob).await;
        let document = lanes.submit(owner, &cases).await.unwrap();
        lanes.review(&document, DocumentStatus::Accepted).await.unwrap();
        let result = [ExecutionResult::Pass, ExecutionResult::Fail, ExecutionResult::Inconclusive];
        let execution = lanes.test(&cases[0], &document, result[n]).await;
        if result[n] != ExecutionResult::Pass {
            failed.push(execution.execution_id);
        }
    }
    for phase in [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION] {
        let status = lanes.status(phase).await;
        assert_eq!(status.state(), PhaseState::Complete, "{:?}", status.unmet);
        assert!(status.completed_at.is_some());
    }
    let sealed = lanes.seal_all(1).await;
    assert_eq!(sealed.unmet, []);
    assert_eq!(sealed.rests_on.len(), 3);
    let mut handed_on = sealed.execution_ids;
    handed_on.sort();
    failed.sort();
    assert_eq!(handed_on, failed);
    assert_eq!(lanes.status(Phase::REQUEST_INFO).await.state(), PhaseState::Sealed);
    lanes.expect_intact().await;
}
