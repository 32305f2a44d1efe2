//! The database's disk has no room left, and gets some.
//!
//! A quota of a user or of a file system cannot be set without being root. What anybody may set is how
//! large the files of a process may become, for a process that runs already, and take back: `prlimit`
//! of util-linux. PostgreSQL meets it where it meets a quota, as an error of a write for which it has no
//! SQLSTATE of its own (a quota is EDQUOT, this is EFBIG; a full disk, ENOSPC, has one, which the
//! ledger's tests of SQLSTATEs have). So one table is made to fill the files that may be, or the
//! log cannot be written, which ends the server for a moment.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use secrecy::{ExposeSecret as _, SecretString};
use signoff_embedded::Cluster;
use signoff_ledger::DatabaseUrls;
use signoff_tests::people::scope;
use signoff_tests::refusals::reason;
use signoff_tests::wait::until;
use signoff_tests::{Person, build, database, world};
use signoff_versioning::commands::Engine;
use signoff_workflow::{Phase, Role};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::at_work::AtWork;

/// How large the log's files are: none of them may be smaller.
const SEGMENT: u64 = 16 * 1024 * 1024;

/// The processes of a server.
struct Server {
    admin: SecretString,
    postmaster: u32,
}

impl Server {
    async fn of(cluster: &Cluster) -> Self {
        let admin = cluster.admin_url();
        let mut db = PgConnection::connect(admin.expose_secret()).await.unwrap();
        let file: String = sqlx::query_scalar("select pg_read_file('postmaster.pid')")
            .fetch_one(&mut db)
            .await
            .unwrap();
        let postmaster = file.lines().next().unwrap().parse().unwrap();
        Self { admin, postmaster }
    }

    /// The files of the server's processes may grow up to this size: of those that it starts, too, or
    /// only of those who serve somebody now.
    fn limit(&self, bytes: Option<u64>, of_all: bool) {
        let most = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        if of_all {
            // First: whoever is started from now on has it from there.
            limit(self.postmaster, &most);
        }
        let children = format!("/proc/{0}/task/{0}/children", self.postmaster);
        let children = std::fs::read_to_string(children).unwrap();
        for pid in children.split_whitespace().map(|pid| pid.parse().unwrap()) {
            let name = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
            if of_all || name.is_ok_and(|name| name.contains("versioning_service")) {
                limit(pid, &most);
            }
        }
    }
}

/// Sets only what can be taken back.
fn limit(pid: u32, most: &str) {
    let process = Path::new("/proc").join(pid.to_string());
    // One that has just ended needs none.
    let Ok(of) = std::fs::metadata(&process) else { return };
    let set = [format!("--pid={pid}"), format!("--fsize={most}:")];
    // As its own user: even root may have been forbidden to do it to others.
    let set = Command::new("prlimit").args(set).uid(of.uid()).gid(of.gid()).output();
    let set = set.expect("prlimit, of util-linux");
    assert!(set.status.success() || !process.exists(), "{set:?}");
}

/// Fills the table of kept answers, into which every change writes, up to the last byte of a size.
async fn fill(server: &Server, name: &str) -> u64 {
    let (url, _) = server.admin.expose_secret().rsplit_once('/').unwrap();
    let mut db = PgConnection::connect(&format!("{url}/{name}?sslmode=disable")).await.unwrap();
    db.execute("alter table idempotency_keys alter answer set storage plain").await.unwrap();
    // Of another workflow, a page each.
    db.execute(
        "insert into idempotency_keys (cycle_id, report_id, request_id, method, caller, content_hash, answer)
         select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '/a.B/C', 1, sha256(''),
             convert_to(repeat('x', 7900), 'UTF8')
         from generate_series(1, 2200)",
    )
    .await
    .unwrap();
    db.execute("checkpoint").await.unwrap();
    let size: i64 = sqlx::query_scalar("select pg_relation_size('idempotency_keys')")
        .fetch_one(&mut db)
        .await
        .unwrap();
    let size = u64::try_from(size).unwrap();
    assert!(size > SEGMENT);
    size
}

async fn started() -> (Cluster, Server, DatabaseUrls, String) {
    let cluster = Cluster::temporary().await.unwrap();
    let (urls, name) = database::fresh_in::<Engine>(&cluster).await;
    let server = Server::of(&cluster).await;
    (cluster, server, urls, name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_changes_and_nothing_else() {
    let (cluster, server, urls, name) = started().await;
    let work = AtWork::on(&urls).await;
    work.progress.more(20).await;
    let mine = world::workflow();
    let here = scope(mine, Phase::SAMPLE_SELECTION);
    let roles = [Role::Tester];
    let tester = Person::new(&work.key, work.channel.clone(), 10, Some(mine), &roles);
    let mut gateway = Person::new(&work.key, work.channel.clone(), 1, None, &[Role::Gateway]);
    gateway.open_phase(mine, Phase::SAMPLE_SELECTION).await;
    let draft = tester.create(&here, build::inputs(0..2)).await.unwrap();

    let size = fill(&server, &name).await;
    server.limit(Some(size), true);
    until("everybody is refused", || async {
        (work.progress.unanswered.load(Ordering::SeqCst) > 20).then_some(())
    })
    .await;
    // Pages that others added before the limit may have room for some yet: each call adds its own ten.
    let (mut draft, mut more) = (draft, 10..20);
    let full = loop {
        match tester.add(&draft, build::inputs(more.clone())).await {
            Ok(_) => draft = tester.get(&draft).await.unwrap(),
            Err(refused) => break refused,
        }
        more = more.end..more.end + 10;
    };
    let had = usize::try_from(more.start).unwrap() - 8;
    assert_eq!(full.code(), Code::Unavailable, "{full:?}");
    assert_eq!(reason(&full), "BACKEND_UNAVAILABLE");
    assert!(full.get_details_retry_info().is_some());
    let told = format!("{full:?}");
    for word in ["extend", "relation", "base/", "File too large"] {
        assert!(!told.contains(word), "the database's words: {told}");
    }
    // Nothing is half done, and whoever reads is served.
    assert_eq!(tester.get(&draft).await.unwrap().etag, draft.etag);
    assert_eq!(tester.decisions(&draft).await.len(), had);
    assert!(tester.verify(mine).await.intact);

    server.limit(None, true);
    until("room", || async { tester.add(&draft, build::inputs(more.clone())).await.ok() }).await;
    assert_eq!(tester.decisions(&draft).await.len(), had + 10);
    let mut database = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    work.finish(&mut database).await;
    drop(database);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_written_ends_the_server_and_not_the_service() {
    let (cluster, server, urls, _) = started().await;
    let work = AtWork::on(&urls).await;
    for _ in 0..2 {
        work.progress.more(20).await;
        let unanswered = work.progress.unanswered.load(Ordering::SeqCst);
        // Whoever writes to the log now ends all; the server starts again by itself.
        server.limit(Some(8192), false);
        until("somebody who is not answered", || async {
            (work.progress.unanswered.load(Ordering::SeqCst) > unanswered).then_some(())
        })
        .await;
    }
    work.progress.more(20).await;
    let mut database = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    work.finish(&mut database).await;
    drop(database);
    cluster.stop().await.unwrap();
}
