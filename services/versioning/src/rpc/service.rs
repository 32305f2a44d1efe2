//! The services as tonic mounts them: each method goes to its one function.

use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::trail_service_server::{TrailService, TrailServiceServer};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::versioning::v1::versioning_service_server::{
    VersioningService, VersioningServiceServer,
};
use tonic::{Request, Response, Status};

use super::requests::{MAX_BULK_MESSAGE, MAX_MESSAGE};
use super::{changes, gates, reads, trail};
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

    /// `signoff.feed.v1.TrailService`.
    pub fn trail(&self) -> TrailServiceServer<Self> {
        TrailServiceServer::new(self.clone()).max_decoding_message_size(MAX_MESSAGE)
    }
}

/// Sends each method to its function.
macro_rules! methods {
    ($service:ident, $wire:ident: $($method:ident($request:ident) -> $response:ident = $function:path;)+) => {
        #[tonic::async_trait]
        impl $service for Rpc {
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
}

methods! {
    TrailService, feed:
    get_trail(GetTrailRequest) -> GetTrailResponse = trail::get_trail;
    verify_trail(VerifyTrailRequest) -> VerifyTrailResponse = trail::verify_trail;
}
