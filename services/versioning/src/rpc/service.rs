//! The services as tonic mounts them: each method goes to its one function.

use signoff_backend::methods;
use signoff_backend::rpc::{MAX_MESSAGE, gates};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::versioning::v1::versioning_service_server::{
    VersioningService, VersioningServiceServer,
};
use wire::sign_off_service_server::{SignOffService, SignOffServiceServer};

use super::{changes, export, facts, import, reads, sign_offs};
use crate::commands::Engine;

/// Longest message of the methods that take decisions in bulk, in bytes.
pub(super) const MAX_BULK_MESSAGE: usize = 32 * 1024 * 1024;

/// The services over one engine.
#[derive(Clone, Debug)]
pub struct Rpc {
    engine: Engine,
}

impl Rpc {
    /// The services over this engine.
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// `signoff.versioning.v1.VersioningService`.
    pub fn versioning(&self) -> VersioningServiceServer<Self> {
        VersioningServiceServer::new(self.clone()).max_decoding_message_size(MAX_BULK_MESSAGE)
    }

    /// `signoff.versioning.v1.SignOffService`.
    pub fn sign_offs(&self) -> SignOffServiceServer<Self> {
        SignOffServiceServer::new(self.clone()).max_decoding_message_size(MAX_MESSAGE)
    }
}

methods! {
    VersioningService for Rpc.engine, wire:
    create_version(CreateVersionRequest) -> CreateVersionResponse = changes::create;
    revise_version(ReviseVersionRequest) -> ReviseVersionResponse = changes::revise;
    add_decisions(AddDecisionsRequest) -> AddDecisionsResponse = changes::add;
    update_decision(UpdateDecisionRequest) -> UpdateDecisionResponse = changes::update_decision;
    remove_decisions(RemoveDecisionsRequest) -> RemoveDecisionsResponse = changes::remove;
    update_version(UpdateVersionRequest) -> UpdateVersionResponse = changes::update_version;
    submit_version(SubmitVersionRequest) -> SubmitVersionResponse = changes::submit;
    withdraw_version(WithdrawVersionRequest) -> WithdrawVersionResponse = changes::withdraw;
    review_decisions(ReviewDecisionsRequest) -> ReviewDecisionsResponse = changes::review;
    confirm_modifications(ConfirmModificationsRequest) -> ConfirmModificationsResponse = changes::confirm;
    approve_version(ApproveVersionRequest) -> ApproveVersionResponse = changes::approve;
    reject_version(RejectVersionRequest) -> RejectVersionResponse = changes::reject;
    delete_version(DeleteVersionRequest) -> DeleteVersionResponse = changes::delete;
    get_version(GetVersionRequest) -> GetVersionResponse = reads::get_version;
    get_current_version(GetCurrentVersionRequest) -> GetCurrentVersionResponse = reads::get_current_version;
    list_versions(ListVersionsRequest) -> ListVersionsResponse = reads::list_versions;
    list_decisions(ListDecisionsRequest) -> ListDecisionsResponse = reads::list_decisions;
    get_lineage(GetLineageRequest) -> GetLineageResponse = reads::get_lineage;
    compare_versions(CompareVersionsRequest) -> CompareVersionsResponse = reads::compare_versions;
    list_artifacts(ListArtifactsRequest) -> ListArtifactsResponse = reads::list_artifacts;
    locate_version(LocateVersionRequest) -> LocateVersionResponse = reads::locate_version;
    get_phase_status(GetPhaseStatusRequest) -> GetPhaseStatusResponse = gates::get_phase_status;
    begin_open(BeginOpenRequest) -> BeginOpenResponse = gates::begin_open;
    open(OpenRequest) -> OpenResponse = gates::open;
    fence(FenceRequest) -> FenceResponse = gates::fence;
    seal(SealRequest) -> SealResponse = gates::seal;
    release_seal(ReleaseSealRequest) -> ReleaseSealResponse = gates::release_seal;
    begin_reopen(BeginReopenRequest) -> BeginReopenResponse = gates::begin_reopen;
    mark_stale(MarkStaleRequest) -> MarkStaleResponse = gates::mark_stale;
    finish_reopen(FinishReopenRequest) -> FinishReopenResponse = gates::finish_reopen;
    close_workflow(CloseWorkflowRequest) -> CloseWorkflowResponse = gates::close_workflow;
    update_remediation(UpdateRemediationRequest) -> UpdateRemediationResponse = facts::update_remediation;
    attach_final_document(AttachFinalDocumentRequest) -> AttachFinalDocumentResponse = facts::attach_final_document;
    << import_decisions(ImportDecisionsRequest) -> ImportDecisionsResponse = import::import_decisions;
    >> export_decisions(ExportDecisionsRequest) -> ExportDecisionsStream(ExportDecisionsResponse) = export::export_decisions;
}

methods! {
    SignOffService for Rpc.engine, wire:
    request_sign_offs(RequestSignOffsRequest) -> RequestSignOffsResponse = sign_offs::request;
    sign(SignRequest) -> SignResponse = sign_offs::sign;
    decline(DeclineRequest) -> DeclineResponse = sign_offs::decline;
    delegate(DelegateRequest) -> DelegateResponse = sign_offs::delegate;
    list_sign_offs(ListSignOffsRequest) -> ListSignOffsResponse = sign_offs::list;
}
