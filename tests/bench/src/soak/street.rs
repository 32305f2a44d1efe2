//! All services as processes of their own, each over a database of its own.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;
use signoff_audit::commands::Engine as Audit;
use signoff_chassis::identity::{Jwks, LOCAL_ISSUER, SigningKey, TokenClaims};
use signoff_contract::metrics::v1 as metrics;
use signoff_embedded::Cluster;
use signoff_ledger::{DatabaseUrls, with_ledger};
use signoff_tests::house::{ADMIN, AUDITOR, SERVICE};
use signoff_tests::{Person, database, world};
use signoff_versioning::commands::Engine as Versioning;
use signoff_workflow::Role;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::child::Child;

/// How long a token is good: longer than anybody soaks.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The system.
pub(super) struct Street {
    /// Each service by its name.
    pub(super) services: Vec<(&'static str, Child)>,
    gateway: SocketAddr,
    provider: Arc<SigningKey>,
    auditor: Person,
    /// The databases whose trails are counted.
    trails: Vec<DatabaseUrls>,
    _folder: TempDir,
}

/// How far behind the metrics service is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lag {
    /// In records, of the feed that is furthest behind.
    pub(super) records: i64,
    /// In seconds.
    pub(super) seconds: f64,
    /// How many were counted in all.
    counted: i64,
}

impl Street {
    pub(super) async fn start(cluster: &Cluster, program: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (key, provider) = (SigningKey::generate()?, Arc::new(SigningKey::generate()?));
        let keys = Keys::in_folder(folder.path());
        key.save(&keys.private)?;
        Jwks::of([&key]).save(&keys.gateway)?;
        Jwks::of([&*provider]).save(&keys.provider)?;
        let claims = TokenClaims::new(SERVICE, "signoff-metrics", LIFE);
        std::fs::write(&keys.token, provider.sign_token(&claims.with_roles([Role::Service]))?)?;

        let (versioning_db, _) = database::fresh_in::<Versioning>(cluster).await;
        let (audit_db, _) = database::fresh_in::<Audit>(cluster).await;
        let migrations = with_ledger(signoff_gateway::migrations());
        let (gateway_db, _) = database::fresh_for(cluster, "gateway", migrations).await;
        let migrations = signoff_metrics::migrations();
        let (metrics_db, _) = database::fresh_for(cluster, "metrics", migrations).await;

        let backend = [keys.issued(), vec!["--jwks".into(), keys.gateway.clone().into()]].concat();
        let start = async |name, options: &[OsString], urls: &DatabaseUrls| {
            Child::start_with(program, name, options, &urls.service).await
        };
        let versioning = start("versioning", &backend, &versioning_db).await?;
        let audit = start("audit", &backend, &audit_db).await?;
        // Gateway and metrics know each other: one address must be known before it is listened on.
        let metrics = free_address()?;
        let upstreams = [("--versioning-url", versioning.address), ("--audit-url", audit.address)];
        let urls = upstreams.into_iter().flat_map(url);
        let mut options: Vec<OsString> = keys.issued();
        options.extend(urls.chain(url(("--metrics-url", metrics))));
        options.extend(["--gateway-key".into(), keys.private.clone().into()]);
        options.extend(["--calls-per-caller".into(), "1000".into()]);
        let gateway = start("gateway", &options, &gateway_db).await?;
        let mut options = backend.clone();
        options.extend(upstreams.into_iter().flat_map(url));
        options.extend(url(("--gateway-url", gateway.address)));
        options.extend(["--service-token-file".into(), keys.token.clone().into()]);
        let counting =
            Child::start_at(program, "metrics", metrics, &options, &metrics_db.service).await?;

        let address = gateway.address;
        let auditor = person(&provider, address, AUDITOR, &[Role::Auditor]).await?;
        Ok(Self {
            services: vec![
                ("versioning", versioning),
                ("audit", audit),
                ("gateway", gateway),
                ("metrics", counting),
            ],
            gateway: address,
            provider,
            auditor,
            trails: vec![versioning_db, audit_db, gateway_db],
            _folder: folder,
        })
    }

    /// Somebody at the gateway, on a connection of their own.
    pub(super) async fn person(&self, user_id: i64) -> Result<Person> {
        person(&self.provider, self.gateway, user_id, &[]).await
    }

    /// Who opens workflows.
    pub(super) async fn admin(&self) -> Result<Person> {
        person(&self.provider, self.gateway, ADMIN, &[Role::Admin]).await
    }

    /// How far behind the metrics service is, as it says itself.
    pub(super) async fn lag(&self) -> Result<Lag> {
        let now = self.auditor.call(metrics::GetFreshnessRequest {}).await;
        let feeds = now.context("how fresh the numbers are")?.feeds;
        let seconds = |feed: &metrics::FeedFreshness| {
            let lag = feed.lag.and_then(|lag| Duration::try_from(lag).ok());
            lag.unwrap_or_default().as_secs_f64()
        };
        let positions = feeds.iter().filter_map(|feed| feed.position.as_ref());
        Ok(Lag {
            records: feeds.iter().map(|feed| feed.lag_records).max().unwrap_or_default(),
            seconds: feeds.iter().map(seconds).fold(0.0, f64::max),
            counted: positions.map(|position| position.records).sum(),
        })
    }

    /// Whether everything that was recorded anywhere is counted.
    pub(super) async fn nothing_is_left(&self) -> Result<bool> {
        if self.lag().await?.records > 0 {
            return Ok(false);
        }
        let mut recorded = 0;
        for urls in &self.trails {
            let mut db = PgConnection::connect(urls.owner.expose_secret()).await?;
            let count: i64 =
                sqlx::query_scalar("select count(*) from trail").fetch_one(&mut db).await?;
            recorded += count;
        }
        Ok(self.lag().await?.counted >= recorded)
    }
}

/// Where keys are.
struct Keys {
    private: PathBuf,
    gateway: PathBuf,
    provider: PathBuf,
    token: PathBuf,
}

impl Keys {
    fn in_folder(folder: &Path) -> Self {
        let file = |name| folder.join(name);
        Self {
            private: file("gateway.key"),
            gateway: file("jwks.json"),
            provider: file("provider-jwks.json"),
            token: file("metrics.token"),
        }
    }

    /// Whose tokens are believed.
    fn issued(&self) -> Vec<OsString> {
        vec![
            "--oidc-issuer".into(),
            LOCAL_ISSUER.into(),
            "--oidc-jwks".into(),
            self.provider.clone().into(),
        ]
    }
}

fn url((option, address): (&str, SocketAddr)) -> [OsString; 2] {
    [option.into(), format!("http://{address}").into()]
}

/// An address that is free now.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

async fn person(
    provider: &SigningKey,
    gateway: SocketAddr,
    user_id: i64,
    roles: &[Role],
) -> Result<Person> {
    let claims = TokenClaims::new(user_id, format!("user-{user_id}"), LIFE);
    let token = provider.sign_token(&claims.with_roles(roles.iter().copied()))?;
    Ok(Person::with_token(&token, world::connect(gateway).await, user_id))
}
