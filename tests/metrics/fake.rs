//! A feed that sends whatever a test wants, and whoever counts it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use futures::Stream;
use signoff_chassis::Refusal;
use signoff_chassis::config::{DatabaseArgs, MonitorArgs, ServerArgs, TokenArgs};
use signoff_chassis::identity::{Jwks, SigningKey};
use signoff_contract::feed::v1 as wire;
use signoff_contract::feed::v1::feed_service_server::{FeedService, FeedServiceServer};
use signoff_contract::metrics::v1 as metrics;
use signoff_ledger::DatabaseUrls;
use signoff_metrics::follow::FeedArgs;
use signoff_metrics::{MetricsArgs, Service, migrations};
use signoff_tests::house::{ADMIN, AUDITOR};
use signoff_tests::people::request_id;
use signoff_tests::wait::until;
use signoff_tests::world::connect;
use signoff_tests::{Person, database};
use signoff_workflow::{Role, Workflow};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::chain::Record;

/// The sources of feeds.
pub(crate) const SOURCES: [wire::Source; 3] =
    [wire::Source::Versioning, wire::Source::Audit, wire::Source::Gateway];

/// One feed: its messages, each the parts of records behind which a cursor stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    messages: Vec<Vec<wire::FeedRecord>>,
    /// The stream ends behind each message.
    pub(crate) ends: bool,
    /// The stream ends once, before the last part of the message with this number.
    pub(crate) cut_at: Option<usize>,
    /// Which database it is of: whoever brings a cursor of another one is refused.
    life: usize,
    /// It does not say where it stands.
    pub(crate) silent: bool,
    /// How often somebody subscribed.
    pub(crate) subscribed: usize,
}

impl Script {
    /// Another database takes its place: nothing of what was sent is there any more.
    pub(crate) fn begin_another_life(&mut self) {
        self.messages.clear();
        self.life += 1;
    }

    /// What comes behind a cursor: the next message, or where the feed stands.
    fn next(&self, cursor: &str) -> Option<wire::SubscribeResponse> {
        let (at, skip) = place(cursor);
        match self.messages.get(at) {
            Some(records) => {
                let records = records[skip..].to_vec();
                Some(wire::SubscribeResponse { records, heartbeat: None })
            }
            None => (!self.silent).then(heartbeat),
        }
    }

    /// The cursor behind so many messages.
    fn cursor(&self, messages: usize) -> String {
        match messages {
            0 => String::new(),
            n => format!("{}-{n}", self.life),
        }
    }
}

/// Who holds all fake feeds back, as they say.
pub(crate) fn holder() -> wire::HeldBy {
    wire::HeldBy {
        process_id: 4711,
        database: "ledger".to_owned(),
        role: "somebody".to_owned(),
        application: "a long report".to_owned(),
        seconds: 12.5,
    }
}

/// Everything was sent.
fn heartbeat() -> wire::SubscribeResponse {
    let watermark = Some(SystemTime::now().into());
    let heartbeat = wire::Heartbeat { watermark, held_by: Some(holder()), ..Default::default() };
    wire::SubscribeResponse { heartbeat: Some(heartbeat), ..Default::default() }
}

