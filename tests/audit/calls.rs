//! Every method of the service, each with a request that says something.

use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1 as gates;
use signoff_contract::workflow::v1::Foundation;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::rpc::{Sent, methods};
use signoff_tests::{Person, build};
use signoff_workflow::{Phase, Role};
use uuid::Uuid;
use wire::{ActionType, AssignmentType};

use crate::common::{assignments, charge};

/// What changes something in a phase of this service, and no gate.
pub(crate) const COMMANDS: [&str; 12] = [
    "AssignDataOwner",
    "DeactivateDataOwner",
    "PlanTestCases",
    "RecordChange",
    "RecordResult",
    "RequestAction",
    "RespondToAction",
    "ReviewDocument",
    "ReviseDocument",
    "StartExecution",
    "SubmitDocument",
    "TransferDataOwner",
];

/// What changes a gate, or the whole workflow.
pub(crate) const GATES: [&str; 9] = [
    "BeginOpen",
    "BeginReopen",
    "CloseWorkflow",
    "Fence",
    "FinishReopen",
    "MarkStale",
    "Open",
    "ReleaseSeal",
    "Seal",
];

/// The paths of all methods of this service, sorted.
pub(crate) fn own_methods() -> Vec<String> {
    let own = |path: &String| {
        path.starts_with("/signoff.audit.") || path.starts_with("/signoff.feed.v1.TrailService/")
    };
    methods().into_iter().filter(own).collect()
}

/// What requests name.
#[derive(Clone, Debug)]
pub(crate) struct Things {
    pub lob: Uuid,
    pub assignment: String,
    /// A test case without a document.
    pub case: String,
    /// A test case with one, which is not being tested.
    pub testable: String,
    pub submission: String,
    /// Under way.
    pub execution: String,
    /// Open.
    pub action: String,
}

impl Things {
    /// Nothing that there is.
    pub(crate) fn nowhere(lob: Uuid) -> Self {
        let id = || Uuid::now_v7().to_string();
        Self {
            lob,
            assignment: id(),
            case: id(),
            testable: id(),
            submission: id(),
            execution: id(),
            action: id(),
        }
    }

    /// Of a lane with three test cases.
    pub(crate) async fn of(lanes: &Lanes, n: usize) -> Self {
        let (lob, owner) = (LOBS[n], OWNERS[n]);
        let cases = lanes.cases_of(lob).await;
        let document = lanes.submit(owner, &cases[1..]).await.unwrap();
        let execution = lanes.start(&cases[2], &document).await.unwrap();
        let action = lanes.ask(&cases[2], ActionType::TestRerun).await.unwrap();
        Self {
            lob,
            assignment: assignments(lanes, lob).await.remove(0).assignment_id,
            case: cases[0].test_case_id.clone(),
            testable: cases[1].test_case_id.clone(),
            submission: document.submission_id,
            execution: execution.execution_id,
            action: action.action_id,
        }
    }
}

/// Somebody's wish.
fn command(lanes: &Lanes, method: &str, of: &Things) -> Sent {
    let (owners, request_id) = (lanes.at(Phase::DATA_OWNER_ID), request_id());
    let (info, tests) = (lanes.at(Phase::REQUEST_INFO), lanes.at(Phase::TEST_EXECUTION));
    let reason = || "why not".to_owned();
    match method {
        "AssignDataOwner" => Sent::of(&charge(lanes, of.lob, 177, AssignmentType::Backup)),
        "TransferDataOwner" => Sent::of(&wire::TransferDataOwnerRequest {
            scope: owners,
            assignment_id: of.assignment.clone(),
            data_owner_id: 178,
            change_reason: reason(),
            request_id,
            ..Default::default()
        }),
        "DeactivateDataOwner" => Sent::of(&wire::DeactivateDataOwnerRequest {
            scope: owners,
            assignment_id: of.assignment.clone(),
            change_reason: reason(),
            request_id,
            ..Default::default()
        }),
        "PlanTestCases" => Sent::of(&lanes.plan_request(&Lanes::cases(4), true)),
        "SubmitDocument" => Sent::of(&wire::SubmitDocumentRequest {
            test_case_ids: vec![of.case.clone()],
            document_metadata: Some(build::object("k", "v")),
            ..lanes.submit_request(&[])
        }),
        "ReviseDocument" => Sent::of(&wire::ReviseDocumentRequest {
            submission_id: of.submission.clone(),
            ..lanes.revise_request(&wire::Document::default(), 9)
        }),
        "ReviewDocument" => Sent::of(&wire::ReviewDocumentRequest {
            scope: info,
            submission_id: of.submission.clone(),
            verdict: wire::DocumentStatus::Rejected.into(),
            notes: reason(),
            request_id,
            ..Default::default()
        }),
        "StartExecution" => Sent::of(&wire::StartExecutionRequest {
            scope: tests,
            test_case_id: of.testable.clone(),
            submission_id: of.submission.clone(),
            request_id,
        }),
        "RecordResult" => Sent::of(&wire::RecordResultRequest {
            scope: tests,
            execution_id: of.execution.clone(),
            result: wire::ExecutionResult::Fail.into(),
            rationale: reason(),
            request_id,
            ..Default::default()
        }),
        "RequestAction" => Sent::of(&wire::RequestActionRequest {
            scope: tests,
            action_type: ActionType::TestRerun.into(),
            test_case_id: of.testable.clone(),
            action_details: Some(build::object("k", "v")),
            request_reason: reason(),
            request_id,
            ..Default::default()
        }),
        "RespondToAction" => Sent::of(&wire::RespondToActionRequest {
            scope: tests,
            action_id: of.action.clone(),
            response_status: wire::ResponseStatus::Rejected.into(),
            response_notes: reason(),
            request_id,
            ..Default::default()
        }),
        "RecordChange" => {
            Sent::of(&lanes.record_request(Phase::DATA_OWNER_ID, build::object("k", "v")))
        }
        other => panic!("{other} is no command"),
    }
}

