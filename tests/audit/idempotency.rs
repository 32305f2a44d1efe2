//! The same request again gives the first answer, and is done once; and no change is made where the
//! gate is closed.

use prost_reflect::Value;
use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1 as gates;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::Sent;
use signoff_workflow::Phase;
use tonic::Code;

use crate::calls::{COMMANDS, GATES, Things, maker, own_methods, ready, request};
use crate::common::trail;

const NIL: &str = "00000000-0000-0000-0000-000000000000";

fn all() -> impl Iterator<Item = &'static str> {
    COMMANDS.into_iter().chain(GATES)
}

/// The same request with another content.
fn otherwise(sent: &Sent) -> Sent {
    match sent.method() {
        "BeginOpen" => sent.with_value("reaffirm", Value::Bool(true)),
        "Fence" | "Open" | "Seal" => sent.with_value("attempt", Value::I64(9)),
        "ReleaseSeal" => sent.with_value("up_to_attempt", Value::I64(9)),
        "BeginReopen" | "CloseWorkflow" | "RecordChange" => sent.with("reason", "other"),
        "FinishReopen" | "MarkStale" => sent.with_value("reopening", Value::I64(9)),
        "AssignDataOwner" => sent.with_value("data_owner_id", Value::I64(200)),
        "PlanTestCases" => sent.with_value("last", Value::Bool(false)),
        "StartExecution" => sent.with("test_case_id", &request_id()),
        "RequestAction" => sent.with("request_reason", "other"),
        "SubmitDocument" => sent.with("file_name", "other.pdf"),
        _ => sent.with("etag", "99"),
    }
}

#[test]
fn the_tables_name_every_change() {
    let mut named: Vec<&str> = all().collect();
    named.sort_unstable();
    let changing = |path: &String| Sent { path: path.clone(), bytes: Vec::new() }.has("request_id");
    let paths = own_methods();
    let mut methods: Vec<&str> = paths
        .iter()
        .filter(|path| changing(path))
        .map(|path| path.rsplit('/').next().unwrap())
        .collect();
    methods.sort_unstable();
    assert_eq!(named, methods);
}

#[tokio::test]
async fn the_same_request_gives_the_same_answer_and_is_done_once() {
    for method in all() {
        let ready = ready(method).await;
        let (sender, lanes) = (ready.sender().await, &ready.lanes);
        let before = trail(lanes).await.len();
        let first = sender.send(&ready.sent).await.unwrap_or_else(|e| panic!("{method}: {e:?}"));
        let after = trail(lanes).await;
        let fence_of_one_that_lives = method == "Fence";
        assert!(after.len() == before + 1 || fence_of_one_that_lives, "{method}: one record");
        let history = lanes.changes(wire::ListChangesRequest::default()).await;
        for _ in 0..2 {
            assert_eq!(sender.send(&ready.sent).await.unwrap(), first, "{method}");
        }
        assert_eq!(trail(lanes).await, after, "{method}");
        assert_eq!(lanes.changes(wire::ListChangesRequest::default()).await, history, "{method}");

        // Another content, or somebody else.
        let somebody_else = lanes.person(77, &ready.roles).await;
        for answer in
            [sender.send(&otherwise(&ready.sent)).await, somebody_else.send(&ready.sent).await]
        {
            let status = refusal(answer, Code::InvalidArgument, ErrorReason::RequestIdReused);
            assert_eq!(fields(&status), ["request_id"], "{method}");
        }
        assert_eq!(trail(lanes).await, after, "{method}");
        lanes.expect_intact().await;
    }
}

