//! A server of one small service, through real sockets.

use std::sync::Arc;
use std::time::Duration;

use signoff_chassis::Admission;
use signoff_chassis::identity::{
    AUDIENCE, AssertionVerifier, Claims, Jwks, KeySource, LOCAL_ISSUER, SigningKey, TokenOptions,
    TokenVerifier, VerifierOptions,
};
use signoff_chassis::monitor::Monitor;
use signoff_chassis::server::{Listener, Mount, Server, ServerError, ServerOptions};
use signoff_contract::convert::{PhaseNeed, scope_from_wire, workflow_to_wire};
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_contract::feed::v1::trail_service_server::{TrailService, TrailServiceServer};
use signoff_contract::feed::v1::{
    ExportTrailRequest, ExportTrailResponse, GetTrailRequest, GetTrailResponse, TrailRecord,
    VerifyTrailRequest, VerifyTrailResponse,
};
use signoff_contract::workflow::v1 as wire;
use signoff_workflow::{PhaseTable, Role, Violations, Workflow};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use uuid::Uuid;

pub(crate) const WORKFLOW: Workflow =
    Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
pub(crate) const OTHER: Workflow =
    Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(3) };
pub(crate) const GET_TRAIL: &str = "/signoff.feed.v1.TrailService/GetTrail";
pub(crate) const VERIFY_TRAIL: &str = "/signoff.feed.v1.TrailService/VerifyTrail";

/// The page token with which `GetTrail` panics.
pub(crate) const PANIC: &str = "panic";
/// The page token with which `GetTrail` fails in words that are not for clients.
pub(crate) const LEAK: &str = "leak";

/// `GetTrail` answers with the actor; `VerifyTrail` says that it was reached, and never answers.
struct Handler {
    reached: Arc<Notify>,
}

#[tonic::async_trait]
impl TrailService for Handler {
    async fn get_trail(
        &self,
        request: Request<GetTrailRequest>,
    ) -> Result<Response<GetTrailResponse>, Status> {
        let admission = Admission::from(&request)?;
        let mut violations = Violations::default();
        let table = PhaseTable::standard();
        let GetTrailRequest { scope, page_token, .. } = request.into_inner();
        let scope = scope_from_wire(scope, "scope", PhaseNeed::Optional, table, &mut violations);
        let Some(scope) = scope else {
            return Err(signoff_chassis::Refusal::invalid(violations).into());
        };
        let row = scope.phase.and_then(|phase| table.get(phase));
        let actor = admission.permit(Some(scope.workflow), row)?;
        assert_ne!(page_token, PANIC, "as the test asked for");
        if page_token == LEAK {
            return Err(Status::internal("password authentication failed for user x"));
        }
        let record = TrailRecord {
            actor_user_id: actor.user_id,
            actor_subject: actor.subject,
            method: actor.method,
            ..TrailRecord::default()
        };
        Ok(Response::new(GetTrailResponse { records: vec![record], ..Default::default() }))
    }

    async fn verify_trail(
        &self,
        _request: Request<VerifyTrailRequest>,
    ) -> Result<Response<VerifyTrailResponse>, Status> {
        self.reached.notify_one();
        std::future::pending().await
    }

    type ExportTrailStream = tokio_stream::Empty<Result<ExportTrailResponse, Status>>;

    async fn export_trail(
        &self,
        _request: Request<ExportTrailRequest>,
    ) -> Result<Response<Self::ExportTrailStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

pub(crate) struct Running {
    pub(crate) key: SigningKey,
    /// The identity provider's, if the server knows one.
    pub(crate) provider: SigningKey,
    pub(crate) folder: TempDir,
    pub(crate) channel: Channel,
    pub(crate) shutdown: CancellationToken,
    pub(crate) served: JoinHandle<Result<(), ServerError>>,
    /// Told whenever `VerifyTrail` is reached.
    pub(crate) reached: Arc<Notify>,
}

impl Running {
    /// A server that knows no identity provider.
    pub(crate) async fn start(options: ServerOptions) -> Self {
        Self::start_with(false, options, None).await
    }

    /// A server that is watched.
    pub(crate) async fn monitored(options: ServerOptions, monitor: Monitor) -> Self {
        Self::start_with(false, options, Some(monitor)).await
    }

    /// A server where services may read with tokens of their own.
    pub(crate) async fn with_provider() -> Self {
        Self::start_with(true, ServerOptions::default(), None).await
    }

    async fn start_with(
        has_provider: bool,
        options: ServerOptions,
        monitor: Option<Monitor>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, provider) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let jwks = [("jwks.json", &key), ("provider-jwks.json", &provider)].map(|(name, key)| {
            let path = folder.path().join(name);
            Jwks::of([key]).save(&path).unwrap();
            path
        });
        let [jwks, provider_jwks] = jwks;
        let strict = VerifierOptions { leeway: Duration::ZERO, ..VerifierOptions::default() };
        let verifier = Arc::new(AssertionVerifier::new(vec![jwks], strict).unwrap());

        let reached = Arc::new(Notify::new());
        let handler = Handler { reached: Arc::clone(&reached) };
        let mount = Mount::new().with(TrailServiceServer::new(handler));
        let mut server = Server::new(mount, verifier, options).await.unwrap();
        if has_provider {
            let source = KeySource::File(provider_jwks);
            let tokens = TokenOptions::new(LOCAL_ISSUER, AUDIENCE, source);
            server = server.with_tokens(Arc::new(TokenVerifier::open(tokens).await.unwrap()));
        }
        if let Some(monitor) = monitor {
            server = server.monitored(monitor);
        }
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.address();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(server.serve(listener, shutdown.clone()));
        let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        Self { key, provider, folder, channel, shutdown, served, reached }
    }

    pub(crate) fn trail(&self) -> TrailServiceClient<Channel> {
        TrailServiceClient::new(self.channel.clone())
    }

    /// Asks for the trail of a workflow, with this token if there is one.
    pub(crate) async fn get_trail(
        &self,
        workflow: Workflow,
        token: Option<&str>,
    ) -> Result<TrailRecord, Status> {
        let scope = Some(workflow_to_wire(workflow));
        self.get_trail_of(scope, token).await
    }

    pub(crate) async fn get_trail_of(
        &self,
        scope: Option<wire::Scope>,
        token: Option<&str>,
    ) -> Result<TrailRecord, Status> {
        let request = GetTrailRequest { scope, ..GetTrailRequest::default() };
        let answer = self.trail().get_trail(bearing(request, token)).await?;
        Ok(answer.into_inner().records.remove(0))
    }

    pub(crate) fn sign(&self, claims: &Claims) -> String {
        self.key.sign(claims).unwrap()
    }
}

pub(crate) fn bearing<T>(message: T, token: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    request
}

/// An assertion of a tester on the workflow, for one call of `GetTrail`.
pub(crate) fn call() -> Claims {
    Claims::new(7, "ann", Duration::from_secs(30))
        .on(WORKFLOW)
        .with_roles([Role::Tester])
        .calling(GET_TRAIL)
}
