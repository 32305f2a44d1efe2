//! A workflow in the audit-only phases with the people who work on it.

use anyhow::{Context as _, Result};
use prost_types::Struct;
use signoff_contract::audit::v1 as wire;
use signoff_contract::feed::v1 as feed;
use signoff_contract::workflow::v1::Scope;
use signoff_tests::lanes::{LOBS, open_phase};
use signoff_tests::people::{request_id, scope};
use signoff_tests::{Person, world};
use signoff_workflow::{Phase, Role, Workflow};
use uuid::Uuid;

use crate::cases::{COMPARED, CONTENT, Case, DOCUMENT, NOTES};
use crate::system::System;
use crate::{DATA_OWNER, GATEWAY, TESTER, desk};

/// How many test cases fit into a message of 4 MiB.
pub const IN_A_MESSAGE: usize = 40_000;

/// A workflow whose audit-only phases are open, with an owner of each lane.
pub struct Lanes {
    /// The workflow.
    pub workflow: Workflow,
    /// Reviews and tests.
    pub tester: Person,
    /// Submits documents.
    pub owner: Person,
    /// Plans.
    pub gateway: Person,
    /// The version that plans are made from.
    pub version: Uuid,
}

impl Lanes {
    /// A new workflow.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn new(system: &System) -> Result<Self> {
        let (workflow, channel) = (world::workflow(), system.channel().await);
        let person = |user_id, role: Option<Role>| {
            system.person(channel.clone(), user_id, role, Some(workflow))
        };
        let lanes = Self {
            workflow,
            tester: person(TESTER, Some(Role::Tester)),
            owner: person(DATA_OWNER, None),
            gateway: person(GATEWAY, Some(Role::Gateway)),
            version: Uuid::now_v7(),
        };
        for phase in [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION] {
            open_phase(&lanes.gateway, workflow, phase, lanes.version).await;
        }
        for lob in LOBS {
            let request = wire::AssignDataOwnerRequest {
                scope: lanes.at(Phase::DATA_OWNER_ID),
                data_owner_id: DATA_OWNER,
                lob_id: lob.to_string(),
                assignment_type: wire::AssignmentType::Primary.into(),
                request_id: request_id(),
                ..Default::default()
            };
            lanes.tester.call(request).await?;
        }
        Ok(lanes)
    }

    /// A phase of the workflow, for requests.
    pub fn at(&self, phase: Phase) -> Option<Scope> {
        Some(scope(self.workflow, phase))
    }

    /// The calls that plan test cases, so many at a time.
    pub fn plan_requests(&self, cases: &[Case], at_once: usize) -> Vec<wire::PlanTestCasesRequest> {
        let parts = cases.chunks(at_once);
        let last = parts.len().saturating_sub(1);
        let request = |(i, part): (usize, &[Case])| wire::PlanTestCasesRequest {
            scope: self.at(Phase::DATA_OWNER_ID),
            cases: part.iter().map(|case| case.planned()).collect(),
            planning_version_id: self.version.to_string(),
            scoping_version_id: self.version.to_string(),
            sample_selection_version_id: self.version.to_string(),
            last: i == last,
            request_id: request_id(),
            total_cases: i64::try_from(cases.len()).unwrap_or_default(),
        };
        parts.enumerate().map(request).collect()
    }

    /// Plans test cases through the service.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn plan(&self, cases: &[Case]) -> Result<()> {
        for request in self.plan_requests(cases, IN_A_MESSAGE) {
            self.gateway.call(request).await?;
        }
        Ok(())
    }

    /// The call that submits a document for test cases.
    pub fn submit_request(&self, test_cases: &[Uuid]) -> wire::SubmitDocumentRequest {
        let (document_type, file_name, media_type, size_bytes) = DOCUMENT;
        wire::SubmitDocumentRequest {
            scope: self.at(Phase::REQUEST_INFO),
            test_case_ids: test_cases.iter().map(Uuid::to_string).collect(),
            document_id: Uuid::new_v4().to_string(),
            document_type: document_type.to_owned(),
            submission_type: wire::SubmissionType::Initial.into(),
            file_name: file_name.to_owned(),
            media_type: media_type.to_owned(),
            size_bytes,
            sha256: CONTENT.to_vec(),
            document_metadata: Some(Struct::default()),
            request_id: request_id(),
            ..Default::default()
        }
    }

    /// The call that accepts a document.
    pub fn review_request(&self, submission_id: Uuid) -> wire::ReviewDocumentRequest {
        wire::ReviewDocumentRequest {
            scope: self.at(Phase::REQUEST_INFO),
            submission_id: submission_id.to_string(),
            verdict: wire::DocumentStatus::Accepted.into(),
            notes: NOTES.to_owned(),
            request_id: request_id(),
            ..Default::default()
        }
    }

    /// The call that concludes an execution.
    pub fn result_request(&self, execution_id: Uuid) -> wire::RecordResultRequest {
        let [expected, found, tolerance] = COMPARED.map(str::to_owned);
        wire::RecordResultRequest {
            scope: self.at(Phase::TEST_EXECUTION),
            execution_id: execution_id.to_string(),
            result: wire::ExecutionResult::Pass.into(),
            expected,
            found,
            tolerance,
            rationale: NOTES.to_owned(),
            request_id: request_id(),
            ..Default::default()
        }
    }

    /// An accepted document of test cases.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn accepted(&self, test_cases: &[Uuid]) -> Result<Uuid> {
        let document = self.owner.call(self.submit_request(test_cases)).await?.document;
        let submission_id = Uuid::parse_str(&document.context("a document")?.submission_id)?;
        self.tester.call(self.review_request(submission_id)).await?;
        Ok(submission_id)
    }

    /// An execution of a test case on a document, under way.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn started(&self, test_case: Uuid, submission_id: Uuid) -> Result<Uuid> {
        let request = wire::StartExecutionRequest {
            scope: self.at(Phase::TEST_EXECUTION),
            test_case_id: test_case.to_string(),
            submission_id: submission_id.to_string(),
            request_id: request_id(),
        };
        let execution = self.tester.call(request).await?.execution;
        Ok(Uuid::parse_str(&execution.context("an execution")?.execution_id)?)
    }

    /// All lanes.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn all(&self) -> Result<Vec<wire::Lane>> {
        let scope = self.at(Phase::DATA_OWNER_ID);
        let request = wire::ListLanesRequest { scope, ..Default::default() };
        Ok(self.tester.call(request).await?.lanes)
    }

    /// The service finds nothing wrong with the workflow, whoever wrote it.
    ///
    /// # Errors
    /// It does.
    pub async fn verify(&self) -> Result<()> {
        desk::verify(&self.tester, self.workflow, feed::Source::Audit).await
    }
}
