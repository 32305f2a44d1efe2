//! A report at the gateway, and everybody who works on it.

use std::net::SocketAddr;
use std::sync::Arc;

use shared::{PhaseStatus, Scope};
use signoff_chassis::identity::SigningKey;
use signoff_contract::audit::v1 as audit;
use signoff_contract::feed::v1 as feed;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::versioning::v1 as versions;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, Role, Workflow};
use versions::payload::Kind;
use versions::{DecisionInput, Verdict, Version};

use crate::acts::Answer;
use crate::build;
use crate::house::House;
use crate::lanes::{LOBS, Lanes, OWNERS};
use crate::people::{Person, request_id, scope};
use crate::world::whole;

/// Who works on a report.
pub const TEAM: [(i64, Role); 5] = [
    (10, Role::Tester),
    (11, Role::Tester),
    (12, Role::TestLead),
    (20, Role::ReportOwner),
    (30, Role::TestExecutive),
];
/// How many attributes are tested of those that are planned: one is a key, and one out of scope.
pub const TESTED: u32 = 2;

/// A workflow and its people, at one gateway.
pub struct Office {
    /// The workflow.
    pub workflow: Workflow,
    /// The test executive: user 30. All others, and what they do in the lanes.
    pub executive: Person,
    /// The lanes, and who works in them.
    pub lanes: Lanes<()>,
}

impl Office {
    /// A new workflow with the whole team.
    pub async fn of(house: &House) -> Self {
        let workflow = house.workflow(&TEAM).await;
        Self::at(house.address, &house.provider, workflow).await
    }

    /// A workflow at another gateway, say.
    pub async fn at(address: SocketAddr, provider: &Arc<SigningKey>, workflow: Workflow) -> Self {
        let lanes = Lanes::at_gateway(address, provider, workflow).await;
        Self { workflow, executive: lanes.person(30, &[]).await, lanes }
    }

    /// The same, all of whom send again what a busy database did not answer.
    pub fn patient(self) -> Self {
        Self { executive: self.executive.patient(), lanes: self.lanes.patient(), ..self }
    }

    /// A tester.
    pub fn tester(&self) -> &Person {
        &self.lanes.tester
    }

    /// The test lead.
    pub fn lead(&self) -> &Person {
        &self.lanes.lead
    }

    /// The report owner.
    pub fn owner(&self) -> &Person {
        &self.lanes.report_owner
    }

    /// A phase, for requests.
    pub fn here(&self, phase: Phase) -> Scope {
        scope(self.workflow, phase)
    }

    /// Who rules and approves in a phase.
    pub fn approver(&self, phase: Phase) -> &Person {
        match phase {
            Phase::PLANNING => self.lead(),
            Phase::FINALIZE_TEST_REPORT => &self.executive,
            _ => self.owner(),
        }
    }

    /// Brings every phase up to this one to its end, so that the next one may be started.
    pub async fn through(&self, last: Phase) {
        for number in 1..=last.number() {
            self.complete(Phase::new(number)).await;
        }
    }

    /// Brings a phase to its end.
    pub async fn complete(&self, phase: Phase) {
        match phase {
            Phase::DATA_OWNER_ID => {
                for (lob, owner) in LOBS.into_iter().zip(OWNERS) {
                    self.lanes.assign(lob, owner).await.unwrap();
                }
                self.plan().await.unwrap();
            }
            Phase::REQUEST_INFO => self.document().await,
            Phase::TEST_EXECUTION => self.test(audit::ExecutionResult::Pass).await,
            _ => {
                self.approve(phase, content(phase)).await;
            }
        }
    }

    /// The next version of a phase: drafted, submitted, approved.
    pub async fn approve(&self, phase: Phase, decisions: Vec<DecisionInput>) -> Version {
        let here = self.here(phase);
        let draft = match self.tester().versions(&here).await.is_empty() {
            true => self.tester().create(&here, decisions).await.unwrap(),
            false => self.tester().revise(&here, decisions).await.unwrap(),
        };
        let submitted = self.tester().submit(&draft).await.unwrap();
        let approver = self.approver(phase);
        if submitted.counts.unwrap().pending > 0 {
            approver.rule_rest(&submitted, Verdict::Approved).await.unwrap();
        }
        approver.approve(&submitted).await.unwrap()
    }

    /// A document for each case that has none, accepted.
    pub async fn document(&self) {
        self.document_by(OWNERS).await;
    }

    /// The same, from these owners of the lanes.
    pub async fn document_by(&self, owners: [i64; LOBS.len()]) {
        for (lob, owner) in LOBS.into_iter().zip(owners) {
            let mut cases = self.lanes.cases_of(lob).await;
            cases.retain(|case| case.current_submission_id.is_empty());
            if cases.is_empty() {
                continue;
            }
            let document = self.lanes.submit(owner, &cases).await.unwrap();
            self.lanes.review(&document, audit::DocumentStatus::Accepted).await.unwrap();
        }
    }

    /// Tests each case that was not tested, with this result.
    pub async fn test(&self, result: audit::ExecutionResult) {
        for lob in LOBS {
            for case in self.lanes.cases_of(lob).await {
                if case.state() == audit::TestCaseState::EvidenceSubmitted {
                    self.test_case(&case, result).await;
                }
            }
        }
    }

