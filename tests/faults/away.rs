//! PostgreSQL goes away under the service, and comes back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use secrecy::ExposeSecret as _;
use signoff_chassis::identity::{Jwks, SigningKey};
use signoff_embedded::{Cluster, Options};
use signoff_tests::{Person, database, world};
use signoff_versioning::Service;
use signoff_versioning::executions::AuditArgs;
use signoff_workflow::{Role, Workflow};
use sqlx::{Connection as _, PgConnection};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::Channel;

use crate::writers::{Progress, Writer, Written, expect_all};

const WRITERS: usize = 4;

/// Writers at work on a service.
struct AtWork {
    key: Arc<SigningKey>,
    channel: Channel,
    progress: Arc<Progress>,
    stop: CancellationToken,
    writers: Vec<tokio::task::JoinHandle<Written>>,
    service: CancellationToken,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    _folder: tempfile::TempDir,
}

impl AtWork {
    async fn on(urls: &signoff_ledger::DatabaseUrls) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, jwks) =
            (Arc::new(SigningKey::generate().unwrap()), folder.path().join("jwks.json"));
        Jwks::of([&*key]).save(&jwks).unwrap();
        let prepared =
            Service::prepare(world::serve_args(urls, jwks, AuditArgs::default())).await.unwrap();
        let (address, service) = (prepared.address(), CancellationToken::new());
        let running = tokio::spawn(prepared.run(service.clone()));
        let channel = world::connect(address).await;
        let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let mut writer = Writer::new(&key, &channel);
            writer.open().await;
            let (progress, stop) = (Arc::clone(&progress), stop.clone());
            writers.push(tokio::spawn(async move { writer.write(&progress, &stop).await }));
        }
        Self { key, channel, progress, stop, writers, service, running, _folder: folder }
    }

    /// All that was acknowledged is there; the service is the one that it was.
    async fn finish(self, database: &mut PgConnection) {
        self.progress.more(30).await;
        self.stop.cancel();
        let written = join_all(self.writers).await.into_iter().map(Result::unwrap);
        let written: Vec<_> = written.collect();
        let reader = |workflow: Workflow| {
            Person::new(&self.key, self.channel.clone(), 40, Some(workflow), &[Role::Auditor])
        };
        expect_all(database, reader, &written).await;
        self.service.cancel();
        self.running.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_postgres_needs_no_restart_of_the_service() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let path = folder.path().join("database");
    let cluster = Cluster::open(&path, Options::default()).await.unwrap();
    let options = Options { port: Some(cluster.port()), ..Options::default() };
    let (urls, _) = database::fresh_in::<signoff_versioning::commands::Engine>(&cluster).await;
    let work = AtWork::on(&urls).await;
    work.progress.more(30).await;
    cluster.stop().await.unwrap();
    drop(cluster);
    // While it is away, whoever asks is told so.
    let somebody = world::workflow();
    let roles = [Role::Tester];
    let person = Person::new(&work.key, work.channel.clone(), 10, Some(somebody), &roles);
    let here = signoff_tests::people::scope(somebody, signoff_workflow::Phase::SAMPLE_SELECTION);
    let away = person.create(&here, Vec::new()).await.unwrap_err();
    assert_eq!(away.code(), Code::Unavailable, "{away:?}");
    assert_eq!(signoff_tests::refusals::reason(&away), "BACKEND_UNAVAILABLE");
    let unanswered = work.progress.unanswered.load(Ordering::SeqCst);
    assert!(unanswered > 0, "nobody noticed a thing");

    let cluster = Cluster::open(&path, options).await.unwrap();
    let mut database = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    work.finish(&mut database).await;
    drop(database);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_are_made_again() {
    let (urls, name) = database::fresh().await;
    let work = AtWork::on(&urls).await;
    let admin = database::cluster().await.admin_url();
    let mut admin = PgConnection::connect(admin.expose_secret()).await.unwrap();
    let mut ended = 0;
    for _ in 0..20 {
        work.progress.more(7).await;
        let found: i64 = sqlx::query_scalar(
            "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity
             where datname = $1 and usename = 'versioning_service'",
        )
        .bind(&name)
        .fetch_one(&mut admin)
        .await
        .unwrap();
        ended += found;
    }
    assert!(ended >= 20, "{ended} connections ended");
    let mut database = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    work.finish(&mut database).await;
}

/// As root, the server's user must be able to enter.
fn open_to_all(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}
