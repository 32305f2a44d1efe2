//! Starting and stopping a system.

use std::{collections::BTreeMap, ffi::OsString, net::SocketAddr, path::Path, sync::Arc};

use anyhow::{Result, anyhow};
use secrecy::ExposeSecret;
use signoff_chassis::identity::SigningKey;
use signoff_embedded::{Cluster, Options};
use signoff_ledger::with_ledger;
use sqlx::migrate::Migration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    child::{Recipe, Service},
    database,
    endpoints::{Endpoints, Published},
    folder::DataFolder,
    keeper::keep,
    options::{Home, Logs, Ports, UpOptions},
    ports,
    token::ServiceToken,
    watch::Watch,
};

/// A service: its name, its place among the ten ports, and its tables.
type ServiceRow = (&'static str, u16, fn() -> Vec<Migration>);

/// The service that keeps what is audited only.
const AUDIT: &str = "audit";
/// The service that keeps versions. It asks the other one about executions.
const VERSIONING: &str = "versioning";
/// The door for people: it asks all others.
const GATEWAY: &str = "gateway";
/// The service that counts: it follows all others.
const METRICS: &str = "metrics";
/// The services, in the order in which they are started: whoever is asked before whoever asks, but for the
/// last one, which the gateway asks, too.
const SERVICES: [ServiceRow; 4] = [
    (AUDIT, 2, || with_ledger(signoff_audit::migrations())),
    (VERSIONING, 1, || with_ledger(signoff_versioning::migrations())),
    (GATEWAY, 0, || with_ledger(signoff_gateway::migrations())),
    (METRICS, 3, signoff_metrics::migrations),
];
/// The place of what this process serves itself, for those who watch the system.
const HTTP: (&str, u16) = ("http", 9);
/// How often another free port is tried when somebody else was quicker to take one.
const PORT_ATTEMPTS: u32 = 3;

/// A running system. Dropping it kills the services; [`Stack::stop`] ends everything in order.
pub struct Stack {
    // Dropped in this order: services, PostgreSQL, the folder's lock.
    keepers: JoinSet<()>,
    cluster: Option<Cluster>,
    folder: DataFolder,
    published: Arc<Published>,
    key: SigningKey,
    stop: CancellationToken,
}

impl Stack {
    /// Starts everything, and comes back when every service serves.
    ///
    /// # Errors
    /// When the folder is in use, a port is taken, PostgreSQL is not to be had, or something does
    /// not start. What was started is then stopped again.
    pub async fn start(options: UpOptions) -> Result<Self> {
        let (folder, cluster, admin_url) = match options.home {
            Home::Temporary => {
                let cluster = Cluster::temporary().await?;
                let url = cluster.admin_url();
                (DataFolder::temporary(cluster.folder()), Some(cluster), url)
            }
            Home::Folder { path, database_url } => {
                let folder = DataFolder::lock(&path)?;
                folder.forget_endpoints()?;
                // Before anything is started: the likeliest mistake comes out at once.
                let served = SERVICES.map(|(service, place, _)| (service, place));
                ports::expect_free(options.ports, served.into_iter().chain([HTTP]))?;
                match database_url {
                    Some(url) => (folder, None, url),
                    None => {
                        let path = folder.path().join("postgres");
                        let cluster = Cluster::open(path, Options::default()).await?;
                        let url = cluster.admin_url();
                        (folder, Some(cluster), url)
                    }
                }
            }
        };
        let http = ports::take(options.ports, HTTP.0, HTTP.1).await?;
        let (key, provider) = (folder.key()?, Arc::new(folder.provider_key()?));
        let tokens = [VERSIONING, METRICS].map(|of| ServiceToken::of(of, folder.path()));
        for token in &tokens {
            token.renew(&provider)?;
        }
        let [versioning_token, metrics_token] = &tokens;
        let metrics = SERVICES.into_iter().find(|(service, ..)| *service == METRICS);
        let metrics_at = ports::pick(options.ports, METRICS, metrics.map_or(0, |row| row.1))?;
        let stop = CancellationToken::new();
        let mut started = Vec::new();
        for (service, place, migrations) in SERVICES {
            let passwords = folder.passwords(service)?;
            let recipe = Recipe {
                service,
                program: options.program.clone(),
                address: match service {
                    METRICS => metrics_at,
                    _ => ports::pick(options.ports, service, place)?,
                },
                http: ports::pick(Ports::Auto, service, place)?,
                jwks: folder.jwks(),
                provider_jwks: folder.provider_jwks(),
                database_url: database::prepare(&admin_url, service, migrations(), passwords)
                    .await?,
                options: match service {
                    VERSIONING => asking(&started, versioning_token),
                    GATEWAY => forwarding(&started, &folder, metrics_at),
                    METRICS => following(&started, metrics_token),
                    _ => Vec::new(),
                },
                log: match options.logs {
                    Logs::Stderr => None,
                    Logs::Files => Some(folder.path().join(format!("{service}.log"))),
                },
            };
            started.push(start(recipe, options.ports, place).await?);
        }
        let mut pids = BTreeMap::from([("signoff".to_owned(), std::process::id())]);
        pids.extend(
            cluster.as_ref().and_then(Cluster::pid).map(|pid| ("postgres".to_owned(), pid)),
        );
        let mut services = BTreeMap::new();
        for (recipe, service) in &started {
            services.insert(recipe.service.to_owned(), recipe.address.to_string());
            pids.extend(service.pid().map(|pid| (recipe.service.to_owned(), pid)));
        }
        let database = admin_url.expose_secret().to_owned();
        let endpoints = Endpoints { services, http: http.address().to_string(), database, pids };
        let published = Arc::new(Published::new(folder.endpoints(), endpoints)?);
        let mut keepers = JoinSet::new();
        let watched = started.iter().map(|(recipe, _)| (recipe.service, recipe.http)).collect();
        keepers.spawn(Watch::new(watched).serve(http, stop.clone()));
        for (recipe, service) in started {
            keepers.spawn(keep(recipe, service, published.clone(), stop.clone()));
        }
        for token in tokens {
            keepers.spawn(token.keep_fresh(Arc::clone(&provider), stop.clone()));
        }
        Ok(Self { keepers, cluster, folder, published, key, stop })
    }

    /// Where everything listens now.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        self.published.now()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The gateway's key, whose assertions the services accept.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Waits until something ends that is not restarted: our own PostgreSQL.
    pub async fn failed(&self) -> anyhow::Error {
        match &self.cluster {
            Some(cluster) => {
                let ending = cluster.wait().await;
                anyhow!("PostgreSQL ended ({ending}); the end of its log:\n{}", cluster.log_tail())
            }
            None => std::future::pending().await,
        }
    }

    /// Ends everything in order: the services finish what they are doing (within a limit), then
    /// PostgreSQL stops, then `endpoints.json` goes.
    ///
    /// # Errors
    /// When PostgreSQL does not stop, or the file cannot be removed.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        while self.keepers.join_next().await.is_some() {}
        if let Some(cluster) = &self.cluster {
            cluster.stop().await?;
        }
        self.folder.forget_endpoints()
    }
}

