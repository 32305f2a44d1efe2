//! The service's process is killed while people write.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use secrecy::ExposeSecret as _;
use signoff_chassis::identity::{Jwks, SigningKey};
use signoff_ledger::DatabaseUrls;
use signoff_tests::wait::until;
use signoff_tests::{Person, database, world};
use signoff_workflow::{Role, Workflow};
use sqlx::{Connection as _, PgConnection};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use crate::writers::{Progress, Writer, expect_all};

const WRITERS: usize = 8;
const KILLS: usize = 6;

/// A process of the service at an address; it ends with the test, whose end closes its input.
async fn start(address: SocketAddr, jwks: &Path, urls: &DatabaseUrls) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_service-under-test"))
        .args(["--listen", &address.to_string(), "--standing-assertions", "--jwks"])
        .arg(jwks)
        .env("SIGNOFF_DATABASE_URL", urls.service.expose_secret())
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

/// An address that is free now.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// A connection that is made when it is needed, and made again.
fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_the_process() {
    let (urls, _) = database::fresh().await;
    let folder = tempfile::tempdir().unwrap();
    let (key, jwks) = (SigningKey::generate().unwrap(), folder.path().join("jwks.json"));
    Jwks::of([&key]).save(&jwks).unwrap();
    let address = free_address();
    let mut child = start(address, &jwks, &urls).await;

    let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let mut writer = Writer::new(&key, &channel(address));
        writer.open().await;
        let (progress, stop) = (Arc::clone(&progress), stop.clone());
        writers.push(tokio::spawn(async move { writer.write(&progress, &stop).await }));
    }
    let mut dice = StdRng::seed_from_u64(1);
    for _ in 0..KILLS {
        progress.more(dice.random_range(20..60)).await;
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        child = start(address, &jwks, &urls).await;
    }
    progress.more(20).await;
    stop.cancel();
    let written: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
    assert!(progress.unanswered.load(Ordering::SeqCst) > 0, "nobody noticed a thing");

    let mut database = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    let channel = world::connect(address).await;
    let reader = |workflow: Workflow| {
        Person::new(&key, channel.clone(), 40, Some(workflow), &[Role::Auditor])
    };
    expect_all(&mut database, reader, &written).await;
    child.start_kill().unwrap();
    child.wait().await.unwrap();
}
