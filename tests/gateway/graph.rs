//! What must be there before a phase starts, and what starts one.

use signoff_contract::audit::v1 as audit;
use signoff_contract::feed::v1::Source;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::versioning::v1 as versions;
use signoff_contract::workflow::v1::{ErrorReason, PhaseState};
use signoff_tests::lanes::{LOBS, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal, unmet};
use signoff_tests::{House, Office, build};
use signoff_workflow::Phase;
use tonic::{Code, Status};
use wire::GateCommand;

/// Expects that something is missing, and gives what: `subject: what`.
#[track_caller]
fn missing<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let refused = refusal(answer, Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);
    unmet(&refused).into_iter().map(|(subject, what)| format!("{subject}: {what}")).collect()
}

async fn is_started(office: &Office, phase: Phase) -> bool {
    office.status(phase).await.started_at.is_some()
}

#[tokio::test]
async fn each_phase_waits_for_the_one_before_it_and_says_so() {
    let office = Office::of(House::shared().await).await;
    let expected: [(Phase, &[&str]); 7] = [
        (Phase::DATA_PROFILING, &["planning: Planning has not been started: start it"]),
        (Phase::SCOPING, &["data_profiling: Data Profiling has not been started: start it"]),
        (Phase::SAMPLE_SELECTION, &["scoping: Scoping has not been started: start it"]),
        (
            Phase::DATA_OWNER_ID,
            &["sample_selection: Sample Selection has not been started: start it"],
        ),
        (Phase::REQUEST_INFO, &["data_owner_id: Data Owner ID has not been started: start it"]),
        (Phase::TEST_EXECUTION, &["request_info: Request Info has not been started: start it"]),
        (
            Phase::OBSERVATION_MANAGEMENT,
            &["test_execution: Test Execution has not been started: start it"],
        ),
    ];
    for (phase, says) in expected {
        assert_eq!(missing(office.start(phase).await), says);
        assert!(!is_started(&office, phase).await);
    }
    let all = missing(office.start(Phase::FINALIZE_TEST_REPORT).await);
    assert_eq!(
        all,
        [
            "data_owner_id: Data Owner ID has not been started: start it",
            "request_info: Request Info has not been started: start it",
            "test_execution: Test Execution has not been started: start it",
        ]
    );

    office.start(Phase::PLANNING).await.unwrap();
    assert_eq!(
        missing(office.start(Phase::DATA_PROFILING).await),
        ["planning: Planning is not complete: Planning has no approved version: approve one"]
    );
    office.complete(Phase::PLANNING).await;
    let started = office.start(Phase::DATA_PROFILING).await.unwrap();
    assert_eq!((started.state(), started.started_by), (PhaseState::InProgress, 10));
    assert_eq!(office.status(Phase::PLANNING).await.state(), PhaseState::Sealed);
}

#[tokio::test]
async fn finalizing_says_everything_that_is_missing_at_once() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::SAMPLE_SELECTION).await;
    for (lob, owner) in LOBS.into_iter().take(2).zip(OWNERS) {
        office.lanes.assign(lob, owner).await.unwrap();
    }
    office.plan().await.unwrap();
    let cases = office.lanes.cases_of(LOBS[0]).await;
    let document = office.lanes.submit(OWNERS[0], &cases).await.unwrap();
    office.lanes.review(&document, audit::DocumentStatus::Accepted).await.unwrap();
    let case = office.lanes.case(&cases[0]).await;
    office.test_case(&case, audit::ExecutionResult::Fail).await;

    let all = missing(office.start(Phase::FINALIZE_TEST_REPORT).await);
    let says = |phase: &str, what: &str| {
        let found = all.iter().filter(|one| one.contains(phase) && one.contains(what)).count();
        assert!(found > 0, "{phase}, {what}: {all:#?}");
    };
    says("Data Owner ID", "no");
    says("Request Info", "document");
    says("Test Execution", "");
    says("Observation Management", "");
    let explained = office.explain(Phase::FINALIZE_TEST_REPORT, GateCommand::Start).await;
    assert!(!explained.allowed);
    let explained: Vec<String> =
        explained.unmet.iter().map(|of| format!("{}: {}", of.subject, of.what)).collect();
    assert_eq!(explained, all);
}

