//! People who call the service, each with a token of their own.

use std::time::Duration;

use signoff_chassis::identity::{Claims, SigningKey};
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::versioning::v1::versioning_service_client::VersioningServiceClient;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, PhaseTable, Role, Workflow};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

/// Sends a token with every call, if there is one.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    /// With this token.
    pub fn new(token: &str) -> Self {
        Self(Some(format!("Bearer {token}").parse().expect("a token is ASCII")))
    }

    /// Without a token.
    pub fn none() -> Self {
        Self(None)
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// Longest answer that people take.
pub(crate) const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Somebody with a connection and a token.
#[derive(Clone)]
pub struct Person {
    /// Who.
    pub user_id: i64,
    /// The versioning service, for them.
    pub versioning: VersioningServiceClient<InterceptedService<Channel, Bearer>>,
    /// The trail service, for them.
    pub trail: TrailServiceClient<InterceptedService<Channel, Bearer>>,
    /// Any service, for them.
    pub(crate) connection: InterceptedService<Channel, Bearer>,
}

impl Person {
    /// Somebody with these roles, on this report as far as they are held on one.
    pub fn new(
        key: &SigningKey,
        channel: Channel,
        user_id: i64,
        workflow: Option<Workflow>,
        roles: &[Role],
    ) -> Self {
        let claims = Claims::new(user_id, format!("user-{user_id}"), Duration::from_secs(3600));
        let claims = claims.with_roles(roles.iter().copied());
        let claims = workflow.into_iter().fold(claims, Claims::on);
        Self::with_token(&key.sign(&claims).expect("a token"), channel, user_id)
    }

    /// Somebody with this token.
    pub fn with_token(token: &str, channel: Channel, user_id: i64) -> Self {
        Self::with_bearer(Bearer::new(token), channel, user_id)
    }

    /// Somebody without a token.
    pub fn unknown(channel: Channel) -> Self {
        Self::with_bearer(Bearer::none(), channel, 0)
    }

    fn with_bearer(bearer: Bearer, channel: Channel, user_id: i64) -> Self {
        Self {
            user_id,
            connection: InterceptedService::new(channel.clone(), bearer.clone()),
            versioning: VersioningServiceClient::with_interceptor(channel.clone(), bearer.clone())
                .max_encoding_message_size(MAX_ANSWER)
                .max_decoding_message_size(MAX_ANSWER),
            trail: TrailServiceClient::with_interceptor(channel, bearer)
                .max_decoding_message_size(MAX_ANSWER),
        }
    }

    /// Opens a phase, with whatever it must rest on named as if it were sealed.
    pub async fn open_phase(&mut self, workflow: Workflow, phase: Phase) {
        let scope = Some(scope(workflow, phase));
        let begun = wire::BeginOpenRequest {
            scope: scope.clone(),
            request_id: request_id(),
            reaffirm: false,
        };
        let attempt = self.versioning.begin_open(begun).await.unwrap().into_inner().attempt;
        let row = PhaseTable::standard().get(phase).unwrap();
        let rests_on = row
            .rests_on
            .iter()
            .map(|phase| shared::Foundation { phase: phase.number(), ..Default::default() })
            .collect();
        let open = wire::OpenRequest { scope, request_id: request_id(), attempt, rests_on };
        self.versioning.open(open).await.unwrap();
    }
}

/// A new request id.
pub fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// A scope for the wire.
pub fn scope(workflow: Workflow, phase: Phase) -> shared::Scope {
    shared::Scope {
        cycle_id: workflow.cycle_id.to_string(),
        report_id: workflow.report_id.to_string(),
        phase: phase.number(),
    }
}
