//! People who call the service, each with roles of their own.

use std::sync::Arc;
use std::time::Duration;

use signoff_chassis::identity::{Claims, SigningKey};
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::versioning::v1::versioning_service_client::VersioningServiceClient;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, PhaseTable, Role, Workflow};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::connection::Connection;

/// Longest answer that people take.
pub(crate) const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Somebody with a connection.
#[derive(Clone)]
pub struct Person {
    /// Who.
    pub user_id: i64,
    /// The versioning service, for them.
    pub versioning: VersioningServiceClient<Connection>,
    /// The trail service, for them.
    pub trail: TrailServiceClient<Connection>,
    /// Any service, for them.
    pub(crate) connection: Connection,
    /// Whether they ask again while the database is away.
    pub(crate) is_patient: bool,
}

impl Person {
    /// Somebody with these roles, on this report as far as they are held on one. Each of their calls
    /// comes with an assertion, as the gateway makes it.
    pub fn new(
        key: &Arc<SigningKey>,
        channel: Channel,
        user_id: i64,
        workflow: Option<Workflow>,
        roles: &[Role],
    ) -> Self {
        let claims = Claims::new(user_id, format!("user-{user_id}"), Duration::ZERO);
        let claims = claims.with_roles(roles.iter().copied());
        Self::with_claims(key, channel, workflow.into_iter().fold(claims, Claims::on))
    }

    /// Somebody whose assertions say this, each for its call.
    pub fn with_claims(key: &Arc<SigningKey>, channel: Channel, claims: Claims) -> Self {
        let user_id = claims.signoff_uid;
        Self::on(Connection::signing(channel, key, claims), user_id)
    }

    /// Somebody with this token.
    pub fn with_token(token: &str, channel: Channel, user_id: i64) -> Self {
        Self::on(Connection::with_token(channel, token), user_id)
    }

    /// A service with this token, in somebody's name.
    pub fn acting(token: &str, channel: Channel, user_id: i64, person: i64) -> Self {
        Self::on(Connection::acting(channel, token, person), user_id)
    }

    /// Somebody without a token.
    pub fn unknown(channel: Channel) -> Self {
        Self::on(Connection::bare(channel), 0)
    }

    fn on(connection: Connection, user_id: i64) -> Self {
        Self {
            user_id,
            versioning: VersioningServiceClient::new(connection.clone())
                .max_encoding_message_size(MAX_ANSWER)
                .max_decoding_message_size(MAX_ANSWER),
            trail: TrailServiceClient::new(connection.clone())
                .max_decoding_message_size(MAX_ANSWER),
            connection,
            is_patient: false,
        }
    }

    /// The same, who sends the same request again while the database is away, or too slow on a busy machine:
    /// nothing else tells them what became of it.
    pub fn patient(self) -> Self {
        Self { is_patient: true, ..self }
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