/// A request of any method that could be done if its things were there; of gates and trails, one
/// that says what it is about and nothing else.
pub(crate) fn request(lanes: &Lanes, path: &str, of: &Things) -> Sent {
    let method = path.rsplit('/').next().unwrap();
    if COMMANDS.contains(&method) {
        return command(lanes, method, of);
    }
    let scope = match method {
        "CloseWorkflow" | "ExportTrail" | "VerifyTrail" => lanes.whole(),
        _ => lanes.at(Phase::DATA_OWNER_ID),
    };
    let bare = Sent::of(&gates::GetPhaseStatusRequest { scope, ..Default::default() });
    let sent = Sent { path: path.to_owned(), ..bare };
    match method {
        "GetAssignmentHistory" => sent.with("assignment_id", &of.assignment),
        "GetDocumentHistory" => sent.with("submission_id", &of.submission),
        "GetLane" => sent.with("lob_id", &of.lob.to_string()),
        _ => sent,
    }
}

/// A change that is ready to be made.
pub(crate) struct Ready {
    /// Where.
    pub lanes: Lanes,
    /// What is sent.
    pub sent: Sent,
    /// Who may send it.
    pub by: i64,
    /// By which role, if by one.
    pub roles: Vec<Role>,
}

impl Ready {
    /// Who may send it.
    pub(crate) async fn sender(&self) -> Person {
        self.lanes.person(self.by, &self.roles).await
    }
}

/// Who makes a change.
pub(crate) fn maker(method: &str) -> (i64, Vec<Role>) {
    match method {
        "SubmitDocument" | "ReviseDocument" | "RespondToAction" => (OWNERS[0], vec![]),
        "PlanTestCases" => (1, vec![Role::Gateway]),
        gate if GATES.contains(&gate) => (1, vec![Role::Gateway]),
        _ => (10, vec![Role::Tester]),
    }
}

/// A change by a method that would be done now.
pub(crate) async fn ready(method: &str) -> Ready {
    let (by, roles) = maker(method);
    let (lanes, sent) = if GATES.contains(&method) {
        gate(method).await
    } else {
        let lanes = Lanes::planned(3).await;
        let things = Things::of(&lanes, 0).await;
        let sent = command(&lanes, method, &things);
        (lanes, sent)
    };
    Ready { lanes, sent, by, roles }
}

async fn gate(method: &str) -> (Lanes, Sent) {
    let unopened = matches!(method, "BeginOpen" | "Open" | "Fence");
    let lanes = if unopened { Lanes::closed().await } else { Lanes::planned(1).await };
    let (scope, id) = (lanes.at(Phase::DATA_OWNER_ID), request_id);
    let begin =
        gates::BeginOpenRequest { scope: scope.clone(), request_id: id(), ..Default::default() };
    let seal = gates::SealRequest {
        scope: lanes.whole(),
        phases: vec![Phase::DATA_OWNER_ID.number()],
        holder: Phase::FINALIZE_TEST_REPORT.number(),
        attempt: 1,
        request_id: id(),
        ..Default::default()
    };
    let reopen = gates::BeginReopenRequest {
        scope: scope.clone(),
        reason: "a sample was forgotten".to_owned(),
        request_id: id(),
    };
    let sent = match method {
        "BeginOpen" => Sent::to_audit(&begin),
        "Open" | "Fence" => {
            let attempt = lanes.gateway.call_audit(begin).await.unwrap().attempt;
            let on = Foundation {
                phase: Phase::SAMPLE_SELECTION.number(),
                version_id: lanes.versions[2].to_string(),
                trail_head: None,
            };
            if method == "Fence" {
                Sent::to_audit(&gates::FenceRequest { scope, attempt, request_id: id() })
            } else {
                let rests_on = vec![on];
                Sent::to_audit(&gates::OpenRequest { scope, attempt, rests_on, request_id: id() })
            }
        }
        "Seal" => Sent::to_audit(&seal),
        "ReleaseSeal" => {
            let (holder, up_to_attempt) = (seal.holder, seal.attempt);
            assert_eq!(lanes.gateway.call_audit(seal).await.unwrap().unmet, []);
            let request_id = id();
            Sent::to_audit(&gates::ReleaseSealRequest { scope, holder, up_to_attempt, request_id })
        }
        "BeginReopen" => Sent::to_audit(&reopen),
        "FinishReopen" => {
            let reopening = lanes.gateway.call_audit(reopen).await.unwrap().reopening;
            Sent::to_audit(&gates::FinishReopenRequest { scope, reopening, request_id: id() })
        }
        "MarkStale" => Sent::to_audit(&gates::MarkStaleRequest {
            scope,
            because: Phase::SAMPLE_SELECTION.number(),
            reopening: 1,
            request_id: id(),
        }),
        "CloseWorkflow" => Sent::to_audit(&gates::CloseWorkflowRequest {
            scope: lanes.whole(),
            reason: "the cycle is over".to_owned(),
            request_id: id(),
        }),
        other => panic!("{other} is no gate"),
    };
    (lanes, sent)
}