/// How the service that asks about executions is told whom, and by which token.
fn asking(started: &[(Recipe, Service)], token: &ServiceToken) -> Vec<OsString> {
    let mut options = url_of(AUDIT, "--audit-url", started);
    options.extend(["--service-token-file".into(), token.path().into()]);
    options
}

/// How the gateway is told where calls go, and by which key it vouches for callers.
fn forwarding(
    started: &[(Recipe, Service)],
    folder: &DataFolder,
    metrics_at: SocketAddr,
) -> Vec<OsString> {
    let mut options = url_of(AUDIT, "--audit-url", started);
    options.extend(url_of(VERSIONING, "--versioning-url", started));
    options.extend(["--metrics-url".into(), format!("http://{metrics_at}").into()]);
    options.extend(["--gateway-key".into(), folder.private_key().into()]);
    options
}

/// How the service that counts is told whose feeds to follow, and by which token.
fn following(started: &[(Recipe, Service)], token: &ServiceToken) -> Vec<OsString> {
    let mut options = url_of(AUDIT, "--audit-url", started);
    options.extend(url_of(VERSIONING, "--versioning-url", started));
    options.extend(url_of(GATEWAY, "--gateway-url", started));
    options.extend(["--service-token-file".into(), token.path().into()]);
    options
}

/// An option with the address of a service that has started.
fn url_of(service: &str, option: &str, started: &[(Recipe, Service)]) -> Vec<OsString> {
    let found = started.iter().find(|(recipe, _)| recipe.service == service);
    let url = |(recipe, _): &(Recipe, Service)| format!("http://{}", recipe.address).into();
    found.map(|found| vec![option.into(), url(found)]).unwrap_or_default()
}

/// Starts a service; with ports of our choice, on others if somebody took these first.
async fn start(mut recipe: Recipe, ports: Ports, place: u16) -> Result<(Recipe, Service)> {
    let mut attempt = 1;
    loop {
        match recipe.start().await {
            Ok(service) => return Ok((recipe, service)),
            Err(error) if attempt == PORT_ATTEMPTS => return Err(error),
            // Others know the address of this one already.
            Err(error) if recipe.service == METRICS && taken(recipe.address) => return Err(error),
            Err(_) if ports == Ports::Auto && taken(recipe.address) => {
                recipe.address = ports::pick(ports, recipe.service, place)?;
            }
            Err(_) if taken(recipe.http) => {
                recipe.http = ports::pick(Ports::Auto, recipe.service, place)?;
            }
            Err(error) => return Err(error),
        }
        attempt += 1;
    }
}

/// Whether somebody else listens where a service should.
fn taken(address: SocketAddr) -> bool {
    std::net::TcpListener::bind(address).is_err()
}