#[tokio::test]
async fn lanes_feed_the_phases_that_run_lane_by_lane() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::SAMPLE_SELECTION).await;
    office.plan().await.unwrap();
    let waits = missing(office.start(Phase::REQUEST_INFO).await);
    assert_eq!(waits.len(), LOBS.len());
    let first = format!("{}: Data Owner ID: line of business {0} has no data owner", LOBS[0]);
    assert!(waits[0].starts_with(&first), "{waits:?}");
    // One lane is enough.
    office.lanes.assign(LOBS[1], OWNERS[1]).await.unwrap();
    let cases = office.lanes.cases_of(LOBS[1]).await;
    let waits = missing(office.start(Phase::TEST_EXECUTION).await);
    assert_eq!(waits, ["request_info: Request Info has not been started: start it"]);
    let document = office.lanes.submit(OWNERS[1], &cases).await.unwrap();
    let opened = office.status(Phase::REQUEST_INFO).await;
    assert_eq!(opened.started_by, OWNERS[1], "the data owner's document started it");
    office.lanes.review(&document, audit::DocumentStatus::Accepted).await.unwrap();
    let waits = missing(office.start(Phase::OBSERVATION_MANAGEMENT).await);
    assert_eq!(waits, ["test_execution: Test Execution has not been started: start it"]);
    let case = office.lanes.case(&cases[0]).await;
    office.test_case(&case, audit::ExecutionResult::Fail).await;
    assert_eq!(office.status(Phase::TEST_EXECUTION).await.started_by, 10);
    office.start(Phase::OBSERVATION_MANAGEMENT).await.unwrap();
}

