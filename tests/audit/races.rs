//! Two at once, through two replicas over one database: one of them is first, and the other is told.

use signoff_audit::commands::Engine as Audit;
use signoff_contract::audit::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::refusal;
use signoff_tests::rpc::Rpc;
use signoff_tests::world::connect;
use signoff_tests::{Person, World};
use signoff_workflow::{Phase, Role};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use uuid::Uuid;
use wire::{ActionType, AssignmentType, ExecutionResult};

use crate::common::{assignments, charge};

const LOB: Uuid = LOBS[0];
const OWNER: i64 = OWNERS[0];
/// How often each race is run.
const ROUNDS: i64 = 4;

/// A workflow, and somebody at each of two replicas.
struct Track {
    lanes: Lanes,
    replica: CancellationToken,
    second: std::net::SocketAddr,
}

impl Track {
    async fn new(cases: usize) -> Self {
        let world: &'static World<Audit> = World::shared_audit().await;
        let lanes = Lanes::planned(cases).await;
        let (second, replica) = world.replica().await;
        Self { lanes, replica, second }
    }

    /// Somebody at the first replica, and somebody at the second.
    async fn pair(&self, users: [i64; 2], roles: &[Role]) -> [Person; 2] {
        let (world, workflow) = (self.lanes.world, Some(self.lanes.workflow));
        let [one, other] = users;
        [
            Person::new(&world.key, world.channel().await, one, workflow, roles),
            Person::new(&world.key, connect(self.second).await, other, workflow, roles),
        ]
    }

    async fn finish(self) {
        self.lanes.expect_intact().await;
        self.replica.cancel();
    }
}

/// Both at once: what the winner is answered, and what the other is told.
async fn race<R: Rpc + Send + Sync + 'static>(
    [one, other]: &[Person; 2],
    requests: [R; 2],
) -> (R::Answer, Status)
where
    R::Answer: Send,
{
    let [a, b] = requests;
    let (one, other) = (one.clone(), other.clone());
    let (a, b) = tokio::join!(
        tokio::spawn(async move { one.call(a).await }),
        tokio::spawn(async move { other.call(b).await }),
    );
    match (a.unwrap(), b.unwrap()) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        (a, b) => panic!("not one of two: {a:?} {b:?}"),
    }
}

