//! The gates of the three phases, as in the other service: a walk through all of them.

use shared::{ErrorReason, Foundation, PhaseState};
use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1 as gates;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_workflow::Phase;
use tonic::{Code, Status};
use uuid::Uuid;
use wire::{DocumentStatus, ExecutionResult};

use crate::common::{trail, unmet};

const OWNERS_PHASE: Phase = Phase::DATA_OWNER_ID;
const REPORT: Phase = Phase::FINALIZE_TEST_REPORT;

async fn begin(lanes: &Lanes, phase: Phase, reaffirm: bool) -> Result<i64, Status> {
    let request =
        gates::BeginOpenRequest { scope: lanes.at(phase), reaffirm, request_id: request_id() };
    Ok(lanes.gateway.call_audit(request).await?.attempt)
}

async fn open(
    lanes: &Lanes,
    phase: Phase,
    attempt: i64,
    on: &[Phase],
) -> Result<shared::PhaseStatus, Status> {
    let foundation = |phase: &Phase| Foundation { phase: phase.number(), ..Default::default() };
    let request = gates::OpenRequest {
        scope: lanes.at(phase),
        attempt,
        rests_on: on.iter().map(foundation).collect(),
        request_id: request_id(),
    };
    Ok(lanes.gateway.call_audit(request).await?.phase_status.unwrap())
}

async fn fence(lanes: &Lanes, phase: Phase, attempt: i64) -> bool {
    let request = gates::FenceRequest { scope: lanes.at(phase), attempt, request_id: request_id() };
    lanes.gateway.call_audit(request).await.unwrap().dead
}

async fn release(lanes: &Lanes, phase: Phase, holder: Phase, up_to_attempt: i64) {
    let request = gates::ReleaseSealRequest {
        scope: lanes.at(phase),
        holder: holder.number(),
        up_to_attempt,
        request_id: request_id(),
    };
    lanes.gateway.call_audit(request).await.unwrap();
}

async fn begin_reopen(lanes: &Lanes, phase: Phase) -> Result<i64, Status> {
    let request = gates::BeginReopenRequest {
        scope: lanes.at(phase),
        reason: "an owner was forgotten".to_owned(),
        request_id: request_id(),
    };
    Ok(lanes.gateway.call_audit(request).await?.reopening)
}

async fn mark_stale(lanes: &Lanes, phase: Phase, because: Phase, reopening: i64) -> bool {
    let request = gates::MarkStaleRequest {
        scope: lanes.at(phase),
        because: because.number(),
        reopening,
        request_id: request_id(),
    };
    lanes.gateway.call_audit(request).await.unwrap().phase_status.unwrap().stale
}

async fn finish_reopen(lanes: &Lanes, phase: Phase, reopening: i64) -> shared::PhaseStatus {
    let request =
        gates::FinishReopenRequest { scope: lanes.at(phase), reopening, request_id: request_id() };
    lanes.gateway.call_audit(request).await.unwrap().phase_status.unwrap()
}

/// Everything is owned, submitted, accepted and passed.
async fn done() -> Lanes {
    let lanes = Lanes::planned(1).await;
    for (lob, owner) in LOBS.into_iter().zip(OWNERS) {
        let cases = lanes.cases_of(lob).await;
        let document = lanes.submit(owner, &cases).await.unwrap();
        lanes.review(&document, DocumentStatus::Accepted).await.unwrap();
        lanes.test(&cases[0], &document, ExecutionResult::Pass).await;
    }
    lanes
}

