//! The audit service's process is killed while people work in their lanes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use signoff_chassis::identity::SigningKey;
use signoff_contract::audit::v1 as wire;
use signoff_contract::feed::v1::VerifyTrailRequest;
use signoff_contract::versioning::v1 as gates;
use signoff_contract::workflow::v1::Foundation;
use signoff_tests::people::{request_id, scope};
use signoff_tests::world::whole;
use signoff_tests::{Person, world};
use signoff_workflow::{Phase, PhaseTable, Role, Workflow};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::killed::Killable;
use crate::writers::{Progress, ask};

const LANES: usize = 6;
const KILLS: usize = 6;
const OWNER: i64 = 101;

/// Somebody's work in one workflow, and what they were told is done.
struct Lane {
    workflow: Workflow,
    tester: Person,
    owner: Person,
    gateway: Person,
    /// Revisions of the latest state of each thing that was acknowledged, by its id.
    told: Vec<(String, i64)>,
}

impl Lane {
    fn new(key: &Arc<SigningKey>, channel: &Channel) -> Self {
        let workflow = world::workflow();
        let person = |user_id, roles: &[Role]| {
            Person::new(key, channel.clone(), user_id, Some(workflow), roles)
        };
        Self {
            workflow,
            tester: person(10, &[Role::Tester]),
            owner: person(OWNER, &[]),
            gateway: person(1, &[Role::Gateway]),
            told: Vec::new(),
        }
    }

    /// Opens the phases, while all is well.
    async fn open(&self) {
        for phase in [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION] {
            let here = Some(scope(self.workflow, phase));
            let begin = gates::BeginOpenRequest {
                scope: here.clone(),
                request_id: request_id(),
                reaffirm: false,
            };
            let attempt = self.gateway.call_audit(begin).await.unwrap().attempt;
            let row = PhaseTable::standard().get(phase).unwrap();
            let below = row
                .rests_on
                .iter()
                .map(|phase| Foundation { phase: phase.number(), ..Foundation::default() });
            let rests_on = below.collect();
            let open =
                gates::OpenRequest { scope: here, request_id: request_id(), attempt, rests_on };
            self.gateway.call_audit(open).await.unwrap();
        }
    }

    /// Works until it is told to stop: every request is repeated, with its id, until somebody knows
    /// what became of it.
    async fn work(mut self, progress: &Progress, stop: &CancellationToken) -> Self {
        let lob_id = Uuid::new_v4().to_string();
        let assign = wire::AssignDataOwnerRequest {
            scope: Some(scope(self.workflow, Phase::DATA_OWNER_ID)),
            data_owner_id: OWNER,
            lob_id: lob_id.clone(),
            assignment_type: wire::AssignmentType::Primary.into(),
            request_id: request_id(),
            ..Default::default()
        };
        let assigned = ask(&self.tester, assign, progress).await.assignment.unwrap();
        self.told.push((assigned.assignment_id, 1));
        let mut cases = Vec::new();
        while !stop.is_cancelled() {
            cases.push(wire::PlannedCase {
                sample_item_key: format!("S-{}", cases.len()),
                attribute_id: Uuid::new_v4().to_string(),
                lob_id: lob_id.clone(),
            });
            self.plan(&cases, progress).await;
            let list = wire::ListTestCasesRequest {
                scope: Some(scope(self.workflow, Phase::REQUEST_INFO)),
                sample_item_key: cases.last().unwrap().sample_item_key.clone(),
                ..Default::default()
            };
            let case = ask(&self.tester, list, progress).await.test_cases.remove(0);
            self.told.push((case.test_case_id.clone(), 1));
            self.test(&case, progress).await;
        }
        self
    }

    /// A plan with one case more than before, each of other versions.
    async fn plan(&self, cases: &[wire::PlannedCase], progress: &Progress) {
        let plan = wire::PlanTestCasesRequest {
            scope: Some(scope(self.workflow, Phase::DATA_OWNER_ID)),
            cases: cases.to_vec(),
            planning_version_id: Uuid::new_v4().to_string(),
            scoping_version_id: Uuid::new_v4().to_string(),
            sample_selection_version_id: Uuid::new_v4().to_string(),
            last: true,
            request_id: request_id(),
            total_cases: 0,
        };
        let planned = ask(&self.gateway, plan, progress).await;
        assert_eq!((planned.added, planned.withdrawn), (1, 0));
    }