#[tokio::test]
async fn the_first_change_starts_a_phase() {
    let office = Office::of(House::shared().await).await;
    for phase in [Phase::PLANNING, Phase::DATA_PROFILING, Phase::SCOPING, Phase::SAMPLE_SELECTION] {
        assert!(!is_started(&office, phase).await);
        office.complete(phase).await;
        assert!(is_started(&office, phase).await);
    }
    // A record in a form of one's own, too.
    let note = build::object("note", "called the branch");
    office.lanes.record(Phase::DATA_OWNER_ID, note).await.unwrap();
    assert!(is_started(&office, Phase::DATA_OWNER_ID).await);
    office.complete(Phase::DATA_OWNER_ID).await;
    office.complete(Phase::REQUEST_INFO).await;
    // A request to a data owner is the first thing that happens in Test Execution.
    let case = office.lanes.cases_of(LOBS[0]).await.remove(0);
    office.lanes.ask(&case, audit::ActionType::DocumentRequest).await.unwrap();
    assert!(is_started(&office, Phase::TEST_EXECUTION).await);
    // What is opened was opened for somebody, by the gateway.
    for source in [Source::Versioning, Source::Audit] {
        for record in office.trail(source).await {
            if record.action == "phase.opened" {
                assert_eq!(record.acting_service, "signoff-gateway");
                assert_ne!(record.actor_user_id, 1, "{record:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_assignment_starts_data_owner_id() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::SAMPLE_SELECTION).await;
    office.lanes.assign(LOBS[0], OWNERS[0]).await.unwrap();
    assert_eq!(office.status(Phase::DATA_OWNER_ID).await.started_by, 10);
}

#[tokio::test]
async fn only_whom_the_backend_let_pass_starts_a_phase() {
    let house = House::shared().await;
    let office = Office::of(house).await;
    office.through(Phase::DATA_OWNER_ID).await;
    let cases = office.lanes.cases_of(LOBS[0]).await;
    // Somebody, and the owner of another lane.
    for outsider in [777, OWNERS[1]] {
        let refused = office.lanes.submit(outsider, &cases).await;
        refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
        assert!(!is_started(&office, Phase::REQUEST_INFO).await, "{outsider} started it");
    }
    // Whoever has another role on the report does not submit documents either.
    let submit = office.lanes.submit_request(&cases);
    for person in [office.tester(), office.owner(), &office.executive] {
        let refused = person.call(submit.clone()).await;
        refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
    assert!(!is_started(&office, Phase::REQUEST_INFO).await);
    let trail = office.trail(Source::Audit).await;
    let begun = |record: &&signoff_contract::feed::v1::TrailRecord| {
        record.phase == Phase::REQUEST_INFO.number()
    };
    assert_eq!(trail.iter().filter(begun).count(), 0);
    office.lanes.submit(OWNERS[0], &cases).await.unwrap();
    assert!(is_started(&office, Phase::REQUEST_INFO).await);
}

#[tokio::test]
async fn a_change_that_is_refused_for_its_fields_starts_nothing() {
    let office = Office::of(House::shared().await).await;
    let create = versions::CreateVersionRequest {
        scope: Some(office.here(Phase::PLANNING)),
        decisions: build::items(Phase::DATA_PROFILING, 0..1),
        request_id: request_id(),
        ..Default::default()
    };
    let refused = refusal(
        office.tester().call(create.clone()).await,
        Code::InvalidArgument,
        ErrorReason::ValidationFailed,
    );
    assert!(!fields(&refused).is_empty());
    let nameless = versions::CreateVersionRequest { request_id: String::new(), ..create };
    let refused = office.tester().call(nameless).await;
    refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert!(!is_started(&office, Phase::PLANNING).await);

    office.through(Phase::DATA_OWNER_ID).await;
    let cases = office.lanes.cases_of(LOBS[0]).await;
    let good = office.lanes.submit_request(&cases);
    let bad = audit::SubmitDocumentRequest { sha256: vec![1, 2], ..good.clone() };
    let owner = office.lanes.data_owner(OWNERS[0]).await;
    refusal(owner.call(bad).await, Code::InvalidArgument, ErrorReason::ValidationFailed);
    let bad = audit::SubmitDocumentRequest { file_name: String::new(), ..good };
    refusal(owner.call(bad).await, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert!(!is_started(&office, Phase::REQUEST_INFO).await);
}

#[tokio::test]
async fn a_report_whose_tests_all_pass_needs_no_observation() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::TEST_EXECUTION).await;
    let before = office.board().await;
    let observed = &before.phases[7];
    assert_eq!(observed.state(), PhaseState::Complete, "there is nothing to observe");
    let started = office.start(Phase::FINALIZE_TEST_REPORT).await.unwrap();
    assert_eq!(started.rests_on.len(), 4);
    let observed = office.status(Phase::OBSERVATION_MANAGEMENT).await;
    assert!(observed.started_at.is_none());
    assert_eq!(observed.state(), PhaseState::Sealed);
    // What was rested on unstarted cannot be started under the report.
    let late = office.start(Phase::OBSERVATION_MANAGEMENT).await;
    let late = missing(late);
    assert!(late[0].contains("Finalize Test Report rests on it: reopen it"), "{late:?}");
}

#[tokio::test]
async fn a_test_that_failed_needs_its_observation() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::REQUEST_INFO).await;
    let case = office.lanes.cases_of(LOBS[0]).await.remove(0);
    office.test_case(&case, audit::ExecutionResult::Fail).await;
    office.test(audit::ExecutionResult::Pass).await;
    let execution = office.lanes.case(&case).await.latest_execution_id;
    let waits = missing(office.start(Phase::FINALIZE_TEST_REPORT).await);
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert!(waits[0].contains("Observation Management"), "{waits:?}");
    assert!(waits[0].contains(&execution), "{waits:?}");

    let observed = vec![build::observed("observation-1", &[execution])];
    office.approve(Phase::OBSERVATION_MANAGEMENT, observed).await;
    office.start(Phase::FINALIZE_TEST_REPORT).await.unwrap();
}

#[tokio::test]
async fn the_board_and_the_explanation_agree() {
    let office = Office::of(House::shared().await).await;
    agree(&office).await;
    for number in 1..=7 {
        office.complete(Phase::new(number)).await;
        if [1, 4, 5, 6].contains(&number) {
            agree(&office).await;
        }
    }
    office.start(Phase::FINALIZE_TEST_REPORT).await.unwrap();
    agree(&office).await;
    office.reopen(Phase::SCOPING).await.unwrap();
    agree(&office).await;
    office.reopen(Phase::PLANNING).await.unwrap();
    agree(&office).await;
}

/// Expects that what the board allows is what the explanation allows, and for the same reasons.
async fn agree(office: &Office) {
    let all = [GateCommand::Start, GateCommand::Change, GateCommand::Reopen, GateCommand::Reaffirm];
    for step in office.board().await.steps {
        let phase = Phase::new(step.phase);
        let next = office.explain(phase, GateCommand::Unspecified).await;
        assert_eq!(next.command, step.next, "phase {}", step.phase);
        assert_eq!(next.unmet, step.unmet, "phase {}", step.phase);
        for command in all {
            let explained = office.explain(phase, command).await;
            let allowed = step.allowed.contains(&command.into());
            assert_eq!(explained.allowed, allowed, "phase {}, {command:?}", step.phase);
            assert_eq!(explained.unmet.is_empty(), allowed);
        }
    }
}
