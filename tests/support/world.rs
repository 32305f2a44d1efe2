//! A server with everything that it needs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use signoff_audit::commands::Engine as Audit;
use signoff_backend::serve::{ServeArgs, Served, Service};
use signoff_chassis::config::{DatabaseArgs, MonitorArgs, ServerArgs, TokenArgs};
use signoff_chassis::identity::{AUDIENCE, Jwks, KeySource, LOCAL_ISSUER, SigningKey, TokenClaims};
use signoff_chassis::telemetry::{self, FILTER_VARIABLE};
use signoff_contract::workflow::v1::Scope;
use signoff_ledger::DatabaseUrls;
use signoff_versioning::commands::Engine as Versioning;
use signoff_versioning::executions::AuditArgs;
use signoff_workflow::{Role, Workflow};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::database;
use crate::people::Person;

/// A service on a socket of its own, over a database of its own: versioning, if nothing else is said.
pub struct World<B: Served = Versioning> {
    /// Where it listens.
    pub address: SocketAddr,
    /// Signs assertions that it believes, and tokens of services as the identity provider would.
    pub key: Arc<SigningKey>,
    /// Where the audit service is that it asks, if it is told of one; it believes the same key.
    pub audit: Option<SocketAddr>,
    /// Its database.
    pub urls: DatabaseUrls,
    /// The name of its database.
    pub database: String,
    folder: TempDir,
    shutdown: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    own: B::Args,
}

impl World {
    /// The world that the tests of a process share, beside the audit service that they share; it
    /// ends with the process. Tests keep apart by their workflows.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<World> = OnceCell::const_new();
        let beside = || async { Self::beside(World::shared_audit().await).await };
        SHARED.get_or_init(|| lasting(beside)).await
    }

    /// A new world, without an audit service.
    pub async fn new() -> Self {
        Self::start().await
    }

    /// A new world that asks this audit service, and believes the same key.
    pub async fn beside(audit: &World<Audit>) -> Self {
        Self::asking(&[audit.address], Arc::clone(&audit.key)).await
    }

    /// A new world that asks whoever is at one of these addresses, where this key is believed.
    pub async fn asking(addresses: &[SocketAddr], key: Arc<SigningKey>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("service.token");
        let claims = TokenClaims::new(2, "versioning", Duration::from_secs(3600));
        let claims = claims.with_roles([Role::Service]);
        std::fs::write(&token, key.sign_token(&claims).unwrap()).unwrap();
        let url = |address: &SocketAddr| format!("http://{address}").parse().unwrap();
        let own = AuditArgs {
            audit_url: addresses.iter().map(url).collect(),
            service_token_file: Some(token),
        };
        let world = Self::start_in(folder, key, own).await;
        Self { audit: addresses.last().copied(), ..world }
    }

    /// The file with the token by which the audit service knows this one.
    pub fn token_file(&self) -> PathBuf {
        self.folder.path().join("service.token")
    }
}

impl World {
    /// Opens these phases of a workflow, whatever they rest on: only what a test is about is real.
    pub async fn open_phases(&self, workflow: Workflow, phases: &[signoff_workflow::Phase]) {
        let mut gateway = self.gateway().await;
        for phase in phases {
            gateway.open_phase(workflow, *phase).await;
        }
    }
}

impl World<Audit> {
    /// The same of the audit service.
    pub async fn shared_audit() -> &'static Self {
        static SHARED: OnceCell<World<Audit>> = OnceCell::const_new();
        SHARED.get_or_init(|| lasting(Self::start)).await
    }
}

/// Something that lasts as long as the process.
pub(crate) async fn lasting<W, F>(make: impl FnOnce() -> F + Send + 'static) -> W
where
    W: Send + 'static,
    F: Future<Output = W>,
{
    let (ready, made) = tokio::sync::oneshot::channel();
    // Each test's runtime ends with the test: this one is the service's own.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let _ = ready.send(make().await);
            std::future::pending::<()>().await;
        });
    });
    made.await.expect("a world")
}

impl<B: Served<Args: Clone + Default>> World<B> {
    /// A new world of this service alone.
    pub async fn start() -> Self {
        let key = Arc::new(SigningKey::generate().unwrap());
        Self::start_in(tempfile::tempdir().unwrap(), key, B::Args::default()).await
    }

