//! A whole system of processes: a PostgreSQL, and of each service as many replicas as are asked for. Each of them can
//! be killed, and comes back where it was.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use signoff_chassis::identity::{Jwks, LOCAL_ISSUER, SigningKey, TokenClaims};
use signoff_contract::metrics::v1::GetFreshnessRequest;
use signoff_embedded::{Cluster, Options};
use signoff_ledger::{DatabaseUrls, with_ledger};
use signoff_tests::house::AUDITOR;
use signoff_tests::wait::{until, until_within};
use signoff_tests::{Person, database};
use signoff_workflow::Role;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::answers::answer;

/// How long a call may take before its client takes it for lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than any test.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Versioning,
    Audit,
    Gateway,
    Metrics,
}

/// All services, whoever is asked before whoever asks.
const KINDS: [Kind; 4] = [Kind::Audit, Kind::Versioning, Kind::Gateway, Kind::Metrics];

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Self::Versioning => env!("CARGO_BIN_EXE_service-under-test"),
            Self::Audit => env!("CARGO_BIN_EXE_audit-under-test"),
            Self::Gateway => env!("CARGO_BIN_EXE_gateway-under-test"),
            Self::Metrics => env!("CARGO_BIN_EXE_metrics-under-test"),
        }
    }

    async fn database(self, cluster: &Cluster) -> DatabaseUrls {
        let (name, migrations) = match self {
            Self::Versioning => ("versioning", with_ledger(signoff_versioning::migrations())),
            Self::Audit => ("audit", with_ledger(signoff_audit::migrations())),
            Self::Gateway => ("gateway", with_ledger(signoff_gateway::migrations())),
            Self::Metrics => ("metrics", signoff_metrics::migrations()),
        };
        database::fresh_for(cluster, name, migrations).await.0
    }
}

