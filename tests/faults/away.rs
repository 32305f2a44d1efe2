//! PostgreSQL goes away under the service, and comes back.

use std::sync::atomic::Ordering;

use secrecy::ExposeSecret as _;
use signoff_embedded::{Cluster, Options};
use signoff_tests::{Person, database, world};
use signoff_workflow::Role;
use sqlx::{Connection as _, PgConnection};
use tonic::Code;

use crate::at_work::AtWork;

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
