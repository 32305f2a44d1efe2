//! Where the feeds come from.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use signoff_contract::feed::v1 as wire;
use signoff_contract::feed::v1::feed_service_client::FeedServiceClient;
use signoff_ledger::Source;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Status, Streaming};

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How often a silent connection is tried, and how long that may take.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Longest message of a feed.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// How much may be on its way: a feed is read as fast as it is counted.
const WINDOW: u32 = 4 * 1024 * 1024;

/// Whose feeds are followed, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub struct FeedArgs {
    /// The replicas of the versioning service: `http://HOST:PORT`, separated by commas.
    #[arg(long, env = "SIGNOFF_VERSIONING_URL", value_name = "URL", value_delimiter = ',')]
    #[arg(required = true)]
    pub versioning_url: Vec<Uri>,
    /// The replicas of the audit service.
    #[arg(long, env = "SIGNOFF_AUDIT_URL", value_name = "URL", value_delimiter = ',')]
    #[arg(required = true)]
    pub audit_url: Vec<Uri>,
    /// The replicas of the gateway.
    #[arg(long, env = "SIGNOFF_GATEWAY_URL", value_name = "URL", value_delimiter = ',')]
    #[arg(required = true)]
    pub gateway_url: Vec<Uri>,
    /// A file with a token of the role SERVICE, by which the others know us. It is read for each
    /// subscription, and may be replaced at any time.
    #[arg(long, env = "SIGNOFF_SERVICE_TOKEN_FILE", value_name = "FILE")]
    pub service_token_file: PathBuf,
}

/// A message of a feed, as it came; nothing, if the feed ended.
pub(super) type Heard = Result<Option<wire::SubscribeResponse>, Status>;

/// All services that are followed. None need be there yet.
#[derive(Clone, Debug)]
pub struct Upstreams(Arc<[Upstream; 3]>);

/// One service.
#[derive(Debug)]
pub struct Upstream {
    source: Source,
    replicas: Vec<Channel>,
    turn: AtomicUsize,
    token_file: PathBuf,
}

impl Upstreams {
    /// At these addresses.
    ///
    /// # Errors
    /// There is no token to ask with.
    pub fn new(args: FeedArgs) -> anyhow::Result<Self> {
        let token_file = args.service_token_file;
        token(&token_file)
            .with_context(|| format!("the service's token: {}", token_file.display()))?;
        let of = |source, urls: Vec<Uri>| Upstream {
            source,
            replicas: urls.into_iter().map(channel).collect(),
            turn: AtomicUsize::new(0),
            token_file: token_file.clone(),
        };
        Ok(Self(Arc::new([
            of(Source::Versioning, args.versioning_url),
            of(Source::Audit, args.audit_url),
            of(Source::Gateway, args.gateway_url),
        ])))
    }

    /// One of them.
    pub fn of(&self, source: Source) -> &Upstream {
        let [versioning, audit, gateway] = &*self.0;
        match source {
            Source::Versioning => versioning,
            Source::Audit => audit,
            Source::Gateway => gateway,
        }
    }
}

impl Upstream {
    /// Whether its details are needed: only of decisions.
    pub fn with_details(&self) -> bool {
        self.source == Source::Versioning
    }

    /// Subscribes to its feed behind a cursor, at the next replica in turn.
    ///
    /// # Errors
    /// What it answers, or that it is away.
    pub async fn subscribe(
        &self,
        cursor: &str,
    ) -> Result<Streaming<wire::SubscribeResponse>, Status> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let Some(channel) = self.replicas.get(turn % self.replicas.len().max(1)) else {
            return Err(Status::unavailable("no replica is known"));
        };
        let source = match self.source {
            Source::Versioning => wire::Source::Versioning,
            Source::Audit => wire::Source::Audit,
            Source::Gateway => wire::Source::Gateway,
        };
        let mut request = Request::new(wire::SubscribeRequest {
            source: source.into(),
            cursor: cursor.to_owned(),
            with_details: self.with_details(),
            bytes_only: true,
        });
        let bearer =
            token(&self.token_file).map_err(|error| Status::unavailable(error.to_string()))?;
        request.metadata_mut().insert("authorization", bearer);
        let mut client =
            FeedServiceClient::new(channel.clone()).max_decoding_message_size(MAX_MESSAGE);
        Ok(client.subscribe(request).await?.into_inner())
    }
}

fn channel(url: Uri) -> Channel {
    Endpoint::from(url)
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .connect_lazy()
}

/// The token, as the header has it.
fn token(file: &Path) -> anyhow::Result<MetadataValue<Ascii>> {
    let token = SecretString::from(std::fs::read_to_string(file)?);
    let mut bearer: MetadataValue<Ascii> =
        format!("Bearer {}", token.expose_secret().trim()).parse().context("is no token")?;
    bearer.set_sensitive(true);
    Ok(bearer)
}
