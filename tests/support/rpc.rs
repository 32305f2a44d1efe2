//! Any method of the services, by its request or by its bytes.

use std::sync::LazyLock;
use std::time::Duration;

use prost::Message;
use prost::bytes::{Buf as _, BufMut as _};
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, ReflectMessage as _, Value};
use signoff_contract::audit::v1 as audit;
use signoff_contract::feed::v1 as feed;
use signoff_contract::gateway::v1 as gateway;
use signoff_contract::metrics::v1 as metrics;
use signoff_contract::versioning::v1 as wire;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};

use crate::people::{MAX_ANSWER, Person};
use crate::refusals::is_away;
use crate::wait::until;

/// A request of a method.
pub trait Rpc: Message + Default {
    /// What it answers.
    type Answer: Message + Default + std::fmt::Debug;
    /// `/package.Service/Method`.
    const PATH: &'static str;
}

macro_rules! rpcs {
    ($service:literal, $wire:ident: $($method:ident($request:ident) -> $answer:ident,)+) => {
        $(impl Rpc for $wire::$request {
            type Answer = $wire::$answer;
            const PATH: &'static str = concat!("/", $service, "/", stringify!($method));
        })+
    };
}

rpcs! {
    "signoff.versioning.v1.VersioningService", wire:
    AddDecisions(AddDecisionsRequest) -> AddDecisionsResponse,
    ApproveVersion(ApproveVersionRequest) -> ApproveVersionResponse,
    AttachFinalDocument(AttachFinalDocumentRequest) -> AttachFinalDocumentResponse,
    BeginOpen(BeginOpenRequest) -> BeginOpenResponse,
    BeginReopen(BeginReopenRequest) -> BeginReopenResponse,
    CloseWorkflow(CloseWorkflowRequest) -> CloseWorkflowResponse,
    CompareVersions(CompareVersionsRequest) -> CompareVersionsResponse,
    ConfirmModifications(ConfirmModificationsRequest) -> ConfirmModificationsResponse,
    CreateVersion(CreateVersionRequest) -> CreateVersionResponse,
    DeleteVersion(DeleteVersionRequest) -> DeleteVersionResponse,
    Fence(FenceRequest) -> FenceResponse,
    FinishReopen(FinishReopenRequest) -> FinishReopenResponse,
    GetCurrentVersion(GetCurrentVersionRequest) -> GetCurrentVersionResponse,
    GetLineage(GetLineageRequest) -> GetLineageResponse,
    GetPhaseStatus(GetPhaseStatusRequest) -> GetPhaseStatusResponse,
    GetVersion(GetVersionRequest) -> GetVersionResponse,
    ListArtifacts(ListArtifactsRequest) -> ListArtifactsResponse,
    ListDecisions(ListDecisionsRequest) -> ListDecisionsResponse,
    ListVersions(ListVersionsRequest) -> ListVersionsResponse,
    LocateVersion(LocateVersionRequest) -> LocateVersionResponse,
    MarkStale(MarkStaleRequest) -> MarkStaleResponse,
    Open(OpenRequest) -> OpenResponse,
    RejectVersion(RejectVersionRequest) -> RejectVersionResponse,
    ReleaseSeal(ReleaseSealRequest) -> ReleaseSealResponse,
    RemoveDecisions(RemoveDecisionsRequest) -> RemoveDecisionsResponse,
    ReviewDecisions(ReviewDecisionsRequest) -> ReviewDecisionsResponse,
    ReviseVersion(ReviseVersionRequest) -> ReviseVersionResponse,
    Seal(SealRequest) -> SealResponse,
    SubmitVersion(SubmitVersionRequest) -> SubmitVersionResponse,
    UpdateDecision(UpdateDecisionRequest) -> UpdateDecisionResponse,
    UpdateRemediation(UpdateRemediationRequest) -> UpdateRemediationResponse,
    UpdateVersion(UpdateVersionRequest) -> UpdateVersionResponse,
    WithdrawVersion(WithdrawVersionRequest) -> WithdrawVersionResponse,
}

