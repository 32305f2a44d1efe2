//! The people of the story, each with a token of their own.

use std::time::Duration;

use anyhow::{Context, Result};
use signoff_chassis::identity::{Claims, SigningKey};
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_contract::versioning::v1::sign_off_service_client::SignOffServiceClient;
use signoff_contract::versioning::v1::versioning_service_client::VersioningServiceClient;
use signoff_workflow::{Phase, Role, Workflow};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::audit::AuditDesk;
use super::desk::Desk;

/// How long the tokens of the story are valid.
const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

/// A connection to a service that shows a token with every call.
pub(super) type Connection = InterceptedService<Channel, Bearer>;
/// A client of the versioning service.
pub(super) type Versioning = VersioningServiceClient<Connection>;
/// A client of the sign-off service.
pub(super) type SignOffs = SignOffServiceClient<Connection>;
/// A client of a service's trail.
pub(super) type Trail = TrailServiceClient<Connection>;

/// The services of the story.
pub(super) struct Services {
    /// Keeps versions.
    pub(super) versioning: Channel,
    /// Keeps what is audited only.
    pub(super) audit: Channel,
}

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
    /// Who they are.
    pub(super) user_id: i64,
    /// The report that they work on.
    pub(super) workflow: Workflow,
    /// The versioning service, for them.
    pub(super) versioning: Versioning,
    /// The sign-offs, for them.
    pub(super) sign_offs: SignOffs,
    /// The trail of the versioning service, for them.
    pub(super) trail: Trail,
    /// The audit service, for them.
    pub(super) audit: Connection,
}

impl Person {
    /// Their place in a phase, where they call the service from.
    pub(super) fn at(&self, phase: Phase) -> Desk {
        Desk::new(self, phase)
    }

    /// Their place in a phase that is audited only.
    pub(super) fn audit_at(&self, phase: Phase) -> AuditDesk {
        AuditDesk::new(self, phase)
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
    /// The test lead.
    pub(super) lena: Person,
    /// The report owner.
    pub(super) owen: Person,
    /// A report owner too, who stands in for him.
    pub(super) olga: Person,
    /// The test executive.
    pub(super) eve: Person,
    /// Who owns the data of consumer cards, at first.
    pub(super) dora: Person,
    /// Who takes them over.
    pub(super) dina: Person,
    /// Who owns the data of small business cards.
    pub(super) sam: Person,
    /// Who owns the data of private labels.
    pub(super) paul: Person,
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
    /// The user id of the test lead.
    const LENA: i64 = 11;
    /// The user id of the report owner.
    pub(super) const OWEN: i64 = 20;
    /// The user id of who stands in for him.
    const OLGA: i64 = 21;
    /// The user id of the auditor.
    const ADA: i64 = 30;
    /// The user id of the test executive.
    const EVE: i64 = 40;
    /// The user ids of the data owners.
    const DORA: i64 = 51;
    const DINA: i64 = 52;
    const SAM: i64 = 53;
    const PAUL: i64 = 54;

    /// Everybody, working on one report over one connection to each service.
    ///
    /// # Errors
    /// A token cannot be signed.
    pub(super) fn new(key: &SigningKey, services: &Services, workflow: Workflow) -> Result<Self> {
        let person = |name: &'static str, claims: Claims| {
            let token = key.sign(&claims).with_context(|| format!("a token for {name}"))?;
            let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse()?;
            value.set_sensitive(true);
            let bearer = Bearer(value);
            let versioning = Connection::new(services.versioning.clone(), bearer.clone());
            anyhow::Ok(Person {
                name,
                user_id: claims.signoff_uid,
                workflow,
                versioning: Versioning::new(versioning.clone()),
                sign_offs: SignOffs::new(versioning.clone()),
                trail: Trail::new(versioning),
                audit: Connection::new(services.audit.clone(), bearer),
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
        // It opens phases, and reads what it plans test cases from.
        let both_sides = [Role::Gateway, Role::Service];
        Ok(Self {
            gateway: person("gateway", claims(Self::GATEWAY, "gateway", &both_sides))?,
            tess: person("Tess", claims(Self::TESS, "tess", &[Role::Tester]))?,
            tess_as_owner: person("Tess", claims(Self::TESS, "tess", &both))?,
            llm: person("LLM", llm)?,
            lena: person("Lena", claims(Self::LENA, "lena", &[Role::TestLead]))?,
            owen: person("Owen", claims(Self::OWEN, "owen", &[Role::ReportOwner]))?,
            olga: person("Olga", claims(Self::OLGA, "olga", &[Role::ReportOwner]))?,
            eve: person("Eve", claims(Self::EVE, "eve", &[Role::TestExecutive]))?,
            // No role: it is their assignment that lets them in.
            dora: person("Dora", claims(Self::DORA, "dora", &[]))?,
            dina: person("Dina", claims(Self::DINA, "dina", &[]))?,
            sam: person("Sam", claims(Self::SAM, "sam", &[]))?,
            paul: person("Paul", claims(Self::PAUL, "paul", &[]))?,
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
            Self::LENA => "Lena".to_owned(),
            Self::OWEN => "Owen".to_owned(),
            Self::OLGA => "Olga".to_owned(),
            Self::EVE => "Eve".to_owned(),
            Self::DORA => "Dora".to_owned(),
            Self::DINA => "Dina".to_owned(),
            Self::SAM => "Sam".to_owned(),
            Self::PAUL => "Paul".to_owned(),
            Self::ADA => "Ada".to_owned(),
            other => format!("user {other}"),
        }
    }
}
