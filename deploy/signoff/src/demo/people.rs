//! The people of the story, each with a token of their own.

use std::time::Duration;

use anyhow::{Context, Result};
use signoff_chassis::identity::{Claims, SigningKey};
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_contract::versioning::v1::versioning_service_client::VersioningServiceClient;
use signoff_workflow::{Phase, Role, Workflow};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::desk::Desk;

/// How long the tokens of the story are valid.
const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

/// A client of the versioning service that shows a token with every call.
pub(super) type Versioning = VersioningServiceClient<InterceptedService<Channel, Bearer>>;
/// A client of the trail service that shows a token with every call.
pub(super) type Trail = TrailServiceClient<InterceptedService<Channel, Bearer>>;

/// Shows a token with every call.
#[derive(Clone)]
pub(super) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Somebody with a token.
pub(super) struct Person {
    /// What they are called.
    pub(super) name: &'static str,
    /// The report that they work on.
    pub(super) workflow: Workflow,
    /// The versioning service, for them.
    pub(super) versioning: Versioning,
    /// The trail, for them.
    pub(super) trail: Trail,
}

impl Person {
    /// Their place in a phase, where they call the service from.
    pub(super) fn at(&self, phase: Phase) -> Desk {
        Desk::new(self, phase)
    }
}

/// Everybody in the story.
pub(super) struct Cast {
    /// The gateway, which opens phases.
    pub(super) gateway: Person,
    /// The tester.
    pub(super) tess: Person,
    /// The tester again, with a token that makes her a report owner too.
    pub(super) tess_as_owner: Person,
    /// A program that recommends what a language model proposes, on the tester's behalf.
    pub(super) llm: Person,
    /// The report owner.
    pub(super) owen: Person,
    /// The auditor, who reads.
    pub(super) ada: Person,
}

impl Cast {
    /// The user id of the gateway.
    const GATEWAY: i64 = 1;
    /// The user id of the recommending program.
    const LLM: i64 = 5;
    /// The user id of the tester.
    pub(super) const TESS: i64 = 10;
    /// The user id of the report owner.
    pub(super) const OWEN: i64 = 20;
    /// The user id of the auditor.
    const ADA: i64 = 30;

    /// Everybody, working on one report over one connection.
    ///
    /// # Errors
    /// A token cannot be signed.
    pub(super) fn new(key: &SigningKey, channel: &Channel, workflow: Workflow) -> Result<Self> {
        let person = |name: &'static str, claims: Claims| {
            let token = key.sign(&claims).with_context(|| format!("a token for {name}"))?;
            let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse()?;
            value.set_sensitive(true);
            let bearer = Bearer(value);
            anyhow::Ok(Person {
                name,
                workflow,
                versioning: VersioningServiceClient::with_interceptor(
                    channel.clone(),
                    bearer.clone(),
                ),
                trail: TrailServiceClient::with_interceptor(channel.clone(), bearer),
            })
        };
        // Roles on the report count on this report only; the others everywhere.
        let claims = |user_id: i64, subject: &str, roles: &[Role]| {
            let claims = Claims::new(user_id, subject, TOKEN_LIFE);
            claims.with_roles(roles.iter().copied()).on(workflow)
        };
        let mut llm = claims(Self::LLM, "llm-recommender", &[Role::Service, Role::Tester]);
        llm.on_behalf_of = Some(Self::TESS);
        let both = [Role::Tester, Role::ReportOwner];
        Ok(Self {
            gateway: person("gateway", claims(Self::GATEWAY, "gateway", &[Role::Gateway]))?,
            tess: person("Tess", claims(Self::TESS, "tess", &[Role::Tester]))?,
            tess_as_owner: person("Tess", claims(Self::TESS, "tess", &both))?,
            llm: person("LLM", llm)?,
            owen: person("Owen", claims(Self::OWEN, "owen", &[Role::ReportOwner]))?,
            ada: person("Ada", claims(Self::ADA, "ada", &[Role::Auditor]))?,
        })
    }

    /// What somebody with this user id is called; nothing for 0, which is nobody.
    pub(super) fn name_of(user_id: i64) -> String {
        match user_id {
            0 => String::new(),
            Self::GATEWAY => "gateway".to_owned(),
            Self::LLM => "LLM".to_owned(),
            Self::TESS => "Tess".to_owned(),
            Self::OWEN => "Owen".to_owned(),
            Self::ADA => "Ada".to_owned(),
            other => format!("user {other}"),
        }
    }
}
