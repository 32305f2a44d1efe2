//! Test executions at the audit service, from the plan to their results.

use std::sync::Arc;

use signoff_chassis::identity::SigningKey;
use signoff_contract::audit::v1 as audit;
use signoff_contract::versioning::v1 as versioning;
use signoff_contract::workflow::v1::Foundation;
use signoff_workflow::{Phase, PhaseTable, Role, Workflow};
use tonic::transport::Channel;
use uuid::Uuid;

use audit::audit_phase_service_client::AuditPhaseServiceClient;
use audit::data_owner_service_client::DataOwnerServiceClient;
use audit::document_service_client::DocumentServiceClient;
use audit::test_case_service_client::TestCaseServiceClient;
use audit::test_execution_service_client::TestExecutionServiceClient;

use crate::connection::Connection;
use crate::people::{Person, request_id, scope};

const OWNERS: Phase = Phase::DATA_OWNER_ID;
const DOCUMENTS: Phase = Phase::REQUEST_INFO;
const TESTS: Phase = Phase::TEST_EXECUTION;
/// Who owns the data.
const OWNER: i64 = 50;

/// The executions of a workflow, by their ids: each of a test case of its own.
#[derive(Clone, Debug, Default)]
pub struct Tested {
    /// Those that failed.
    pub concluded: Vec<String>,
    /// Those that are under way.
    pub open: Vec<String>,
}

impl Tested {
    /// The concluded ones with these numbers, from 0.
    pub fn these(&self, numbers: &[u32]) -> Vec<String> {
        let one = |number: &u32| self.concluded[usize::try_from(*number).unwrap()].clone();
        numbers.iter().map(one).collect()
    }
}

/// Opens the three phases that the audit service keeps, and has test cases tested: so many with a
/// result, and so many without. Once for each workflow.
pub async fn tested(
    key: &Arc<SigningKey>,
    channel: Channel,
    workflow: Workflow,
    (concluded, open): (u32, u32),
) -> Tested {
    let person =
        |id, on, roles: &[Role]| Person::new(key, channel.clone(), id, on, roles).connection;
    let gateway = person(1, None, &[Role::Gateway]);
    let tester = person(10, Some(workflow), &[Role::Tester]);
    let owner = person(OWNER, Some(workflow), &[]);
    let here = |phase| Some(scope(workflow, phase));

    let mut phases = AuditPhaseServiceClient::new(gateway.clone());
    for phase in [OWNERS, DOCUMENTS, TESTS] {
        let begin = versioning::BeginOpenRequest {
            scope: here(phase),
            request_id: request_id(),
            reaffirm: false,
        };
        let attempt = phases.begin_open(begin).await.unwrap().into_inner().attempt;
        let row = PhaseTable::standard().get(phase).unwrap();
        let rests_on = row
            .rests_on
            .iter()
            .map(|phase| Foundation { phase: phase.number(), ..Default::default() })
            .collect();
        let request_id = request_id();
        let open = versioning::OpenRequest { scope: here(phase), request_id, attempt, rests_on };
        phases.open(open).await.unwrap();
    }

    let lob = Uuid::new_v4().to_string();
    let assign = audit::AssignDataOwnerRequest {
        scope: here(OWNERS),
        request_id: request_id(),
        data_owner_id: OWNER,
        lob_id: lob.clone(),
        assignment_type: audit::AssignmentType::Primary.into(),
        ..Default::default()
    };
    DataOwnerServiceClient::new(tester.clone()).assign_data_owner(assign).await.unwrap();
    let attribute = Uuid::new_v4().to_string();
    let cases = (0..concluded + open).map(|number| audit::PlannedCase {
        sample_item_key: format!("S-{number:06}"),
        attribute_id: attribute.clone(),
        lob_id: lob.clone(),
    });
    let plan = audit::PlanTestCasesRequest {
        scope: here(OWNERS),
        request_id: request_id(),
        total_cases: 0,
        cases: cases.collect(),
        planning_version_id: Uuid::new_v4().to_string(),
        scoping_version_id: Uuid::new_v4().to_string(),
        sample_selection_version_id: Uuid::new_v4().to_string(),
        last: true,
    };
    TestCaseServiceClient::new(gateway).plan_test_cases(plan).await.unwrap();
    let list =
        audit::ListTestCasesRequest { scope: here(OWNERS), page_size: 1_000, ..Default::default() };
    let listed = TestCaseServiceClient::new(tester.clone()).list_test_cases(list).await.unwrap();
    let cases: Vec<String> =
        listed.into_inner().test_cases.into_iter().map(|case| case.test_case_id).collect();
    assert_eq!(cases.len(), usize::try_from(concluded + open).unwrap());

    let submit = audit::SubmitDocumentRequest {
        scope: here(DOCUMENTS),
        request_id: request_id(),
        test_case_ids: cases.clone(),
        document_id: Uuid::new_v4().to_string(),
        document_type: "statement".to_owned(),
        submission_type: audit::SubmissionType::Initial.into(),
        file_name: "statement.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        size_bytes: 1,
        sha256: vec![7; 32],
        ..Default::default()
    };
    let submitted = DocumentServiceClient::new(owner).submit_document(submit).await.unwrap();
    let submission_id = submitted.into_inner().document.unwrap().submission_id;

    let mut tests = TestExecutionServiceClient::new(tester);
    let mut tested = Tested::default();
    for (number, test_case_id) in (0..).zip(cases) {
        let start = audit::StartExecutionRequest {
            scope: here(TESTS),
            request_id: request_id(),
            test_case_id,
            submission_id: submission_id.clone(),
        };
        let started = tests.start_execution(start).await.unwrap().into_inner();
        let execution_id = started.execution.unwrap().execution_id;
        if number < concluded {
            conclude(&mut tests, workflow, &execution_id).await;
            tested.concluded.push(execution_id);
        } else {
            tested.open.push(execution_id);
        }
    }
    tested
}

/// A tester of the audit service says that a test failed.
pub async fn fail(key: &Arc<SigningKey>, channel: Channel, workflow: Workflow, execution_id: &str) {
    let tester = Person::new(key, channel, 10, Some(workflow), &[Role::Tester]).connection;
    conclude(&mut TestExecutionServiceClient::new(tester), workflow, execution_id).await;
}

type Tests = TestExecutionServiceClient<Connection>;

async fn conclude(tests: &mut Tests, workflow: Workflow, execution_id: &str) {
    let result = audit::RecordResultRequest {
        scope: Some(scope(workflow, TESTS)),
        request_id: request_id(),
        execution_id: execution_id.to_owned(),
        result: audit::ExecutionResult::Fail.into(),
        rationale: "it is not what was expected".to_owned(),
        ..Default::default()
    };
    tests.record_result(result).await.unwrap();
}
