//! Whoever counts is killed, its connections end and its sources restart, while people work.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use secrecy::ExposeSecret as _;
use signoff_contract::metrics::v1 as wire;
use signoff_metrics::MetricsArgs;
use signoff_tests::house::AUDITOR;
use signoff_tests::wait::until;
use signoff_tests::{Counting, House, Office, Person, database, settings};
use signoff_workflow::{Phase, Role};
use sqlx::{Connection as _, PgConnection};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tonic::transport::Endpoint;

use crate::asking::Asking;
use crate::busy::{Busy, exported};
use crate::oracle;

/// The program of the metrics service.
const PROGRAM: &str = env!("CARGO_BIN_EXE_metrics-under-test");

/// A process that counts, or stands by.
struct Replica {
    address: SocketAddr,
    args: MetricsArgs,
    child: Child,
}

impl Replica {
    async fn start(args: &MetricsArgs) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut replica = Self { address, args: args.clone(), child: run(args, address) };
        replica.listens().await;
        replica
    }

    async fn listens(&mut self) {
        let (address, child) = (self.address, &mut self.child);
        until("a service that listens", || {
            assert_eq!(child.try_wait().unwrap(), None, "the service ended");
            async { TcpStream::connect(address).await.ok() }
        })
        .await;
    }

    /// Ends it at once.
    async fn kill(&mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }

    /// Starts it again; whether it listens is another matter.
    fn restart(&mut self) {
        self.child = run(&self.args, self.address);
    }
}