    async fn start_in(folder: TempDir, key: Arc<SigningKey>, own: B::Args) -> Self {
        // Who asks for a log gets it: the first world sets it up, the others find it there.
        if std::env::var_os(FILTER_VARIABLE).is_some() {
            let _ = telemetry::init(false);
        }
        let (urls, database) = database::fresh_of::<B>().await;
        let jwks = folder.path().join("jwks.json");
        Jwks::of([&*key]).save(&jwks).unwrap();
        let args = serve_args(&urls, jwks, own.clone());
        let service = Service::<B>::prepare(args).await.expect("a service");
        let (address, shutdown) = (service.address(), CancellationToken::new());
        let running = tokio::spawn(service.run(shutdown.clone()));
        Self { address, key, audit: None, urls, database, folder, shutdown, running, own }
    }

    /// Ends the service, and leaves all else as it is.
    pub async fn pause(&mut self) {
        self.shutdown.cancel();
        (&mut self.running).await.expect("no panic").expect("a clean end");
    }

    /// Starts it again, where it was.
    pub async fn resume(&mut self) {
        let mut args = serve_args(&self.urls, self.jwks(), self.own.clone());
        args.server.listen = self.address;
        let service = Service::<B>::prepare(args).await.expect("a service");
        self.shutdown = CancellationToken::new();
        self.running = tokio::spawn(service.run(self.shutdown.clone()));
    }

    /// A second service over the same database, as another replica would be.
    pub async fn replica(&self) -> (SocketAddr, CancellationToken) {
        let args = serve_args(&self.urls, self.jwks(), self.own.clone());
        let service = Service::<B>::prepare(args).await.unwrap();
        let (address, shutdown) = (service.address(), CancellationToken::new());
        tokio::spawn(service.run(shutdown.clone()));
        (address, shutdown)
    }
}

impl<B: Served> World<B> {
    /// The public keys that the service believes.
    pub fn jwks(&self) -> PathBuf {
        self.folder.path().join("jwks.json")
    }

    /// A new connection to the service.
    pub async fn channel(&self) -> Channel {
        connect(self.address).await
    }

    /// Somebody with roles on a report of their own.
    pub async fn person(&self, user_id: i64, workflow: Workflow, roles: &[Role]) -> Person {
        Person::new(&self.key, self.channel().await, user_id, Some(workflow), roles)
    }

    /// The gateway, which opens phases.
    pub async fn gateway(&self) -> Person {
        Person::new(&self.key, self.channel().await, 1, None, &[Role::Gateway])
    }

    /// The database, as somebody who may do anything.
    pub async fn as_superuser(&self) -> PgConnection {
        let url = database::cluster().await.admin_url();
        let (server, _) = url.expose_secret().rsplit_once('/').expect("a URL with a database");
        PgConnection::connect(&format!("{server}/{}", self.database)).await.unwrap()
    }

    /// The database, as the service.
    pub async fn as_service(&self) -> PgConnection {
        PgConnection::connect(self.urls.service.expose_secret()).await.unwrap()
    }

    /// The database, as its owner.
    pub async fn as_owner(&self) -> PgConnection {
        PgConnection::connect(self.urls.owner.expose_secret()).await.unwrap()
    }

    /// Ends the service, which must end well.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.expect("no panic").expect("a clean end");
    }
}

/// A workflow that nobody else has.
pub fn workflow() -> Workflow {
    Workflow { cycle_id: Uuid::now_v7(), report_id: Uuid::now_v7() }
}

/// A connection to a server.
pub async fn connect(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.expect("a server")
}

/// What a service under test is told.
pub fn serve_args<A: clap::Args>(urls: &DatabaseUrls, jwks: PathBuf, own: A) -> ServeArgs<A> {
    ServeArgs {
        server: ServerArgs {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            monitor: MonitorArgs::default(),
            jwks: vec![jwks.clone()],
            drain_seconds: 5,
            log_json: false,
        },
        tokens: TokenArgs {
            oidc_issuer: Some(LOCAL_ISSUER.to_owned()),
            oidc_audience: AUDIENCE.to_owned(),
            oidc_jwks: Some(KeySource::File(jwks)),
        },
        database: DatabaseArgs { database_url: urls.service.clone(), database_owner_url: None },
        database_connections: 6,
        own,
    }
}

/// A whole workflow, for the wire.
pub fn whole(workflow: Workflow) -> Scope {
    Scope {
        cycle_id: workflow.cycle_id.to_string(),
        report_id: workflow.report_id.to_string(),
        phase: 0,
    }
}
