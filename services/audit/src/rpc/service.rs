//! The services as tonic mounts them: each method goes to its one function.

use signoff_backend::methods;
use signoff_backend::rpc::{MAX_MESSAGE, gates};
use signoff_contract::audit::v1 as wire;
use wire::audit_phase_service_server::{AuditPhaseService, AuditPhaseServiceServer};
use wire::data_owner_service_server::{DataOwnerService, DataOwnerServiceServer};
use wire::document_service_server::{DocumentService, DocumentServiceServer};
use wire::test_case_service_server::{TestCaseService, TestCaseServiceServer};
use wire::test_execution_service_server::{TestExecutionService, TestExecutionServiceServer};

/// The messages of [`AuditPhaseService`]: those of the gates are the same type for both services.
mod phase {
    pub(super) use signoff_contract::audit::v1::{
        ListChangesRequest, ListChangesResponse, RecordChangeRequest, RecordChangeResponse,
    };
    pub(super) use signoff_contract::versioning::v1::{
        BeginOpenRequest, BeginOpenResponse, BeginReopenRequest, BeginReopenResponse,
        CloseWorkflowRequest, CloseWorkflowResponse, FenceRequest, FenceResponse,
        FinishReopenRequest, FinishReopenResponse, GetPhaseStatusRequest, GetPhaseStatusResponse,
        MarkStaleRequest, MarkStaleResponse, OpenRequest, OpenResponse, ReleaseSealRequest,
        ReleaseSealResponse, SealRequest, SealResponse,
    };
}

use super::{cases, changes, documents, executions, owners};
use crate::commands::Engine;

/// The services over one engine.
#[derive(Clone, Debug)]
pub struct Rpc {
    engine: Engine,
}

/// A service as it is mounted.
macro_rules! mounted {
    ($($(#[$doc:meta])* $name:ident: $server:ident;)+) => {
        impl Rpc {
            $($(#[$doc])*
            pub fn $name(&self) -> $server<Self> {
                $server::new(self.clone()).max_decoding_message_size(MAX_MESSAGE)
            })+
        }
    };
}

mounted! {
    /// `signoff.audit.v1.DataOwnerService`.
    data_owners: DataOwnerServiceServer;
    /// `signoff.audit.v1.TestCaseService`.
    test_cases: TestCaseServiceServer;
    /// `signoff.audit.v1.DocumentService`.
    documents: DocumentServiceServer;
    /// `signoff.audit.v1.TestExecutionService`.
    test_executions: TestExecutionServiceServer;
    /// `signoff.audit.v1.AuditPhaseService`.
    phases: AuditPhaseServiceServer;
}

impl Rpc {
    /// The services over this engine.
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

methods! {
    DataOwnerService for Rpc.engine, wire:
    assign_data_owner(AssignDataOwnerRequest) -> AssignDataOwnerResponse = owners::assign;
    transfer_data_owner(TransferDataOwnerRequest) -> TransferDataOwnerResponse = owners::transfer;
    deactivate_data_owner(DeactivateDataOwnerRequest) -> DeactivateDataOwnerResponse = owners::deactivate;
    list_assignments(ListAssignmentsRequest) -> ListAssignmentsResponse = owners::list;
    get_assignment_history(GetAssignmentHistoryRequest) -> GetAssignmentHistoryResponse = owners::history;
}

methods! {
    TestCaseService for Rpc.engine, wire:
    plan_test_cases(PlanTestCasesRequest) -> PlanTestCasesResponse = cases::plan;
    get_test_plan(GetTestPlanRequest) -> GetTestPlanResponse = cases::get_plan;
    list_test_cases(ListTestCasesRequest) -> ListTestCasesResponse = cases::list;
    get_lane(GetLaneRequest) -> GetLaneResponse = cases::get_lane;
    list_lanes(ListLanesRequest) -> ListLanesResponse = cases::list_lanes;
}

methods! {
    DocumentService for Rpc.engine, wire:
    submit_document(SubmitDocumentRequest) -> SubmitDocumentResponse = documents::submit;
    revise_document(ReviseDocumentRequest) -> ReviseDocumentResponse = documents::revise;
    review_document(ReviewDocumentRequest) -> ReviewDocumentResponse = documents::review;
    list_documents(ListDocumentsRequest) -> ListDocumentsResponse = documents::list;
    get_document_history(GetDocumentHistoryRequest) -> GetDocumentHistoryResponse = documents::history;
}

methods! {
    TestExecutionService for Rpc.engine, wire:
    start_execution(StartExecutionRequest) -> StartExecutionResponse = executions::start;
    record_result(RecordResultRequest) -> RecordResultResponse = executions::record_result;
    request_action(RequestActionRequest) -> RequestActionResponse = executions::request_action;
    respond_to_action(RespondToActionRequest) -> RespondToActionResponse = executions::respond;
    list_executions(ListExecutionsRequest) -> ListExecutionsResponse = executions::list;
    batch_get_executions(BatchGetExecutionsRequest) -> BatchGetExecutionsResponse = executions::batch_get;
    list_actions(ListActionsRequest) -> ListActionsResponse = executions::list_actions;
}

methods! {
    AuditPhaseService for Rpc.engine, phase:
    get_phase_status(GetPhaseStatusRequest) -> GetPhaseStatusResponse = gates::get_phase_status;
    list_changes(ListChangesRequest) -> ListChangesResponse = changes::list;
    record_change(RecordChangeRequest) -> RecordChangeResponse = changes::record;
    begin_open(BeginOpenRequest) -> BeginOpenResponse = gates::begin_open;
    open(OpenRequest) -> OpenResponse = gates::open;
    fence(FenceRequest) -> FenceResponse = gates::fence;
    seal(SealRequest) -> SealResponse = gates::seal;
    release_seal(ReleaseSealRequest) -> ReleaseSealResponse = gates::release_seal;
    begin_reopen(BeginReopenRequest) -> BeginReopenResponse = gates::begin_reopen;
    mark_stale(MarkStaleRequest) -> MarkStaleResponse = gates::mark_stale;
    finish_reopen(FinishReopenRequest) -> FinishReopenResponse = gates::finish_reopen;
    close_workflow(CloseWorkflowRequest) -> CloseWorkflowResponse = gates::close_workflow;
}
