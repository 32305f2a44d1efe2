//! A workflow at the audit service, with its lanes and the people in them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prost_types::Struct;
use shared::{Foundation, PhaseStatus, Scope};
use signoff_audit::commands::Engine as Audit;
use signoff_chassis::identity::{SigningKey, TokenClaims};
use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1 as gates;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, PhaseTable, Role, Workflow};
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::people::{Person, request_id, scope};
use crate::world::{self, World, whole};

/// Lines of business, in order of their ids.
pub const LOBS: [Uuid; 3] = [Uuid::from_u128(0xa1), Uuid::from_u128(0xb2), Uuid::from_u128(0xc3)];
/// Who owns them at first.
pub const OWNERS: [i64; 3] = [101, 102, 103];

/// A workflow in the audit-only phases, and everybody who has a part in it. Of the service, `W` is what
/// is known beside its address.
pub struct Lanes<W = &'static World<Audit>> {
    /// The service.
    pub world: W,
    /// The workflow.
    pub workflow: Workflow,
    /// A tester: user 10.
    pub tester: Person,
    /// Another one: user 11.
    pub second: Person,
    /// A test lead: user 12.
    pub lead: Person,
    /// The report owner: user 20.
    pub report_owner: Person,
    /// The gateway: user 1.
    pub gateway: Person,
    /// The versions that plans are made from.
    pub versions: [Uuid; 3],
    known: Arc<Known>,
    address: SocketAddr,
}

/// By what people are known at an address.
enum Known {
    /// By assertions, as at a backend.
    Assertions(Arc<SigningKey>),
    /// By tokens, as at the gateway, which knows itself what they are on a report.
    Tokens(Arc<SigningKey>),
}

impl Known {
    fn person(&self, channel: Channel, user_id: i64, workflow: Workflow, roles: &[Role]) -> Person {
        match self {
            Self::Assertions(key) => Person::new(key, channel, user_id, Some(workflow), roles),
            Self::Tokens(provider) => {
                let life = Duration::from_secs(3600);
                let claims = TokenClaims::new(user_id, format!("user-{user_id}"), life);
                let token = provider.sign_token(&claims).unwrap();
                Person::with_token(&token, channel, user_id)
            }
        }
    }
}

impl Lanes {
    /// A workflow in which no phase was opened.
    pub async fn closed() -> Self {
        Self::closed_in(World::shared_audit().await).await
    }

    /// The same, of a service that may be nobody else's.
    pub async fn closed_in(world: &'static World<Audit>) -> Self {
        let workflow = world::workflow();
        let known = Arc::new(Known::Assertions(Arc::clone(&world.key)));
        Box::pin(Self::with(world, (known, world.address), workflow)).await
    }

    /// A workflow in which all three phases are open.
    pub async fn open() -> Self {
        Self::open_in(World::shared_audit().await).await
    }

    /// The same, of a service that may be nobody else's.
    pub async fn open_in(world: &'static World<Audit>) -> Self {
        let lanes = Self::closed_in(world).await;
        lanes.open_phases().await;
        lanes
    }

    /// A workflow with owners of all lanes, and so many test cases planned in each.
    pub async fn planned(cases: usize) -> Self {
        let lanes = Self::open().await;
        for (lob, owner) in LOBS.into_iter().zip(OWNERS) {
            lanes.assign(lob, owner).await.unwrap();
        }
        lanes.plan(&Self::cases(cases)).await.unwrap();
        lanes
    }

    /// So many cases in each lane.
    pub fn cases(each: usize) -> Vec<wire::PlannedCase> {
        let of_lane = |(n, lob): (usize, Uuid)| {
            (0..each).map(move |i| wire::PlannedCase {
                sample_item_key: format!("S-{n}-{i:05}"),
                attribute_id: Uuid::from_u128(0xface).to_string(),
                lob_id: lob.to_string(),
            })
        };
        LOBS.into_iter().enumerate().flat_map(of_lane).collect()
    }
}

impl Lanes<()> {
    /// A workflow at whoever is at this address, where this key is believed.
    pub async fn at_address(
        address: SocketAddr,
        key: &Arc<SigningKey>,
        workflow: Workflow,
    ) -> Self {
        let known = Arc::new(Known::Assertions(Arc::clone(key)));
        Self::with((), (known, address), workflow).await
    }