/// All feeds, on one socket.
#[derive(Clone)]
pub(crate) struct Fake {
    scripts: Arc<Mutex<HashMap<i32, Script>>>,
    more: watch::Sender<()>,
    address: SocketAddr,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let scripts = SOURCES.map(|source| (i32::from(source), Script::default()));
        let scripts = Arc::new(Mutex::new(scripts.into()));
        let fake = Self { scripts, more: watch::Sender::new(()), address };
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let service = FeedServiceServer::new(fake.clone());
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        fake
    }

    /// Changes a feed, and tells those who follow it.
    pub(crate) fn change<T>(
        &self,
        source: wire::Source,
        change: impl FnOnce(&mut Script) -> T,
    ) -> T {
        let changed = change(self.scripts.lock().unwrap().get_mut(&i32::from(source)).unwrap());
        self.more.send_replace(());
        changed
    }

    /// Looks at a feed, without telling anybody.
    pub(crate) fn look<T>(&self, source: wire::Source, look: impl FnOnce(&mut Script) -> T) -> T {
        look(self.scripts.lock().unwrap().get_mut(&i32::from(source)).unwrap())
    }

    /// Sends records, so many in each message.
    pub(crate) fn send(&self, source: wire::Source, records: &[Record], each: usize) {
        self.send_parts(source, records.iter().map(|record| record.parts(2)).collect(), each);
    }

    /// Sends the parts of records, so many records in each message.
    pub(crate) fn send_parts(
        &self,
        source: wire::Source,
        records: Vec<Vec<wire::FeedRecord>>,
        each: usize,
    ) {
        self.change(source, |script| {
            for records in records.chunks(each) {
                let mut message: Vec<wire::FeedRecord> = records.concat();
                let cursor = script.cursor(script.messages.len() + 1);
                // A cursor in the middle of a message counts its parts.
                let behind = format!("{}-{}", script.life, script.messages.len());
                let last = message.len() - 1;
                for (nth, part) in message.iter_mut().enumerate() {
                    if !part.details_follow {
                        part.cursor =
                            if nth == last { cursor.clone() } else { format!("{behind}.{nth}") };
                    }
                }
                script.messages.push(message);
            }
        });
    }

    /// The cursor behind everything that was sent.
    fn end(&self, source: wire::Source) -> String {
        self.look(source, |script| script.cursor(script.messages.len()))
    }
}

/// Where a cursor stands: behind so many messages, and parts of the next.
fn place(cursor: &str) -> (usize, usize) {
    let Some((_, place)) = cursor.split_once('-') else { return (0, 0) };
    match place.split_once('.') {
        Some((messages, part)) => (messages.parse().unwrap(), part.parse::<usize>().unwrap() + 1),
        None => (place.parse().unwrap(), 0),
    }
}

#[tonic::async_trait]
impl FeedService for Fake {
    type SubscribeStream =
        Pin<Box<dyn Stream<Item = Result<wire::SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<wire::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let request = request.into_inner();
        let source = wire::Source::try_from(request.source).unwrap();
        let life = self.look(source, |script| {
            script.subscribed += 1;
            script.life
        });
        if !request.cursor.is_empty() && !request.cursor.starts_with(&format!("{life}-")) {
            return Err(Refusal::epoch_changed().into());
        }
        if self.look(source, |script| script.ends) {
            // With its end right behind it.
            let message = self.look(source, |script| script.next(&request.cursor));
            return Ok(Response::new(Box::pin(futures::stream::iter(message.map(Ok)))));
        }
        let (room, mut taken) = mpsc::channel(1);
        let mut more = self.more.subscribe();
        let fake = self.clone();
        tokio::spawn(async move {
            let (mut at, mut skip) = place(&request.cursor);
            loop {
                let (message, is_over, cut, silent) = fake.look(source, |script| {
                    let cut = script.cut_at.take_if(|cut| *cut == at).is_some();
                    let is_over = script.life != life;
                    let message = script.messages.get(at).filter(|_| !is_over).cloned();
                    (message, is_over, cut, script.silent)
                });
                let Some(mut records) = message else {
                    let message = heartbeat();
                    if !silent && room.send(Ok(message)).await.is_err() || is_over {
                        return;
                    }
                    tokio::select! {
                        () = room.closed() => return,
                        changed = more.changed() => changed.unwrap(),
                    }
                    continue;
                };
                records.drain(..skip);
                skip = 0;
                if cut {
                    records.pop();
                }
                at += 1;
                let message = wire::SubscribeResponse { records, heartbeat: None };
                if room.send(Ok(message)).await.is_err() || is_over || cut {
                    return;
                }
            }
        });
        let stream = futures::stream::poll_fn(move |context| taken.poll_recv(context));
        Ok(Response::new(Box::pin(stream)))
    }
}