rpcs! {
    "signoff.versioning.v1.SignOffService", wire:
    Decline(DeclineRequest) -> DeclineResponse,
    Delegate(DelegateRequest) -> DelegateResponse,
    ListSignOffs(ListSignOffsRequest) -> ListSignOffsResponse,
    RequestSignOffs(RequestSignOffsRequest) -> RequestSignOffsResponse,
    Sign(SignRequest) -> SignResponse,
}

rpcs! {
    "signoff.feed.v1.TrailService", feed:
    GetTrail(GetTrailRequest) -> GetTrailResponse,
    VerifyTrail(VerifyTrailRequest) -> VerifyTrailResponse,
}

rpcs! {
    "signoff.metrics.v1.MetricsService", metrics:
    GetFreshness(GetFreshnessRequest) -> GetFreshnessResponse,
    GetPhaseMetrics(GetPhaseMetricsRequest) -> GetPhaseMetricsResponse,
    GetWorkflowMetrics(GetWorkflowMetricsRequest) -> GetWorkflowMetricsResponse,
    QuerySeries(QuerySeriesRequest) -> QuerySeriesResponse,
    Rebuild(RebuildRequest) -> RebuildResponse,
}

rpcs! {
    "signoff.audit.v1.DataOwnerService", audit:
    AssignDataOwner(AssignDataOwnerRequest) -> AssignDataOwnerResponse,
    TransferDataOwner(TransferDataOwnerRequest) -> TransferDataOwnerResponse,
    DeactivateDataOwner(DeactivateDataOwnerRequest) -> DeactivateDataOwnerResponse,
    ListAssignments(ListAssignmentsRequest) -> ListAssignmentsResponse,
    GetAssignmentHistory(GetAssignmentHistoryRequest) -> GetAssignmentHistoryResponse,
}

rpcs! {
    "signoff.audit.v1.TestCaseService", audit:
    PlanTestCases(PlanTestCasesRequest) -> PlanTestCasesResponse,
    GetTestPlan(GetTestPlanRequest) -> GetTestPlanResponse,
    ListTestCases(ListTestCasesRequest) -> ListTestCasesResponse,
    GetLane(GetLaneRequest) -> GetLaneResponse,
    ListLanes(ListLanesRequest) -> ListLanesResponse,
}

rpcs! {
    "signoff.audit.v1.DocumentService", audit:
    SubmitDocument(SubmitDocumentRequest) -> SubmitDocumentResponse,
    ReviseDocument(ReviseDocumentRequest) -> ReviseDocumentResponse,
    ReviewDocument(ReviewDocumentRequest) -> ReviewDocumentResponse,
    ListDocuments(ListDocumentsRequest) -> ListDocumentsResponse,
    GetDocumentHistory(GetDocumentHistoryRequest) -> GetDocumentHistoryResponse,
}

rpcs! {
    "signoff.audit.v1.TestExecutionService", audit:
    StartExecution(StartExecutionRequest) -> StartExecutionResponse,
    RecordResult(RecordResultRequest) -> RecordResultResponse,
    RequestAction(RequestActionRequest) -> RequestActionResponse,
    RespondToAction(RespondToActionRequest) -> RespondToActionResponse,
    ListExecutions(ListExecutionsRequest) -> ListExecutionsResponse,
    BatchGetExecutions(BatchGetExecutionsRequest) -> BatchGetExecutionsResponse,
    ListActions(ListActionsRequest) -> ListActionsResponse,
}

rpcs! {
    "signoff.audit.v1.AuditPhaseService", audit:
    ListChanges(ListChangesRequest) -> ListChangesResponse,
    RecordChange(RecordChangeRequest) -> RecordChangeResponse,
}

rpcs! {
    "signoff.gateway.v1.WorkflowService", gateway:
    OpenWorkflow(OpenWorkflowRequest) -> OpenWorkflowResponse,
    CloseWorkflow(CloseWorkflowRequest) -> CloseWorkflowResponse,
    GetWorkflow(GetWorkflowRequest) -> GetWorkflowResponse,
    ListWorkflows(ListWorkflowsRequest) -> ListWorkflowsResponse,
    SetMembers(SetMembersRequest) -> SetMembersResponse,
    ListMembers(ListMembersRequest) -> ListMembersResponse,
    SetLobs(SetLobsRequest) -> SetLobsResponse,
    ListLobs(ListLobsRequest) -> ListLobsResponse,
    GetBoard(GetBoardRequest) -> GetBoardResponse,
}