    /// A workflow at the gateway at this address, which believes this identity provider.
    pub async fn at_gateway(
        address: SocketAddr,
        provider: &Arc<SigningKey>,
        workflow: Workflow,
    ) -> Self {
        let known = Arc::new(Known::Tokens(Arc::clone(provider)));
        Self::with((), (known, address), workflow).await
    }
}

impl<W> Lanes<W> {
    async fn with(
        world: W,
        (known, address): (Arc<Known>, SocketAddr),
        workflow: Workflow,
    ) -> Self {
        let channel = world::connect(address).await;
        let person = |user_id, role| known.person(channel.clone(), user_id, workflow, &[role]);
        Self {
            world,
            workflow,
            tester: person(10, Role::Tester),
            second: person(11, Role::Tester),
            lead: person(12, Role::TestLead),
            report_owner: person(20, Role::ReportOwner),
            gateway: person(1, Role::Gateway),
            versions: [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()],
            known,
            address,
        }
    }

    /// The same, where those who are here from the beginning send again what a busy database did not answer.
    pub fn patient(self) -> Self {
        Self {
            tester: self.tester.patient(),
            second: self.second.patient(),
            lead: self.lead.patient(),
            report_owner: self.report_owner.patient(),
            ..self
        }
    }

    /// A phase of the workflow, for requests.
    pub fn at(&self, phase: Phase) -> Option<Scope> {
        Some(scope(self.workflow, phase))
    }

    /// The whole workflow, for requests.
    pub fn whole(&self) -> Option<Scope> {
        Some(whole(self.workflow))
    }

    /// Somebody with these roles on this report.
    pub async fn person(&self, user_id: i64, roles: &[Role]) -> Person {
        let channel = world::connect(self.address).await;
        self.known.person(channel, user_id, self.workflow, roles)
    }

    /// The data owner of a lane: somebody without any role.
    pub async fn data_owner(&self, user_id: i64) -> Person {
        self.person(user_id, &[]).await
    }

    /// Opens a phase on whatever it must rest on.
    pub async fn open_phase(&self, phase: Phase) -> PhaseStatus {
        open_phase(&self.gateway, self.workflow, phase, self.versions[2]).await
    }

    /// Opens all three phases.
    pub async fn open_phases(&self) {
        for phase in [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION] {
            self.open_phase(phase).await;
        }
    }

    /// Where a phase stands.
    pub async fn status(&self, phase: Phase) -> PhaseStatus {
        let request = gates::GetPhaseStatusRequest { scope: self.at(phase), ..Default::default() };
        self.tester.call_audit(request).await.unwrap().phase_status.unwrap()
    }

    /// Puts somebody in charge of a line of business, as its primary owner.
    pub async fn assign(&self, lob: Uuid, owner: i64) -> Result<wire::Assignment, Status> {
        let request = wire::AssignDataOwnerRequest {
            scope: self.at(Phase::DATA_OWNER_ID),
            data_owner_id: owner,
            lob_id: lob.to_string(),
            assignment_type: wire::AssignmentType::Primary.into(),
            change_reason: "knows the data".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.tester.call(request).await?.assignment.unwrap())
    }

