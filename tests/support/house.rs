//! The whole house: both backends, and the gateway in front of them, each on a socket of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use signoff_audit::commands::Engine as Audit;
use signoff_chassis::config::{DatabaseArgs, MonitorArgs, TokenArgs};
use signoff_chassis::identity::{Jwks, LOCAL_ISSUER, SigningKey, TokenClaims};
use signoff_contract::gateway::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_gateway::{GatewayArgs, Service};
use signoff_ledger::{DatabaseUrls, with_ledger};
use signoff_versioning::commands::Engine as Versioning;
use signoff_workflow::{Role, Workflow};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::database;
use crate::people::{Person, request_id};
use crate::wait::until;
use crate::world::{World, connect, lasting, whole, workflow};

/// The admin of the tests.
pub const ADMIN: i64 = 90;
/// The auditor of the tests.
pub const AUDITOR: i64 = 91;
/// A service of the tests.
pub const SERVICE: i64 = 92;
/// Where nobody listens.
pub const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// Backends and gateway.
pub struct House {
    /// The versioning service.
    pub versioning: World<Versioning>,
    /// The audit service.
    pub audit: World<Audit>,
    /// Where the gateway listens.
    pub address: SocketAddr,
    /// The identity provider's key.
    pub provider: Arc<SigningKey>,
    /// The gateway's database.
    pub urls: DatabaseUrls,
    /// Ends the gateway.
    pub shutdown: CancellationToken,
    args: GatewayArgs,
    folder: TempDir,
}

impl House {
    /// The house that the tests of a process share; it ends with the process.
    pub async fn shared() -> &'static Self {
        static SHARED: tokio::sync::OnceCell<House> = tokio::sync::OnceCell::const_new();
        SHARED.get_or_init(|| lasting(Self::new)).await
    }

    /// A house of its own.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A house of its own, whose gateway is told something else.
    pub async fn with(change: impl FnOnce(&mut GatewayArgs) + Send) -> Self {
        let audit = World::<Audit>::start().await;
        let versioning = World::beside(&audit).await;
        let folder = tempfile::tempdir().unwrap();
        let provider = Arc::new(SigningKey::generate().unwrap());
        let jwks = folder.path().join("provider-jwks.json");
        Jwks::of([&*provider]).save(&jwks).unwrap();
        let key = folder.path().join("gateway.key");
        versioning.key.save(&key).unwrap();
        let cluster = database::cluster().await;
        let migrations = with_ledger(signoff_gateway::migrations());
        let (urls, _) = database::fresh_for(cluster, "gateway", migrations).await;
        let url = |address: SocketAddr| format!("http://{address}").parse().unwrap();
        let mut args = GatewayArgs {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            monitor: MonitorArgs::default(),
            tokens: TokenArgs {
                oidc_issuer: Some(LOCAL_ISSUER.to_owned()),
                oidc_audience: "signoff".to_owned(),
                oidc_jwks: Some(jwks.display().to_string().parse().unwrap()),
            },
            gateway_key: key,
            versioning_url: vec![url(versioning.address)],
            audit_url: vec![url(audit.address)],
            // Whoever counts comes when the gateway is there: see `Counting`.
            metrics_url: vec![url(NOBODY)],
            database: DatabaseArgs { database_url: urls.service.clone(), database_owner_url: None },
            database_connections: 6,
            cors_origins: vec!["https://app.example".parse().unwrap()],
            calls_per_caller: 100,
            calls: 1024,
            max_connection_age_seconds: 1800,
            drain_seconds: 5,
            log_json: false,
        };
        change(&mut args);
        let (address, shutdown) = start(args.clone()).await;
        Self { versioning, audit, address, provider, urls, shutdown, args, folder }
    }

    /// Another gateway over the same database, as another replica would be.
    pub async fn replica(&self) -> (SocketAddr, CancellationToken) {
        self.replica_with(|_| {}).await
    }

    /// The same, told something else.
    pub async fn replica_with(
        &self,
        change: impl FnOnce(&mut GatewayArgs) + Send,
    ) -> (SocketAddr, CancellationToken) {
        let mut args = self.args.clone();
        change(&mut args);
        start(args).await
    }

    /// The same, told something else: all but the gateway has been there for a while.
    pub async fn aside(&'static self, change: impl FnOnce(&mut GatewayArgs) + Send) -> Aside {
        let mut args = self.args.clone();
        change(&mut args);
        let (address, shutdown) = start(args).await;
        Aside { address, shutdown, house: self }
    }

    /// What the gateway is told.
    pub fn args(&self) -> &GatewayArgs {
        &self.args
    }

    /// Where its keys are.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A new connection to the gateway.
    pub async fn channel(&self) -> Channel {
        connect(self.address).await
    }

    /// A token of the identity provider.
    pub fn token(&self, user_id: i64, roles: &[Role]) -> String {
        self.token_of(&self.claims(user_id, roles))
    }

    /// What a token says, to be changed.
    pub fn claims(&self, user_id: i64, roles: &[Role]) -> TokenClaims {
        TokenClaims::new(user_id, format!("user-{user_id}"), Duration::from_secs(3600))
            .with_roles(roles.iter().copied())
    }

    /// A token that says this.
    pub fn token_of(&self, claims: &TokenClaims) -> String {
        self.provider.sign_token(claims).unwrap()
    }

    /// Somebody at the gateway, with roles that are held everywhere.
    pub async fn person(&self, user_id: i64, roles: &[Role]) -> Person {
        Person::with_token(&self.token(user_id, roles), self.channel().await, user_id)
    }

    /// The admin.
    pub async fn admin(&self) -> Person {
        self.person(ADMIN, &[Role::Admin]).await
    }

    /// A new workflow with these members.
    pub async fn workflow(&self, members: &[(i64, Role)]) -> Workflow {
        let workflow = workflow();
        let request = wire::OpenWorkflowRequest {
            scope: Some(whole(workflow)),
            cycle_name: "2026 Q4".to_owned(),
            report_name: "FR Y-14M, schedule D.1".to_owned(),
            members: listed(members),
            request_id: request_id(),
        };
        self.admin().await.call(request).await.unwrap();
        workflow
    }

    /// Waits until a board can be read: a house that has just begun still connects to its databases.
    pub async fn settled(&self, workflow: Workflow) {
        let auditor = self.person(AUDITOR, &[Role::Auditor]).await;
        let request = wire::GetBoardRequest { scope: Some(whole(workflow)) };
        until("a board", || async { auditor.call(request.clone()).await.ok() }).await;
    }

    /// Sets the members of a workflow.
    pub async fn set_members(&self, workflow: Workflow, members: &[(i64, Role)]) {
        let request = wire::SetMembersRequest {
            scope: Some(whole(workflow)),
            members: listed(members),
            reason: "the team changed".to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        self.admin().await.call(request).await.unwrap();
    }
}