#[tokio::test]
async fn a_phase_opens_by_its_current_attempt_on_exactly_what_it_rests_on() {
    let lanes = Lanes::closed().await;
    let new = lanes.status(OWNERS_PHASE).await;
    assert_eq!((new.state(), new.attempt, new.phase), (PhaseState::NotStarted, 0, 5));
    assert_eq!(new.versioning_type(), shared::VersioningType::AuditOnly);
    assert!(!new.approval_required);
    assert_eq!(begin(&lanes, OWNERS_PHASE, false).await.unwrap(), 1);
    assert_eq!(begin(&lanes, OWNERS_PHASE, false).await.unwrap(), 2);
    let samples = [Phase::SAMPLE_SELECTION];
    let late = open(&lanes, OWNERS_PHASE, 1, &samples).await;
    refusal(late, Code::FailedPrecondition, ErrorReason::AttemptSuperseded);
    for wrong in [&[][..], &[Phase::SCOPING], &[Phase::SAMPLE_SELECTION, Phase::SCOPING]] {
        let answer = open(&lanes, OWNERS_PHASE, 2, wrong).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert!(fields(&status).iter().all(|field| field == "rests_on"), "{wrong:?}");
    }
    assert!(fence(&lanes, OWNERS_PHASE, 2).await);
    let fenced = open(&lanes, OWNERS_PHASE, 2, &samples).await;
    refusal(fenced, Code::FailedPrecondition, ErrorReason::AttemptSuperseded);
    let next = begin(&lanes, OWNERS_PHASE, false).await.unwrap();
    assert!(next > 2);
    let opened = open(&lanes, OWNERS_PHASE, next, &samples).await.unwrap();
    assert_eq!((opened.state(), opened.started_by), (PhaseState::InProgress, 1));
    assert!(!fence(&lanes, OWNERS_PHASE, next).await, "it lives");
    let again = begin(&lanes, OWNERS_PHASE, false).await;
    refusal(again, Code::FailedPrecondition, ErrorReason::PhaseAlreadyOpen);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn phases_are_sealed_together_or_not_at_all_and_released() {
    let lanes = Lanes::planned(1).await;
    let refused = lanes.seal_all(1).await;
    assert_eq!(refused.rests_on, []);
    let phases: Vec<i32> = refused.unmet.iter().map(|of| of.phase).collect();
    assert!(phases.iter().all(|phase| [6, 7].contains(phase)), "owners are identified: {phases:?}");
    assert_eq!(lanes.status(OWNERS_PHASE).await.state(), PhaseState::Complete, "not sealed");

    let lanes = done().await;
    let sealed = lanes.seal_all(3).await;
    assert_eq!((sealed.unmet.len(), sealed.rests_on.len()), (0, 3));
    assert!(sealed.rests_on.iter().all(|of| of.trail_head.is_some() && of.version_id.is_empty()));
    for phase in [OWNERS_PHASE, Phase::REQUEST_INFO, Phase::TEST_EXECUTION] {
        let status = lanes.status(phase).await;
        assert_eq!(status.state(), PhaseState::Sealed);
        assert_eq!(status.holders, [shared::Holder { phase: REPORT.number(), attempt: 3 }]);
    }
    let cases = lanes.cases_of(LOBS[0]).await;
    unmet(lanes.assign(Uuid::now_v7(), 150).await, ErrorReason::PhaseSealed);
    unmet(lanes.plan(&Lanes::cases(2)).await, ErrorReason::PhaseSealed);
    unmet(lanes.submit(OWNERS[0], &cases).await, ErrorReason::PhaseSealed);
    let ask = lanes.ask(&cases[0], wire::ActionType::TestRerun).await;
    unmet(ask, ErrorReason::PhaseSealed);
    release(&lanes, Phase::TEST_EXECUTION, REPORT, 2).await;
    assert_eq!(lanes.status(Phase::TEST_EXECUTION).await.state(), PhaseState::Sealed);
    release(&lanes, Phase::TEST_EXECUTION, REPORT, 3).await;
    lanes.ask(&cases[0], wire::ActionType::TestRerun).await.unwrap();
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_phase_is_reopened_and_what_rests_on_it_reaffirmed() {
    let lanes = done().await;
    lanes.seal_all(1).await;
    let reopening = begin_reopen(&lanes, OWNERS_PHASE).await.unwrap();
    assert_eq!(reopening, 1);
    assert_eq!(begin_reopen(&lanes, OWNERS_PHASE).await.unwrap(), 1, "joined");
    unmet(lanes.assign(Uuid::now_v7(), 150).await, ErrorReason::PhaseReopening);
    unmet(lanes.plan(&Lanes::cases(1)).await, ErrorReason::PhaseReopening);
    for phase in [Phase::REQUEST_INFO, Phase::TEST_EXECUTION] {
        assert!(mark_stale(&lanes, phase, OWNERS_PHASE, 1).await);
    }
    let stale = begin_reopen(&lanes, Phase::REQUEST_INFO).await;
    refusal(stale, Code::FailedPrecondition, ErrorReason::PhaseStale);
    let free = finish_reopen(&lanes, OWNERS_PHASE, 9).await;
    assert_eq!(free.reopening, 1, "another reopening");
    let free = finish_reopen(&lanes, OWNERS_PHASE, 1).await;
    assert_eq!((free.reopening, free.holders.len()), (0, 0));

    lanes.assign(Uuid::now_v7(), 150).await.unwrap();
    let cases = lanes.cases_of(LOBS[0]).await;
    unmet(lanes.submit(OWNERS[0], &cases).await, ErrorReason::PhaseStale);
    unmet(lanes.ask(&cases[0], wire::ActionType::TestRerun).await, ErrorReason::PhaseStale);
    for phase in [Phase::REQUEST_INFO, Phase::TEST_EXECUTION] {
        refusal(
            begin(&lanes, phase, false).await,
            Code::FailedPrecondition,
            ErrorReason::PhaseStale,
        );
        lanes.open_phase(phase).await;
        assert!(!lanes.status(phase).await.stale);
    }
    // The report's hold is released by whoever learned there that it is dead.
    unmet(lanes.ask(&cases[0], wire::ActionType::TestRerun).await, ErrorReason::PhaseSealed);
    release(&lanes, Phase::TEST_EXECUTION, REPORT, 1).await;
    lanes.ask(&cases[0], wire::ActionType::TestRerun).await.unwrap();
    let actions: Vec<String> = trail(&lanes).await.into_iter().map(|of| of.action).collect();
    for action in ["phase.reopen_begun", "phase.marked_stale", "phase.reopened", "phase.sealed"] {
        assert!(actions.iter().any(|of| of == action), "{action}");
    }
    lanes.expect_intact().await;
}

#[tokio::test]
async fn what_was_not_opened_is_neither_reopened_nor_sealed() {
    let lanes = Lanes::closed().await;
    let answer = begin_reopen(&lanes, OWNERS_PHASE).await;
    refusal(answer, Code::FailedPrecondition, ErrorReason::PhaseNotStarted);
    let refused = lanes.seal_all(1).await;
    assert!(refused.rests_on.is_empty() && refused.unmet.len() >= 3);
    let not_started = refused.unmet.iter().filter(|of| of.of_gate).map(|of| of.phase);
    assert_eq!(not_started.collect::<Vec<_>>(), [5, 6, 7], "and no plan, which no gate tells");
    assert!(!mark_stale(&lanes, OWNERS_PHASE, Phase::SAMPLE_SELECTION, 1).await);
}

#[tokio::test]
async fn phases_of_the_other_service_are_not_served() {
    let lanes = Lanes::open().await;
    for phase in [Phase::PLANNING, Phase::SAMPLE_SELECTION, Phase::OBSERVATION_MANAGEMENT, REPORT] {
        let answer = begin(&lanes, phase, false).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["scope.phase"]);
        let request = gates::GetPhaseStatusRequest { scope: lanes.at(phase), ..Default::default() };
        let status = refusal(
            lanes.tester.call_audit(request).await,
            Code::InvalidArgument,
            ErrorReason::ValidationFailed,
        );
        assert_eq!(fields(&status), ["scope.phase"]);
    }
}