    /// Hands an assignment over.
    pub async fn transfer(
        &self,
        of: &wire::Assignment,
        to: i64,
        etag: &str,
    ) -> Result<wire::TransferDataOwnerResponse, Status> {
        let request = wire::TransferDataOwnerRequest {
            scope: self.at(Phase::DATA_OWNER_ID),
            assignment_id: of.assignment_id.clone(),
            data_owner_id: to,
            change_reason: "has left the bank".to_owned(),
            etag: etag.to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        self.tester.call(request).await
    }

    /// Plans these test cases, by one call.
    pub async fn plan(
        &self,
        cases: &[wire::PlannedCase],
    ) -> Result<wire::PlanTestCasesResponse, Status> {
        self.gateway.call(self.plan_request(cases, true)).await
    }

    /// The request for a plan, or for a part of it.
    pub fn plan_request(
        &self,
        cases: &[wire::PlannedCase],
        last: bool,
    ) -> wire::PlanTestCasesRequest {
        let [planning, scoping, samples] = self.versions.map(|id| id.to_string());
        wire::PlanTestCasesRequest {
            scope: self.at(Phase::DATA_OWNER_ID),
            cases: cases.to_vec(),
            planning_version_id: planning,
            scoping_version_id: scoping,
            sample_selection_version_id: samples,
            last,
            request_id: request_id(),
            total_cases: 0,
        }
    }

    /// The test cases of a lane that are not withdrawn, as far as they fit onto a page.
    pub async fn cases_of(&self, lob: Uuid) -> Vec<wire::TestCase> {
        let request = wire::ListTestCasesRequest {
            scope: self.at(Phase::REQUEST_INFO),
            lob_id: lob.to_string(),
            page_size: 1000,
            ..Default::default()
        };
        self.tester.call(request).await.unwrap().test_cases
    }

    /// A test case as it is now.
    pub async fn case(&self, of: &wire::TestCase) -> wire::TestCase {
        let request = wire::ListTestCasesRequest {
            scope: self.at(Phase::REQUEST_INFO),
            sample_item_key: of.sample_item_key.clone(),
            attribute_id: of.attribute_id.clone(),
            states: (1..=6).collect(),
            ..Default::default()
        };
        self.tester.call(request).await.unwrap().test_cases.remove(0)
    }

    /// A lane.
    pub async fn lane(&self, lob: Uuid) -> wire::Lane {
        let request =
            wire::GetLaneRequest { scope: self.at(Phase::DATA_OWNER_ID), lob_id: lob.to_string() };
        self.tester.call(request).await.unwrap().lane.unwrap()
    }

    /// The request to submit a document for test cases.
    pub fn submit_request(&self, cases: &[wire::TestCase]) -> wire::SubmitDocumentRequest {
        wire::SubmitDocumentRequest {
            scope: self.at(Phase::REQUEST_INFO),
            test_case_ids: cases.iter().map(|case| case.test_case_id.clone()).collect(),
            document_id: Uuid::new_v4().to_string(),
            document_type: "account statement".to_owned(),
            submission_type: wire::SubmissionType::Initial.into(),
            file_name: "statement.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            size_bytes: 4711,
            sha256: vec![7; 32],
            document_metadata: Some(Struct::default()),
            request_id: request_id(),
            ..Default::default()
        }
    }

    /// The request to revise a submission.
    pub fn revise_request(&self, of: &wire::Document, content: u8) -> wire::ReviseDocumentRequest {
        wire::ReviseDocumentRequest {
            scope: self.at(Phase::REQUEST_INFO),
            submission_id: of.submission_id.clone(),
            file_name: format!("statement-{content}.pdf"),
            media_type: "application/pdf".to_owned(),
            size_bytes: 4712,
            sha256: vec![content; 32],
            revision_reason: "the last page was missing".to_owned(),
            request_id: request_id(),
            ..Default::default()
        }
    }

    /// Submits a document for test cases, as a data owner.
    pub async fn submit(
        &self,
        owner: i64,
        cases: &[wire::TestCase],
    ) -> Result<wire::Document, Status> {
        let request = self.submit_request(cases);
        Ok(self.data_owner(owner).await.call(request).await?.document.unwrap())
    }

    /// Revises a document, as a data owner.
    pub async fn revise(
        &self,
        owner: i64,
        of: &wire::Document,
        content: u8,
    ) -> Result<wire::Document, Status> {
        let request = self.revise_request(of, content);
        Ok(self.data_owner(owner).await.call(request).await?.document.unwrap())
    }

    /// Rules on a document.
    pub async fn review(
        &self,
        of: &wire::Document,
        verdict: wire::DocumentStatus,
    ) -> Result<wire::Document, Status> {
        let request = wire::ReviewDocumentRequest {
            scope: self.at(Phase::REQUEST_INFO),
            submission_id: of.submission_id.clone(),
            verdict: verdict.into(),
            notes: "looked at".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.tester.call(request).await?.document.unwrap())
    }

    /// Begins to test a case on a document.
    pub async fn start(
        &self,
        case: &wire::TestCase,
        on: &wire::Document,
    ) -> Result<wire::Execution, Status> {
        let request = wire::StartExecutionRequest {
            scope: self.at(Phase::TEST_EXECUTION),
            test_case_id: case.test_case_id.clone(),
            submission_id: on.submission_id.clone(),
            request_id: request_id(),
        };
        Ok(self.tester.call(request).await?.execution.unwrap())
    }

    /// Concludes an execution.
    pub async fn conclude(
        &self,
        of: &wire::Execution,
        result: wire::ExecutionResult,
    ) -> Result<wire::Execution, Status> {
        let request = wire::RecordResultRequest {
            scope: self.at(Phase::TEST_EXECUTION),
            execution_id: of.execution_id.clone(),
            result: result.into(),
            expected: "100.00".to_owned(),
            found: "100.01".to_owned(),
            tolerance: "0.005".to_owned(),
            rationale: "compared with the statement".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.tester.call(request).await?.execution.unwrap())
    }

    /// Tests a case on a document.
    pub async fn test(
        &self,
        case: &wire::TestCase,
        on: &wire::Document,
        result: wire::ExecutionResult,
    ) -> wire::Execution {
        let execution = self.start(case, on).await.unwrap();
        self.conclude(&execution, result).await.unwrap()
    }

    /// Asks the data owner of a case for something.
    pub async fn ask(
        &self,
        case: &wire::TestCase,
        action_type: wire::ActionType,
    ) -> Result<wire::Action, Status> {
        let request = wire::RequestActionRequest {
            scope: self.at(Phase::TEST_EXECUTION),
            action_type: action_type.into(),
            test_case_id: case.test_case_id.clone(),
            request_reason: "the statement is of another month".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.tester.call(request).await?.action.unwrap())
    }

    /// Answers a request, as a data owner.
    pub async fn respond(&self, owner: i64, to: &wire::Action) -> Result<wire::Action, Status> {
        let request = wire::RespondToActionRequest {
            scope: self.at(Phase::TEST_EXECUTION),
            action_id: to.action_id.clone(),
            response_status: wire::ResponseStatus::Fulfilled.into(),
            impact_on_timeline: wire::TimelineImpact::MinorDelay.into(),
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.data_owner(owner).await.call(request).await?.action.unwrap())
    }

    /// The request to record something in a phase in a form of one's own.
    pub fn record_request(&self, phase: Phase, data: Struct) -> wire::RecordChangeRequest {
        wire::RecordChangeRequest {
            scope: self.at(phase),
            data: Some(data),
            reason: "worth keeping".to_owned(),
            request_id: request_id(),
        }
    }

    /// Records something in a phase in a form of one's own.
    pub async fn record(&self, phase: Phase, data: Struct) -> Result<wire::Change, Status> {
        let request = self.record_request(phase, data);
        Ok(self.tester.call(request).await?.change.unwrap())
    }

    /// Every change of the workflow, newest first.
    pub async fn changes(&self, filter: wire::ListChangesRequest) -> Vec<wire::Change> {
        let mut request = wire::ListChangesRequest {
            scope: filter.scope.clone().or_else(|| self.whole()),
            ..filter
        };
        let mut all = Vec::new();
        loop {
            let page = self.tester.call(request.clone()).await.unwrap();
            all.extend(page.changes);
            if page.next_page_token.is_empty() {
                return all;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Seals all three phases for an attempt to finalize the report.
    pub async fn seal_all(&self, attempt: i64) -> gates::SealResponse {
        let phases = [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION];
        let request = gates::SealRequest {
            scope: self.whole(),
            phases: phases.map(Phase::number).to_vec(),
            holder: Phase::FINALIZE_TEST_REPORT.number(),
            attempt,
            request_id: request_id(),
            ..Default::default()
        };
        self.gateway.call_audit(request).await.unwrap()
    }

    /// # Panics
    /// The trail is damaged, or the rows are not what it says.
    pub async fn expect_intact(&self) {
        let request = signoff_contract::feed::v1::VerifyTrailRequest {
            scope: self.whole(),
            ..Default::default()
        };
        let found = self.tester.call(request).await.unwrap();
        assert!(found.intact, "{:?}", found.first_damaged);
    }
}

/// Opens a phase of a workflow at the audit service, as the gateway: all that it must rest on has
/// this version.
pub async fn open_phase(
    gateway: &Person,
    workflow: Workflow,
    phase: Phase,
    version: Uuid,
) -> PhaseStatus {
    let scope = Some(scope(workflow, phase));
    let request_id = request_id();
    let begin = gates::BeginOpenRequest { scope: scope.clone(), request_id, reaffirm: true };
    let attempt = gateway.call_audit(begin).await.unwrap().attempt;
    let row = PhaseTable::standard().get(phase).unwrap();
    let rests_on = row.rests_on.iter().map(|phase| Foundation {
        phase: phase.number(),
        version_id: version.to_string(),
        trail_head: None,
    });
    let rests_on = rests_on.collect();
    let request_id = crate::people::request_id();
    let open = gates::OpenRequest { scope, request_id, attempt, rests_on };
    gateway.call_audit(open).await.unwrap().phase_status.unwrap()
}
