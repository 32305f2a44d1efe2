//! The services as tonic mounts them: each method goes to its one function.

use std::pin::Pin;

use futures::Stream;
use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::trail_service_server::{TrailService, TrailServiceServer};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::versioning::v1::versioning_service_server::{
    VersioningService, VersioningServiceServer,
};
use tonic::{Request, Response, Status, Streaming};
use wire::sign_off_service_server::{SignOffService, SignOffServiceServer};

use super::requests::{MAX_BULK_MESSAGE, MAX_MESSAGE};
use super::{changes, export, facts, gates, import, reads, reopening, sign_offs, trail};
use crate::commands::Engine;

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

    /// `signoff.feed.v1.TrailService`.
    pub fn trail(&self) -> TrailServiceServer<Self> {
        TrailServiceServer::new(self.clone()).max_decoding_message_size(MAX_MESSAGE)
    }
}

/// What a method answers as a stream.
pub(super) type Answers<A> = Pin<Box<dyn Stream<Item = Result<A, Status>> + Send>>;

/// Sends each method to its function: unary ones, those with a stream in (`<<`), those with a stream out
/// (`>>`).
macro_rules! methods {
    (
        $service:ident, $wire:ident:
        $($method:ident($request:ident) -> $response:ident = $function:path;)+
        $(<< $in_method:ident($in_request:ident) -> $in_response:ident = $in_function:path;)*
        $(>> $out_method:ident($out_request:ident) -> $out:ident($answer:ident) = $out_function:path;)*
    ) => {
        #[tonic::async_trait]
        impl $service for Rpc {
            $(type $out = Answers<$wire::$answer>;

            async fn $out_method(
                &self,
                request: Request<$wire::$out_request>,
            ) -> Result<Response<Self::$out>, Status> {
                $out_function(&self.engine, request).await
            })*
            $(async fn $in_method(
                &self,
                request: Request<Streaming<$wire::$in_request>>,
            ) -> Result<Response<$wire::$in_response>, Status> {
                $in_function(&self.engine, request).await
            })*
            $(async fn $method(
                &self,
                request: Request<$wire::$request>,
            ) -> Result<Response<$wire::$response>, Status> {
                $function(&self.engine, request).await
            })+
        }
    };
}

methods! {
    VersioningService, wire:
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
    begin_reopen(BeginReopenRequest) -> BeginReopenResponse = reopening::begin_reopen;
    mark_stale(MarkStaleRequest) -> MarkStaleResponse = reopening::mark_stale;
    finish_reopen(FinishReopenRequest) -> FinishReopenResponse = reopening::finish_reopen;
    close_workflow(CloseWorkflowRequest) -> CloseWorkflowResponse = reopening::close_workflow;
    update_remediation(UpdateRemediationRequest) -> UpdateRemediationResponse = facts::update_remediation;
    attach_final_document(AttachFinalDocumentRequest) -> AttachFinalDocumentResponse = facts::attach_final_document;
    << import_decisions(ImportDecisionsRequest) -> ImportDecisionsResponse = import::import_decisions;
    >> export_decisions(ExportDecisionsRequest) -> ExportDecisionsStream(ExportDecisionsResponse) = export::export_decisions;
}

methods! {
    TrailService, feed:
    get_trail(GetTrailRequest) -> GetTrailResponse = trail::get_trail;
    verify_trail(VerifyTrailRequest) -> VerifyTrailResponse = trail::verify_trail;
    >> export_trail(ExportTrailRequest) -> ExportTrailStream(ExportTrailResponse) = trail::export_trail;
}

methods! {
    SignOffService, wire:
    request_sign_offs(RequestSignOffsRequest) -> RequestSignOffsResponse = sign_offs::request;
    sign(SignRequest) -> SignResponse = sign_offs::sign;
    decline(DeclineRequest) -> DeclineResponse = sign_offs::decline;
    delegate(DelegateRequest) -> DelegateResponse = sign_offs::delegate;
    list_sign_offs(ListSignOffsRequest) -> ListSignOffsResponse = sign_offs::list;
}