rpcs! {
    "signoff.gateway.v1.PhaseService", gateway:
    CreateVersion(CreateVersionRequest) -> CreateVersionResponse,
    GetCurrentVersion(GetCurrentVersionRequest) -> GetCurrentVersionResponse,
    GetVersionHistory(GetVersionHistoryRequest) -> GetVersionHistoryResponse,
    ApproveVersion(ApproveVersionRequest) -> ApproveVersionResponse,
    StartPhase(StartPhaseRequest) -> StartPhaseResponse,
    ReopenPhase(ReopenPhaseRequest) -> ReopenPhaseResponse,
    ReaffirmPhase(ReaffirmPhaseRequest) -> ReaffirmPhaseResponse,
    PlanTestCases(PlanTestCasesRequest) -> PlanTestCasesResponse,
    ExplainGate(ExplainGateRequest) -> ExplainGateResponse,
}

/// Where the gate methods of the audit service are. Their messages are those of versioning.
const AUDIT_PHASES: &str = "/signoff.audit.v1.AuditPhaseService/";

/// A request whose type does not matter.
#[derive(Clone, Debug)]
pub struct Sent {
    /// `/package.Service/Method`.
    pub path: String,
    /// The message.
    pub bytes: Vec<u8>,
}

impl Sent {
    /// A request.
    pub fn of<R: Rpc>(request: &R) -> Self {
        Self { path: R::PATH.to_owned(), bytes: request.encode_to_vec() }
    }

    /// A request of a method that both services have, to audit's.
    pub fn to_audit<R: Rpc>(request: &R) -> Self {
        let sent = Self::of(request);
        Self { path: format!("{AUDIT_PHASES}{}", sent.method()), bytes: sent.bytes }
    }

    /// The method's own name.
    pub fn method(&self) -> &str {
        self.path.rsplit('/').next().expect("a path")
    }

    /// Whether the request has a field.
    pub fn has(&self, field: &str) -> bool {
        self.message().descriptor().get_field_by_name(field).is_some()
    }

    /// With another value of a text field.
    #[must_use]
    pub fn with(&self, field: &str, text: &str) -> Self {
        self.with_value(field, Value::String(text.to_owned()))
    }

    /// With another value of a field.
    #[must_use]
    pub fn with_value(&self, field: &str, value: Value) -> Self {
        let mut message = self.message();
        message.set_field_by_name(field, value);
        Self { bytes: message.encode_to_vec(), ..self.clone() }
    }

    /// The message, whatever its type.
    pub fn message(&self) -> DynamicMessage {
        let input = self.descriptor().input();
        DynamicMessage::decode(input, self.bytes.as_slice()).expect("the method's request")
    }

    /// The message of its answer, whatever its type.
    pub fn answer(&self, bytes: &[u8]) -> DynamicMessage {
        DynamicMessage::decode(self.descriptor().output(), bytes).expect("the method's answer")
    }

    fn descriptor(&self) -> MethodDescriptor {
        let (service, method) = self.path[1..].split_once('/').expect("a path");
        let service = descriptors().get_service_by_name(service).expect("a service");
        let mut methods = service.methods();
        methods.find(|known| known.name() == method).expect("a method")
    }
}

/// The paths of all methods of the versioning service, sorted.
pub fn versioning_methods() -> Vec<String> {
    let elsewhere = |path: &String| {
        let packages = ["/signoff.audit.", "/signoff.gateway.", "/signoff.metrics."];
        packages.iter().any(|package| path.starts_with(package))
    };
    methods().into_iter().filter(|path| !elsewhere(path)).collect()
}

/// The paths of all methods of the versioning service whose request is one message that has a field,
/// sorted. A stream of them is another matter.
pub fn methods_with(field: &str) -> Vec<String> {
    let has = |path: &String| {
        let sent = Sent { path: path.clone(), bytes: Vec::new() };
        sent.has(field) && !sent.descriptor().is_client_streaming()
    };
    versioning_methods().into_iter().filter(has).collect()
}