/// Whoever counts a fake's feeds.
pub(crate) struct Counted {
    pub(crate) fake: Fake,
    pub(crate) watched_at: SocketAddr,
    pub(crate) urls: DatabaseUrls,
    address: SocketAddr,
    key: Arc<SigningKey>,
    shutdown: CancellationToken,
    _folder: TempDir,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Counted {
    pub(crate) async fn new() -> Self {
        let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
        let key = Arc::new(SigningKey::generate().unwrap());
        let (jwks, token) = (folder.path().join("jwks.json"), folder.path().join("token"));
        Jwks::of([&*key]).save(&jwks).unwrap();
        std::fs::write(&token, "a-token").unwrap();
        let (urls, _) =
            database::fresh_for(database::cluster().await, "metrics", migrations()).await;
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let url = || vec![format!("http://{}", fake.address).parse().unwrap()];
        let args = MetricsArgs {
            server: ServerArgs {
                listen: local,
                monitor: MonitorArgs { http_listen: Some(local) },
                jwks: vec![jwks],
                drain_seconds: 5,
                log_json: false,
            },
            tokens: TokenArgs {
                oidc_issuer: None,
                oidc_audience: "signoff".to_owned(),
                oidc_jwks: None,
            },
            feeds: FeedArgs {
                versioning_url: url(),
                audit_url: url(),
                gateway_url: url(),
                service_token_file: token,
            },
            database: DatabaseArgs { database_url: urls.service.clone(), database_owner_url: None },
            database_connections: 6,
        };
        let service = Service::prepare(args).await.unwrap();
        let (address, watched_at) = (service.address(), service.monitored_at().unwrap());
        let shutdown = CancellationToken::new();
        tokio::spawn(service.run(shutdown.clone()));
        Self { fake, watched_at, urls, address, key, shutdown, _folder: folder }
    }

    /// Somebody with roles: on the report of this workflow, or everywhere.
    pub(crate) async fn person(
        &self,
        user_id: i64,
        workflow: Option<Workflow>,
        roles: &[Role],
    ) -> Person {
        Person::new(&self.key, connect(self.address).await, user_id, workflow, roles)
    }

    pub(crate) async fn auditor(&self) -> Person {
        self.person(AUDITOR, None, &[Role::Auditor]).await
    }

    pub(crate) async fn freshness(&self) -> metrics::GetFreshnessResponse {
        self.auditor().await.call(metrics::GetFreshnessRequest {}).await.unwrap()
    }

    /// Waits until everything that was sent has been taken in.
    pub(crate) async fn settled(&self) {
        let auditor = self.auditor().await;
        let ends: Vec<(i32, String)> =
            SOURCES.iter().map(|source| (i32::from(*source), self.fake.end(*source))).collect();
        until("everything is counted", || async {
            let now = auditor.call(metrics::GetFreshnessRequest {}).await.unwrap();
            let is_there = |(source, end): &(i32, String)| {
                let mut positions = now.feeds.iter().filter_map(|of| of.position.as_ref());
                positions.any(|at| at.source == *source && at.cursor == *end)
            };
            ends.iter().all(is_there).then_some(())
        })
        .await;
    }

    /// Has everything counted anew, and waits until that took the place of what was there.
    pub(crate) async fn rebuilt(&self) {
        let admin = self.person(ADMIN, None, &[Role::Admin]).await;
        let reason = "to be sure".to_owned();
        let request = metrics::RebuildRequest { request_id: request_id(), reason };
        let begun = admin.call(request).await.unwrap().rebuild.unwrap();
        until("a count from the start", || async {
            let now = admin.call(metrics::GetFreshnessRequest {}).await.unwrap();
            (now.generation == begun.generation).then_some(())
        })
        .await;
    }

    /// What Prometheus sees.
    pub(crate) async fn watched(&self) -> String {
        let mut stream = TcpStream::connect(self.watched_at).await.unwrap();
        let request = b"GET /metrics HTTP/1.1\r\nHost: metrics\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Waits until Prometheus sees a line.
    pub(crate) async fn shows(&self, line: &str) {
        let shown = || async { self.watched().await.contains(line).then_some(()) };
        until(line, shown).await;
    }

    /// Its database, as the service.
    pub(crate) async fn as_service(&self) -> PgConnection {
        use secrecy::ExposeSecret as _;
        PgConnection::connect(self.urls.service.expose_secret()).await.unwrap()
    }
}
