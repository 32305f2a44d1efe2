//! The service's process is killed while people write.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use secrecy::ExposeSecret as _;
use signoff_backend::serve::Served;
use signoff_chassis::identity::{Jwks, SigningKey};
use signoff_ledger::DatabaseUrls;
use signoff_tests::wait::until;
use signoff_tests::{Person, database, world};
use signoff_workflow::{Role, Workflow};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use crate::writers::{Progress, Writer, expect_all};

const WRITERS: usize = 8;
const KILLS: usize = 6;

/// The program of the versioning service.
const VERSIONING: &str = env!("CARGO_BIN_EXE_service-under-test");
/// The program of the audit service.
const AUDIT: &str = env!("CARGO_BIN_EXE_audit-under-test");

/// A process of a service at an address.
async fn start(program: &str, address: SocketAddr, jwks: &Path, urls: &DatabaseUrls) -> Child {
    let options = ["--jwks".into(), jwks.as_os_str().to_owned()];
    start_with(program, address, &options, urls).await
}

/// A process of a server at an address; it ends with the test, whose end closes its input.
pub(crate) async fn start_with(
    program: &str,
    address: SocketAddr,
    options: &[OsString],
    urls: &DatabaseUrls,
) -> Child {
    let mut child = Command::new(program)
        .args(["--listen", &address.to_string()])
        .args(options)
        .env("SIGNOFF_DATABASE_URL", urls.service.expose_secret())
        .env("SIGNOFF_DRAIN_SECONDS", "2")
        .env("SIGNOFF_LOG", "warn")
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until("a service that listens", || {
        assert_eq!(child.try_wait().unwrap(), None, "the service ended");
        async { TcpStream::connect(address).await.ok() }
    })
    .await;
    child
}

/// A service in a process of its own, over a database of its own.
pub(crate) struct Killable {
    /// Signs assertions that it believes.
    pub(crate) key: Arc<SigningKey>,
    program: &'static str,
    urls: DatabaseUrls,
    folder: TempDir,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The process.
    pub(crate) child: Child,
}

impl Killable {
    /// Starts the versioning service.
    pub(crate) async fn start() -> Self {
        Self::of::<signoff_versioning::commands::Engine>(VERSIONING).await
    }

    /// Starts the audit service.
    pub(crate) async fn start_audit() -> Self {
        Self::of::<signoff_audit::commands::Engine>(AUDIT).await
    }

    async fn of<B: Served>(program: &'static str) -> Self {
        let (urls, _) = database::fresh_of::<B>().await;
        let folder = tempfile::tempdir().unwrap();
        let (key, address) = (Arc::new(SigningKey::generate().unwrap()), free_address());
        let jwks = folder.path().join("jwks.json");
        Jwks::of([&*key]).save(&jwks).unwrap();
        let child = start(program, address, &jwks, &urls).await;
        Self { key, program, urls, folder, address, child }
    }

    /// A connection that is made when it is needed, and made again.
    pub(crate) fn channel(&self) -> Channel {
        channel(self.address)
    }

    /// The database, as its owner.
    pub(crate) fn owner_url(&self) -> String {
        self.urls.owner.expose_secret().to_owned()
    }

    /// Ends the process at once.
    pub(crate) async fn kill(&mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }

    /// Starts it again.
    pub(crate) async fn restart(&mut self) {
        let jwks = self.folder.path().join("jwks.json");
        self.child = start(self.program, self.address, &jwks, &self.urls).await;
    }
}

/// An address that is free now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// A connection that is made when it is needed, and made again.
fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_the_process() {
    let mut service = Killable::start().await;

    let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let mut writer = Writer::new(&service.key, &service.channel());
        writer.open().await;
        let (progress, stop) = (Arc::clone(&progress), stop.clone());
        writers.push(tokio::spawn(async move { writer.write(&progress, &stop).await }));
    }
    let mut dice = StdRng::seed_from_u64(1);
    for _ in 0..KILLS {
        progress.more(dice.random_range(20..60)).await;
        service.kill().await;
        service.restart().await;
    }
    progress.more(20).await;
    stop.cancel();
    let written: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
    assert!(progress.unanswered.load(Ordering::SeqCst) > 0, "nobody noticed a thing");

    let mut database = PgConnection::connect(&service.owner_url()).await.unwrap();
    let channel = world::connect(service.address).await;
    let reader = |workflow: Workflow| {
        Person::new(&service.key, channel.clone(), 40, Some(workflow), &[Role::Auditor])
    };
    expect_all(&mut database, reader, &written).await;
    service.kill().await;
}