    /// Tests a case on its document.
    pub async fn test_case(&self, case: &audit::TestCase, result: audit::ExecutionResult) {
        let submission_id = case.current_submission_id.clone();
        let document = audit::Document { submission_id, ..Default::default() };
        self.lanes.test(case, &document, result).await;
    }

    /// Plans the test cases, as the tester.
    pub async fn plan(&self) -> Answer<wire::PlanTestCasesResponse> {
        let scope = Some(whole(self.workflow));
        let request =
            wire::PlanTestCasesRequest { scope, request_id: request_id(), ..Default::default() };
        self.tester().call(request).await
    }

    /// Starts a phase, as the tester.
    pub async fn start(&self, phase: Phase) -> Answer<PhaseStatus> {
        Ok(self.tester().call(self.start_request(phase)).await?.phase_status.unwrap())
    }

    /// The request to start a phase.
    pub fn start_request(&self, phase: Phase) -> wire::StartPhaseRequest {
        let scope = Some(self.here(phase));
        wire::StartPhaseRequest { scope, request_id: request_id(), ..Default::default() }
    }

    /// Reopens a phase, as the test lead.
    pub async fn reopen(&self, phase: Phase) -> Answer<wire::ReopenPhaseResponse> {
        self.lead().call(self.reopen_request(phase)).await
    }

    /// The request to reopen a phase.
    pub fn reopen_request(&self, phase: Phase) -> wire::ReopenPhaseRequest {
        wire::ReopenPhaseRequest {
            scope: Some(self.here(phase)),
            reason: "an attribute was forgotten".to_owned(),
            request_id: request_id(),
            ..Default::default()
        }
    }

    /// Reaffirms a phase, as the test lead.
    pub async fn reaffirm(&self, phase: Phase) -> Answer<PhaseStatus> {
        Ok(self.lead().call(self.reaffirm_request(phase)).await?.phase_status.unwrap())
    }

    /// The request to reaffirm a phase.
    pub fn reaffirm_request(&self, phase: Phase) -> wire::ReaffirmPhaseRequest {
        let scope = Some(self.here(phase));
        wire::ReaffirmPhaseRequest { scope, request_id: request_id(), ..Default::default() }
    }

    /// Where everything stands.
    pub async fn board(&self) -> wire::Board {
        let request = wire::GetBoardRequest { scope: Some(whole(self.workflow)) };
        self.lead().call(request).await.unwrap().board.unwrap()
    }

    /// Where one phase stands.
    pub async fn status(&self, phase: Phase) -> PhaseStatus {
        let mut phases = self.board().await.phases;
        phases.retain(|status| status.phase == phase.number());
        phases.remove(0)
    }

    /// Whether something may be done with a phase.
    pub async fn explain(
        &self,
        phase: Phase,
        command: wire::GateCommand,
    ) -> wire::ExplainGateResponse {
        let request = wire::ExplainGateRequest {
            scope: Some(self.here(phase)),
            command: command.into(),
            ..Default::default()
        };
        self.lead().call(request).await.unwrap()
    }

    /// The whole trail that a service keeps.
    pub async fn trail(&self, source: feed::Source) -> Vec<feed::TrailRecord> {
        let mut request = feed::GetTrailRequest {
            scope: Some(whole(self.workflow)),
            source: source.into(),
            page_size: 1000,
            ..Default::default()
        };
        let mut all = Vec::new();
        loop {
            let page = self.lead().call(request.clone()).await.unwrap();
            all.extend(page.records);
            if page.next_page_token.is_empty() {
                return all;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Whether the trail that a service keeps fits.
    pub async fn verify(&self, source: feed::Source) -> feed::VerifyTrailResponse {
        let request = feed::VerifyTrailRequest {
            scope: Some(whole(self.workflow)),
            source: source.into(),
            ..Default::default()
        };
        self.lead().call(request).await.unwrap()
    }
}

/// What is put forward in a phase first: of four attributes, two are to be tested.
pub fn content(phase: Phase) -> Vec<DecisionInput> {
    let mut items = match phase {
        Phase::PLANNING | Phase::SCOPING => build::items(phase, 0..TESTED + 2),
        Phase::SAMPLE_SELECTION => samples(0..3),
        _ => build::items(phase, 0..1),
    };
    for item in &mut items {
        match item.payload.as_mut().and_then(|payload| payload.kind.as_mut()) {
            Some(Kind::AttributeDecision(of)) => {
                of.is_key = of.attribute_id == build::attribute_id(TESTED);
            }
            Some(Kind::ScopingDecision(of)) => {
                of.is_in_scope = of.attribute_id != build::attribute_id(TESTED + 1);
            }
            _ => {}
        }
    }
    items
}

/// Samples with these numbers, each of the next line of business.
pub fn samples(numbers: std::ops::Range<u32>) -> Vec<DecisionInput> {
    let mut samples = build::inputs(numbers);
    for (sample, lob) in samples.iter_mut().zip(LOBS.iter().cycle()) {
        if let Some(Kind::Sample(of)) = sample.payload.as_mut().and_then(|of| of.kind.as_mut()) {
            of.lob_id = lob.to_string();
        }
    }
    samples
}