/// The descriptors of the contracts.
pub fn descriptors() -> DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        DescriptorPool::decode(signoff_contract::DESCRIPTOR_SET).expect("descriptors")
    });
    POOL.clone()
}

/// The paths of all methods of all services, sorted.
pub fn methods() -> Vec<String> {
    let pool = descriptors();
    let mut paths: Vec<String> = pool
        .services()
        .flat_map(|service| {
            let name = service.full_name().to_owned();
            let methods: Vec<_> = service.methods().collect();
            methods.into_iter().map(move |method| format!("/{name}/{}", method.name()))
        })
        .collect();
    paths.sort();
    paths
}

impl Person {
    /// Calls the method of a request.
    pub async fn call<R: Rpc>(&self, request: R) -> Result<R::Answer, Status> {
        let sent = Sent::of(&request);
        let answer =
            if self.is_patient { self.insist(&sent).await } else { self.send(&sent).await };
        Ok(R::Answer::decode(answer?.as_slice()).expect("the method's answer"))
    }

    /// Sends the same request until the database is there.
    async fn insist(&self, sent: &Sent) -> Result<Vec<u8>, Status> {
        until("an answer", || async {
            match self.send(sent).await {
                Err(status) if is_away(&status) => None,
                told => Some(told),
            }
        })
        .await
    }

    /// Calls the method of audit's that versioning has, too.
    pub async fn call_audit<R: Rpc>(&self, request: R) -> Result<R::Answer, Status> {
        let answer = self.send(&Sent::to_audit(&request)).await?;
        Ok(R::Answer::decode(answer.as_slice()).expect("the method's answer"))
    }

    /// Sends bytes to a method, and gives the first message of its answer, of which there may be many.
    pub async fn first_answer(&self, sent: &Sent) -> Result<Option<Vec<u8>>, Status> {
        let mut client = tonic::client::Grpc::new(self.connection.clone())
            .max_decoding_message_size(MAX_ANSWER)
            .max_encoding_message_size(MAX_ANSWER);
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::try_from(sent.path.as_str()).expect("a path");
        let request = Request::new(sent.bytes.clone());
        let mut answers = client.server_streaming(request, path, AsBytes).await?.into_inner();
        answers.message().await
    }

    /// Sends messages to a method of any kind, and gives its answers: up to `most` of them. Of one that
    /// answers without an end, give a `quiet` time: after its first answer, no more is taken once it said
    /// nothing for so long. All others are listened to until they end, which is when they say how.
    pub async fn exchange(
        &self,
        path: &str,
        messages: Vec<Vec<u8>>,
        (most, quiet): (usize, Option<Duration>),
    ) -> Result<Vec<Vec<u8>>, Status> {
        let mut client = tonic::client::Grpc::new(self.connection.clone())
            .max_decoding_message_size(MAX_ANSWER)
            .max_encoding_message_size(MAX_ANSWER);
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::try_from(path).expect("a path");
        let messages = Request::new(futures::stream::iter(messages));
        let mut answers = client.streaming(messages, path, AsBytes).await?.into_inner();
        let mut heard = Vec::new();
        while heard.len() < most {
            let next = answers.message();
            let answer = match quiet.filter(|_| !heard.is_empty()) {
                None => next.await,
                Some(quiet) => match tokio::time::timeout(quiet, next).await {
                    Ok(answer) => answer,
                    Err(_elapsed) => break,
                },
            };
            let Some(answer) = answer? else { break };
            heard.push(answer);
        }
        Ok(heard)
    }

    /// Sends bytes to a method, and gives the answer's.
    pub async fn send(&self, sent: &Sent) -> Result<Vec<u8>, Status> {
        let mut client = tonic::client::Grpc::new(self.connection.clone())
            .max_decoding_message_size(MAX_ANSWER)
            .max_encoding_message_size(MAX_ANSWER);
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::try_from(sent.path.as_str()).expect("a path");
        let request = Request::new(sent.bytes.clone());
        Ok(client.unary(request, path, AsBytes).await?.into_inner())
    }
}

/// Leaves messages as they are.
#[derive(Clone, Copy, Debug)]
struct AsBytes;

impl Codec for AsBytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsBytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}