/// Another gateway of a house.
pub struct Aside {
    /// Where it listens.
    pub address: SocketAddr,
    /// Ends it.
    pub shutdown: CancellationToken,
    house: &'static House,
}

impl Aside {
    /// A new connection to it.
    pub async fn channel(&self) -> Channel {
        connect(self.address).await
    }

    /// Somebody at it, with roles that are held everywhere.
    pub async fn person(&self, user_id: i64, roles: &[Role]) -> Person {
        Person::with_token(&self.house.token(user_id, roles), self.channel().await, user_id)
    }

    /// A token of the identity provider.
    pub fn token(&self, user_id: i64, roles: &[Role]) -> String {
        self.house.token(user_id, roles)
    }

    /// A new workflow with these members, whose board can be read.
    pub async fn workflow(&self, members: &[(i64, Role)]) -> Workflow {
        let workflow = self.house.workflow(members).await;
        self.house.settled(workflow).await;
        workflow
    }
}

/// Members for the wire.
pub fn listed(members: &[(i64, Role)]) -> Vec<wire::Member> {
    let member = |(user_id, role): &(i64, Role)| wire::Member {
        user_id: *user_id,
        role: shared::Role::from(*role).into(),
    };
    members.iter().map(member).collect()
}

async fn start(args: GatewayArgs) -> (SocketAddr, CancellationToken) {
    let service = Service::prepare(args).await.expect("a gateway");
    let (address, shutdown) = (service.address(), CancellationToken::new());
    tokio::spawn(service.run(shutdown.clone()));
    (address, shutdown)
}