fn run(args: &MetricsArgs, address: SocketAddr) -> Child {
    let feeds = &args.feeds;
    Command::new(PROGRAM)
        .args(["--listen", &address.to_string(), "--jwks"])
        .arg(&args.server.jwks[0])
        .env("SIGNOFF_VERSIONING_URL", feeds.versioning_url[0].to_string())
        .env("SIGNOFF_AUDIT_URL", feeds.audit_url[0].to_string())
        .env("SIGNOFF_GATEWAY_URL", feeds.gateway_url[0].to_string())
        .env("SIGNOFF_SERVICE_TOKEN_FILE", &feeds.service_token_file)
        .env("SIGNOFF_DATABASE_URL", args.database.database_url.expose_secret())
        .env("SIGNOFF_LOG", "off")
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// A house in which people work until they are to rest.
struct Work {
    house: House,
    done: Arc<AtomicUsize>,
    rest: Arc<AtomicBool>,
    working: Vec<JoinHandle<Busy>>,
    resting: Vec<Busy>,
    args: MetricsArgs,
}

impl Work {
    async fn begin(seed: u64) -> Self {
        let house = House::new().await;
        // What it is told, and a database: it is nobody's yet.
        let counting = Counting::of(&house).await;
        let args = counting.args().clone();
        counting.stop().await;
        let mut resting = Vec::new();
        for more in 0..3 {
            let office = Office::of(&house).await;
            if more == 2 {
                office.through(Phase::DATA_OWNER_ID).await;
                office.document().await;
                office.start(Phase::TEST_EXECUTION).await.unwrap();
            }
            resting.push(Busy::new(office, ChaCha8Rng::seed_from_u64(seed + more)));
        }
        let (done, rest) = Default::default();
        let mut work = Self { house, done, rest, working: Vec::new(), resting, args };
        work.go_on();
        work
    }

    fn go_on(&mut self) {
        self.rest.store(false, Ordering::SeqCst);
        for (nth, mut busy) in self.resting.drain(..).enumerate() {
            let (done, rest) = (Arc::clone(&self.done), Arc::clone(&self.rest));
            self.working.push(tokio::spawn(async move {
                while !rest.load(Ordering::SeqCst) {
                    match nth {
                        2 => busy.lanes(1).await,
                        _ => busy.versions(Phase::PLANNING, 1).await,
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                }
                busy
            }));
        }
    }

    async fn rest(&mut self) {
        self.rest.store(true, Ordering::SeqCst);
        for working in self.working.drain(..) {
            self.resting.push(working.await.unwrap());
        }
    }

    /// Waits until so many more things were tried.
    async fn more(&self, things: usize) {
        let from = self.done.load(Ordering::SeqCst);
        let is_done =
            || async { (self.done.load(Ordering::SeqCst) >= from + things).then_some(()) };
        until("more work", is_done).await;
    }

    async fn database(&self) -> PgConnection {
        PgConnection::connect(self.args.database.database_url.expose_secret()).await.unwrap()
    }

    /// How many records were counted.
    async fn counted(&self) -> i64 {
        let sum = sqlx::query_scalar("select sum(records)::bigint from feeds");
        sum.fetch_one(&mut self.database().await).await.unwrap()
    }

    /// Waits until somebody counts.
    async fn counts_on(&self) {
        let from = self.counted().await;
        until("somebody who counts", || async { (self.counted().await > from).then_some(()) })
            .await;
    }

    /// Waits until everything is counted, and expects that the figures are those of a direct count.
    async fn expect_all(&mut self, replica: &Replica, seed: u64) {
        self.rest().await;
        let mut records = 0;
        for urls in [&self.house.versioning.urls, &self.house.audit.urls, &self.house.urls] {
            let mut db = PgConnection::connect(urls.service.expose_secret()).await.unwrap();
            let sum = sqlx::query_scalar::<_, i64>("select count(*) from trail");
            records += sum.fetch_one(&mut db).await.unwrap();
        }
        until("everything is counted", || async {
            (self.counted().await == records).then_some(())
        })
        .await;
        let mut files = Vec::new();
        for busy in &self.resting {
            files.extend(exported(busy.office.lead(), busy.office.workflow).await);
        }
        let facts = oracle::count(&files);
        let channel = Endpoint::from_shared(format!("http://{}", replica.address)).unwrap();
        let auditor = Person::new(
            &self.house.versioning.key,
            channel.connect_lazy(),
            AUDITOR,
            None,
            &[Role::Auditor],
        );
        Asking::new(&auditor, &facts, ChaCha8Rng::seed_from_u64(seed)).everything().await;
        let now = auditor.call(wire::GetFreshnessRequest {}).await.unwrap();
        assert!(now.feeds.iter().all(|of| of.rejected_records == 0), "{now:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_counts_may_be_killed_at_any_moment() {
    let seed = settings::seed();
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut work = Work::begin(seed).await;
    let mut replica = Replica::start(&work.args).await;
    for kill in 0..settings::told("SIGNOFF_TEST_KILLS").unwrap_or(20) {
        // While it starts, counts what came meanwhile, or waits for more; every third time it has got on.
        if dice.random_bool(0.8) {
            replica.listens().await;
        }
        match kill % 3 {
            0 => work.counts_on().await,
            _ => work.more(dice.random_range(0..12)).await,
        }
        replica.kill().await;
        replica.restart();
    }
    replica.listens().await;
    work.expect_all(&replica, seed).await;
    replica.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replica_takes_over_and_nothing_that_ends_meanwhile_matters() {
    let seed = settings::seed();
    let mut work = Work::begin(seed).await;
    let mut one = Replica::start(&work.args).await;
    work.counts_on().await;
    let mut other = Replica::start(&work.args).await;
    // Whichever counts: the one that is left does then.
    for _ in 0..3 {
        one.kill().await;
        work.counts_on().await;
        one.restart();
        one.listens().await;
        other.kill().await;
        work.counts_on().await;
        other.restart();
        other.listens().await;
    }
    // Connections of both, the one with the lock among them.
    let admin = database::cluster().await.admin_url();
    let mut admin = PgConnection::connect(admin.expose_secret()).await.unwrap();
    let name: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(&mut work.database().await)
        .await
        .unwrap();
    for _ in 0..10 {
        work.more(3).await;
        let ended = sqlx::query_scalar::<_, i64>(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1",
        );
        let ended = ended.bind(&name).fetch_one(&mut admin).await.unwrap();
        assert!(ended > 0, "nobody is connected");
        work.counts_on().await;
    }
    // Sources restart; people wait meanwhile.
    work.rest().await;
    work.house.versioning.pause().await;
    work.house.audit.pause().await;
    work.house.versioning.resume().await;
    work.house.audit.resume().await;
    let workflow = work.resting[0].office.workflow;
    work.house.settled(workflow).await;
    work.go_on();
    work.more(30).await;
    work.expect_all(&one, seed).await;
    one.kill().await;
    other.kill().await;
}