#[tokio::test]
async fn every_change_needs_an_id_that_is_a_uuid() {
    for method in all() {
        let ready = ready(method).await;
        let (sender, records) = (ready.sender().await, trail(&ready.lanes).await.len());
        for wrong in ["", "1", "018f4d2e7c1a7b3e9a550c6a2f1e4b77", NIL] {
            let answer = sender.send(&ready.sent.with("request_id", wrong)).await;
            let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
            assert_eq!(fields(&status), ["request_id"], "{method}: {wrong:?}");
        }
        assert_eq!(trail(&ready.lanes).await.len(), records, "{method}");
        sender.send(&ready.sent).await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_request_is_not_remembered() {
    let lanes = Lanes::planned(2).await;
    let cases = lanes.cases_of(LOBS[0]).await;
    lanes.submit(OWNERS[0], &cases[..1]).await.unwrap();
    let owner = lanes.data_owner(OWNERS[0]).await;
    let mut request = lanes.submit_request(&cases[..1]);
    owner.call(request.clone()).await.unwrap_err();
    request.test_case_ids = vec![cases[1].test_case_id.clone()];
    owner.call(request).await.unwrap();
}

/// Expects that no command is taken, and nothing happens.
async fn closed(lanes: &Lanes, of: &[&str], reason: ErrorReason) {
    let things = Things::nowhere(LOBS[0]);
    let before = trail(lanes).await;
    for method in of {
        let paths = own_methods();
        let path = paths.iter().find(|path| path.ends_with(&format!("/{method}"))).unwrap();
        let (by, roles) = maker(method);
        let answer = lanes.person(by, &roles).await.send(&request(lanes, path, &things)).await;
        assert!(answer.is_err(), "{method}");
        refusal(answer, Code::FailedPrecondition, reason);
    }
    assert_eq!(trail(lanes).await, before);
}

const OF_OWNERS: [&str; 4] =
    ["AssignDataOwner", "DeactivateDataOwner", "RecordChange", "TransferDataOwner"];
const OF_LATER: [&str; 7] = [
    "RecordResult",
    "RequestAction",
    "RespondToAction",
    "ReviewDocument",
    "ReviseDocument",
    "StartExecution",
    "SubmitDocument",
];

#[tokio::test]
async fn a_phase_that_was_not_opened_takes_no_change() {
    let lanes = Lanes::closed().await;
    closed(&lanes, &OF_OWNERS, ErrorReason::PhaseNotStarted).await;
    closed(&lanes, &["PlanTestCases"], ErrorReason::PhaseNotStarted).await;
    lanes.open_phase(Phase::DATA_OWNER_ID).await;
    lanes.assign(LOBS[0], OWNERS[0]).await.unwrap();
    lanes.plan(&Lanes::cases(1)).await.unwrap();
    closed(&lanes, &OF_LATER, ErrorReason::PhaseNotStarted).await;
}

#[tokio::test]
async fn a_closed_workflow_takes_no_change_for_ever_and_is_read() {
    let lanes = Lanes::planned(1).await;
    let close = gates::CloseWorkflowRequest {
        scope: lanes.whole(),
        reason: "the cycle is over".to_owned(),
        request_id: request_id(),
    };
    lanes.gateway.call_audit(close).await.unwrap();
    closed(&lanes, &COMMANDS, ErrorReason::WorkflowClosed).await;
    lanes.assign(LOBS[0], 150).await.unwrap_err();
    assert!(lanes.status(Phase::DATA_OWNER_ID).await.workflow_closed);
    assert_eq!(lanes.cases_of(LOBS[0]).await.len(), 1);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_stale_phase_takes_a_plan_and_nothing_else() {
    let lanes = Lanes::planned(1).await;
    for (phase, because) in [
        (Phase::DATA_OWNER_ID, Phase::SAMPLE_SELECTION),
        (Phase::REQUEST_INFO, Phase::SAMPLE_SELECTION),
        (Phase::TEST_EXECUTION, Phase::SAMPLE_SELECTION),
    ] {
        let mark = gates::MarkStaleRequest {
            scope: lanes.at(phase),
            because: because.number(),
            reopening: 1,
            request_id: request_id(),
        };
        let marked = lanes.gateway.call_audit(mark).await.unwrap().phase_status.unwrap();
        assert!(marked.stale);
    }
    closed(&lanes, &OF_OWNERS, ErrorReason::PhaseStale).await;
    closed(&lanes, &OF_LATER, ErrorReason::PhaseStale).await;
    assert_eq!(lanes.plan(&Lanes::cases(2)).await.unwrap().added, 3);
    lanes.open_phase(Phase::DATA_OWNER_ID).await;
    assert!(!lanes.status(Phase::DATA_OWNER_ID).await.stale, "reaffirmed");
    lanes.assign(LOBS[0], 150).await.unwrap_err();
    crate::common::assign(
        &lanes,
        crate::common::charge(&lanes, LOBS[0], 150, wire::AssignmentType::Backup),
    )
    .await
    .unwrap();
}