#[track_caller]
fn told(lost: Status, expected: ErrorReason) {
    refusal(Err::<(), _>(lost), Code::FailedPrecondition, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_transfers_of_one_assignment_one_wins() {
    let track = Track::new(1).await;
    let testers = track.pair([10, 11], &[Role::Tester]).await;
    for round in 0..ROUNDS {
        let owned = assignments(&track.lanes, LOB).await.remove(0);
        let with_tag = round % 2 == 0;
        let to = |person: i64| wire::TransferDataOwnerRequest {
            scope: track.lanes.at(Phase::DATA_OWNER_ID),
            assignment_id: owned.assignment_id.clone(),
            data_owner_id: 1000 + 10 * round + person,
            change_reason: "retires".to_owned(),
            etag: if with_tag { owned.etag.clone() } else { String::new() },
            request_id: request_id(),
            ..Default::default()
        };
        let (won, lost) = race(&testers, [to(1), to(2)]).await;
        if with_tag {
            refusal(Err::<(), _>(lost), Code::Aborted, ErrorReason::EtagMismatch);
        } else {
            told(lost, ErrorReason::AssignmentState);
        }
        let lane = track.lanes.lane(LOB).await;
        assert_eq!((lane.owner, lane.assignments.len()), (won.assignment, 1));
    }
    track.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_primary_owners_one_is_assigned() {
    let track = Track::new(1).await;
    let testers = track.pair([10, 11], &[Role::Tester]).await;
    for _ in 0..ROUNDS {
        let lob = Uuid::now_v7();
        let of = |person| charge(&track.lanes, lob, person, AssignmentType::Primary);
        let (won, lost) = race(&testers, [of(301), of(302)]).await;
        told(lost, ErrorReason::AssignmentState);
        assert_eq!(assignments(&track.lanes, lob).await, [won.assignment.unwrap()]);
    }
    track.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_reviews_one_counts() {
    let track = Track::new(1).await;
    let testers = track.pair([10, 11], &[Role::Tester]).await;
    let cases = track.lanes.cases_of(LOB).await;
    let mut document = track.lanes.submit(OWNER, &cases).await.unwrap();
    for content in 10..14 {
        let ruling = |verdict: wire::DocumentStatus| wire::ReviewDocumentRequest {
            scope: track.lanes.at(Phase::REQUEST_INFO),
            submission_id: document.submission_id.clone(),
            verdict: verdict.into(),
            notes: "looked at".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        let verdicts = [wire::DocumentStatus::Accepted, wire::DocumentStatus::Rejected];
        let (won, lost) = race(&testers, verdicts.map(ruling)).await;
        told(lost, ErrorReason::DocumentState);
        let accepted = won.document.unwrap().status() == wire::DocumentStatus::Accepted;
        assert_eq!(track.lanes.lane(LOB).await.accepted, i64::from(accepted));
        document = track.lanes.revise(OWNER, &document, content).await.unwrap();
    }
    track.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_first_documents_and_two_revisions_one_is_the_head() {
    let track = Track::new(4).await;
    let owners = track.pair([OWNER, OWNER], &[]).await;
    for case in track.lanes.cases_of(LOB).await {
        let case = std::slice::from_ref(&case);
        let (won, lost) =
            race(&owners, [track.lanes.submit_request(case), track.lanes.submit_request(case)])
                .await;
        told(lost, ErrorReason::TestCaseState);
        let first = won.document.unwrap();
        let revision = |content| track.lanes.revise_request(&first, content);
        let (won, lost) = race(&owners, [revision(8), revision(9)]).await;
        told(lost, ErrorReason::DocumentState);
        let head = track.lanes.case(&case[0]).await.current_submission_id;
        assert_eq!(head, won.document.unwrap().submission_id);
    }
    track.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_executions_and_two_conclusions_one_is_there() {
    let track = Track::new(4).await;
    let testers = track.pair([10, 11], &[Role::Tester]).await;
    let cases = track.lanes.cases_of(LOB).await;
    let document = track.lanes.submit(OWNER, &cases).await.unwrap();
    for case in &cases {
        let start = || wire::StartExecutionRequest {
            scope: track.lanes.at(Phase::TEST_EXECUTION),
            test_case_id: case.test_case_id.clone(),
            submission_id: document.submission_id.clone(),
            request_id: request_id(),
        };
        let (won, lost) = race(&testers, [start(), start()]).await;
        told(lost, ErrorReason::ExecutionState);
        let execution = won.execution.unwrap();
        assert_eq!(execution.number, 1);
        let conclude = |result: ExecutionResult| wire::RecordResultRequest {
            scope: track.lanes.at(Phase::TEST_EXECUTION),
            execution_id: execution.execution_id.clone(),
            result: result.into(),
            rationale: "compared".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        let results = [ExecutionResult::Pass, ExecutionResult::Fail];
        let (won, lost) = race(&testers, results.map(conclude)).await;
        told(lost, ErrorReason::ExecutionState);
        let kept = track.lanes.case(case).await;
        assert_eq!(kept.result(), won.execution.unwrap().result());
    }
    assert_eq!(track.lanes.lane(LOB).await.executed, 4);
    track.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_responses_one_is_the_answer() {
    let track = Track::new(1).await;
    let owners = track.pair([OWNER, OWNER], &[]).await;
    let case = track.lanes.cases_of(LOB).await.remove(0);
    for _ in 0..ROUNDS {
        let action = track.lanes.ask(&case, ActionType::DocumentRequest).await.unwrap();
        let answer = |status: wire::ResponseStatus| wire::RespondToActionRequest {
            scope: track.lanes.at(Phase::TEST_EXECUTION),
            action_id: action.action_id.clone(),
            response_status: status.into(),
            response_notes: "see there".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        let answers = [wire::ResponseStatus::Fulfilled, wire::ResponseStatus::Rejected];
        let (_, lost) = race(&owners, answers.map(answer)).await;
        told(lost, ErrorReason::ActionState);
        assert_eq!(track.lanes.case(&case).await.open_actions, 0);
    }
    track.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_at_two_replicas_is_done_once() {
    let track = Track::new(1).await;
    let [one, other] = track.pair([10, 10], &[Role::Tester]).await;
    for n in 0..ROUNDS {
        let request = charge(&track.lanes, Uuid::now_v7(), 400 + n, AssignmentType::Primary);
        let (a, b) = tokio::join!(one.call(request.clone()), other.call(request.clone()));
        assert_eq!(a.unwrap(), b.unwrap());
    }
    track.finish().await;
}