/// A replica of a service.
pub(crate) struct Process {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    told: Vec<(&'static str, String)>,
    running: Running,
    /// How often it ended before it served, and was started again.
    pub(crate) in_vain: usize,
}

/// What was started.
struct Running {
    child: Child,
    /// Whether it answered anything since. Its address is bound before anything else is done: that alone says
    /// nothing.
    served: Arc<AtomicBool>,
    /// Who asks it, until it does.
    _asking: AbortOnDropHandle<()>,
}

impl Running {
    fn new(kind: Kind, address: SocketAddr, told: &[(&'static str, String)]) -> Self {
        let (child, served) = (run(kind, address, told), Arc::<AtomicBool>::default());
        let asking = tokio::spawn(ask(address, Arc::clone(&served)));
        Self { child, served, _asking: AbortOnDropHandle::new(asking) }
    }
}

/// Asks until there is an answer.
async fn ask(address: SocketAddr, served: Arc<AtomicBool>) {
    let health = HealthClient::new(channel(address));
    let answered = || async { health.clone().check(HealthCheckRequest::default()).await.ok() };
    // Whoever started it gives up long before.
    until_within(FOREVER, "a service that serves", answered).await;
    served.store(true, Ordering::SeqCst);
}

impl Process {
    fn start(kind: Kind, address: SocketAddr, told: Vec<(&'static str, String)>) -> Self {
        let running = Running::new(kind, address, &told);
        Self { kind, address, told, running, in_vain: 0 }
    }

    /// Ends it at once.
    pub(crate) async fn kill(&mut self) {
        self.running.child.start_kill().unwrap();
        let ended = self.running.child.wait().await.unwrap();
        if ended.signal() != Some(9) {
            self.expect_in_vain(ended);
        }
    }

    /// Starts it again; whether it serves is another matter.
    pub(crate) fn restart(&mut self) {
        self.running = Running::new(self.kind, self.address, &self.told);
    }

    /// Starts it again if it ended by itself: it does where its database is away when it starts.
    fn keep(&mut self) {
        if let Some(ended) = self.running.child.try_wait().unwrap() {
            self.expect_in_vain(ended);
            self.in_vain += 1;
            self.restart();
        }
    }

    fn has_served(&self) -> bool {
        self.running.served.load(Ordering::SeqCst)
    }

    /// Expects that it ended with an ordinary error, and never served: one that has served goes on serving,
    /// whatever becomes of others.
    fn expect_in_vain(&self, ended: ExitStatus) {
        let (kind, served) = (self.kind, self.has_served());
        let ordinary = !served && ended.code() == Some(1);
        assert!(ordinary, "{kind:?} ended by itself: {ended}; had it served? {served}");
    }

    /// Waits until it serves.
    pub(crate) async fn serves(&mut self) {
        until("a service that serves", || {
            self.keep();
            let served = self.has_served();
            async move { served.then_some(()) }
        })
        .await;
    }
}

fn run(kind: Kind, address: SocketAddr, told: &[(&'static str, String)]) -> Child {
    let log = std::env::var("SIGNOFF_LOG").unwrap_or_else(|_| "off".to_owned());
    Command::new(kind.program())
        .args(["--listen", &address.to_string()])
        .envs(told.iter().map(|(name, value)| (*name, value.as_str())))
        .env("SIGNOFF_LOG", log)
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The system.
pub(crate) struct Site {
    pub(crate) processes: Vec<Process>,
    pub(crate) provider: Arc<SigningKey>,
    /// The databases of services that keep a trail.
    pub(crate) trails: Vec<DatabaseUrls>,
    cluster: Option<Cluster>,
    port: u16,
    /// The cluster's, and that of keys and tokens.
    folders: [TempDir; 2],
}

impl Site {
    /// So many replicas of every service.
    pub(crate) async fn start(replicas: usize) -> Self {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let cluster = Cluster::open(folders[0].path(), Options::default()).await.unwrap();
        let (port, files) = (cluster.port(), folders[1].path());
        let gateway = SigningKey::generate().unwrap();
        let provider = Arc::new(SigningKey::generate().unwrap());
        gateway.save(&files.join("gateway.key")).unwrap();
        Jwks::of([&gateway]).save(&files.join("gateway.json")).unwrap();
        Jwks::of([&*provider]).save(&files.join("provider.json")).unwrap();
        let service = TokenClaims::new(92, "signoff-metrics", Duration::from_secs(36_000));
        let service = provider.sign_token(&service.with_roles([Role::Service])).unwrap();
        std::fs::write(files.join("service.token"), service).unwrap();

        let addresses = KINDS.map(|kind| (kind, free_addresses(replicas)));
        let (mut processes, mut trails) = (Vec::new(), Vec::new());
        for (kind, at) in &addresses {
            let urls = kind.database(&cluster).await;
            let told = told(files, &addresses, &urls);
            processes.extend(at.iter().map(|at| Process::start(*kind, *at, told.clone())));
            if *kind != Kind::Metrics {
                trails.push(urls);
            }
        }
        for process in &mut processes {
            process.serves().await;
        }
        Self { processes, provider, trails, cluster: Some(cluster), port, folders }
    }

    /// Ends PostgreSQL without letting anything come to its end, and starts it again.
    pub(crate) async fn restart_postgres(&mut self) {
        let cluster = self.cluster.take().unwrap();
        let pid = cluster.pid().expect("a server").to_string();
        let killed = std::process::Command::new("kill").args(["-QUIT", &pid]).status();
        assert!(killed.unwrap().success());
        cluster.wait().await;
        drop(cluster);
        let options = Options { port: Some(self.port), ..Options::default() };
        self.cluster = Some(Cluster::open(self.folders[0].path(), options).await.unwrap());
    }

    /// Starts again whoever ended by itself.
    pub(crate) fn keep(&mut self) {
        for process in &mut self.processes {
            process.keep();
        }
    }

    /// Where the gateways listen.
    pub(crate) fn gateways(&self) -> Vec<SocketAddr> {
        let gateways = self.processes.iter().filter(|of| of.kind == Kind::Gateway);
        gateways.map(|of| of.address).collect()
    }

    /// Somebody at a gateway, with roles that are held everywhere.
    pub(crate) fn person(&self, channel: &Channel, user_id: i64, roles: &[Role]) -> Person {
        let life = Duration::from_secs(36_000);
        let claims = TokenClaims::new(user_id, format!("user-{user_id}"), life);
        let token = self.provider.sign_token(&claims.with_roles(roles.iter().copied())).unwrap();
        Person::with_token(&token, channel.clone(), user_id)
    }

    /// Waits until whoever counts has counted every record of every trail, none of which it rejected; asks this
    /// gateway.
    pub(crate) async fn settled(&self, gateway: SocketAddr) {
        let mut records = 0;
        for urls in &self.trails {
            let mut database = PgConnection::connect(urls.service.expose_secret()).await.unwrap();
            let count = sqlx::query_scalar::<_, i64>("select count(*) from trail");
            records += count.fetch_one(&mut database).await.unwrap();
        }
        let auditor = self.person(&channel(gateway), AUDITOR, &[Role::Auditor]);
        until("everything is counted", || async {
            let now = answer(&auditor, GetFreshnessRequest {}).await;
            let counted = now.feeds.iter().filter_map(|of| of.position.as_ref());
            assert!(now.feeds.iter().all(|of| of.rejected_records == 0), "{now:?}");
            (counted.map(|at| at.records).sum::<i64>() == records).then_some(())
        })
        .await;
    }

    /// Ends everything.
    pub(crate) async fn stop(mut self) {
        for process in &mut self.processes {
            process.kill().await;
        }
        if let Some(cluster) = self.cluster.take() {
            cluster.stop().await.unwrap();
        }
    }
}

/// What every process is told; each takes what it knows.
fn told(
    files: &Path,
    addresses: &[(Kind, Vec<SocketAddr>); 4],
    urls: &DatabaseUrls,
) -> Vec<(&'static str, String)> {
    let file = |name: &str| files.join(name).display().to_string();
    let all = |wanted: Kind| {
        let of = addresses.iter().filter(|(kind, _)| *kind == wanted).flat_map(|(_, of)| of);
        of.map(|address| format!("http://{address}")).collect::<Vec<_>>().join(",")
    };
    vec![
        ("SIGNOFF_DATABASE_URL", urls.service.expose_secret().to_owned()),
        ("SIGNOFF_JWKS", file("gateway.json")),
        ("SIGNOFF_GATEWAY_KEY", file("gateway.key")),
        ("SIGNOFF_OIDC_ISSUER", LOCAL_ISSUER.to_owned()),
        ("SIGNOFF_OIDC_JWKS", file("provider.json")),
        ("SIGNOFF_VERSIONING_URL", all(Kind::Versioning)),
        ("SIGNOFF_METRICS_URL", all(Kind::Metrics)),
        ("SIGNOFF_GATEWAY_URL", all(Kind::Gateway)),
        ("SIGNOFF_SERVICE_TOKEN_FILE", file("service.token")),
        ("SIGNOFF_AUDIT_URL", all(Kind::Audit)),
    ]
}

/// Addresses that are free now.
fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let listener = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let listeners: Vec<TcpListener> = (0..count).map(listener).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap()).collect()
}

/// A connection that is made when it is needed, and made again.
pub(crate) fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().timeout(PATIENCE).connect_lazy()
}