    /// A document, its revision, its review, and a test on it.
    async fn test(&mut self, case: &wire::TestCase, progress: &Progress) {
        let here = Some(scope(self.workflow, Phase::REQUEST_INFO));
        let submit = wire::SubmitDocumentRequest {
            scope: here.clone(),
            test_case_ids: vec![case.test_case_id.clone()],
            document_id: Uuid::new_v4().to_string(),
            document_type: "statement".to_owned(),
            submission_type: wire::SubmissionType::Initial.into(),
            file_name: "a.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            sha256: vec![1; 32],
            request_id: request_id(),
            ..Default::default()
        };
        let first = ask(&self.owner, submit, progress).await.document.unwrap();
        let revise = wire::ReviseDocumentRequest {
            scope: here.clone(),
            submission_id: first.submission_id.clone(),
            file_name: "b.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            sha256: vec![2; 32],
            revision_reason: "another page".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        let second = ask(&self.owner, revise, progress).await.document.unwrap();
        self.told.push((first.submission_id, 2));
        let review = wire::ReviewDocumentRequest {
            scope: here,
            submission_id: second.submission_id.clone(),
            verdict: wire::DocumentStatus::Accepted.into(),
            request_id: request_id(),
            ..Default::default()
        };
        ask(&self.tester, review, progress).await;
        self.told.push((second.submission_id.clone(), 2));
        let here = Some(scope(self.workflow, Phase::TEST_EXECUTION));
        let start = wire::StartExecutionRequest {
            scope: here.clone(),
            test_case_id: case.test_case_id.clone(),
            submission_id: second.submission_id,
            request_id: request_id(),
        };
        let execution = ask(&self.tester, start, progress).await.execution.unwrap();
        assert_eq!(execution.number, 1);
        let conclude = wire::RecordResultRequest {
            scope: here,
            execution_id: execution.execution_id.clone(),
            result: wire::ExecutionResult::Pass.into(),
            request_id: request_id(),
            ..Default::default()
        };
        ask(&self.tester, conclude, progress).await;
        self.told.push((execution.execution_id, 2));
    }

    /// # Panics
    /// Something that was acknowledged is not there, or history and rows do not fit together.
    async fn expect_all(&self, key: &Arc<SigningKey>, channel: &Channel) {
        let auditor = Person::new(key, channel.clone(), 40, Some(self.workflow), &[Role::Auditor]);
        for (id, revision) in &self.told {
            let changes = wire::ListChangesRequest {
                scope: Some(whole(self.workflow)),
                subject_id: id.clone(),
                ..Default::default()
            };
            let changes = auditor.call(changes).await.unwrap().changes;
            assert!(changes.first().is_some_and(|last| last.revision >= *revision), "{id}");
        }
        let verify = VerifyTrailRequest { scope: Some(whole(self.workflow)), ..Default::default() };
        let found = auditor.call(verify).await.unwrap();
        assert!(found.intact, "{:?}", found.first_damaged);
        assert!(found.records > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_in_a_lane_outlives_the_process() {
    let mut service = Killable::start_audit().await;
    let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
    let mut lanes = Vec::new();
    for _ in 0..LANES {
        let lane = Lane::new(&service.key, &service.channel());
        lane.open().await;
        let (progress, stop) = (Arc::clone(&progress), stop.clone());
        lanes.push(tokio::spawn(async move { lane.work(&progress, &stop).await }));
    }
    let mut dice = StdRng::seed_from_u64(2);
    for _ in 0..KILLS {
        progress.more(dice.random_range(20..60)).await;
        service.kill().await;
        service.restart().await;
    }
    progress.more(20).await;
    stop.cancel();
    let lanes: Vec<_> = join_all(lanes).await.into_iter().map(Result::unwrap).collect();
    assert!(progress.unanswered.load(Ordering::SeqCst) > 0, "nobody noticed a thing");
    let channel = service.channel();
    for lane in &lanes {
        lane.expect_all(&service.key, &channel).await;
    }
    service.kill().await;
}
