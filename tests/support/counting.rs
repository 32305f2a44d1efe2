//! Whoever counts: the metrics service of a house.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use signoff_chassis::config::{DatabaseArgs, MonitorArgs, ServerArgs, TokenArgs};
use signoff_chassis::identity::{Jwks, LOCAL_ISSUER, SigningKey, TokenClaims};
use signoff_contract::feed::v1 as feed;
use signoff_contract::metrics::v1 as wire;
use signoff_ledger::DatabaseUrls;
use signoff_metrics::follow::FeedArgs;
use signoff_metrics::{MetricsArgs, Service, migrations};
use signoff_workflow::{Role, Workflow};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::database;
use crate::house::{AUDITOR, House, SERVICE};
use crate::people::Person;
use crate::wait::until;
use crate::world::connect;

/// A metrics service on a socket of its own, over a database of its own, that follows a house.
pub struct Counting {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it is watched.
    pub watched_at: SocketAddr,
    /// Its database.
    pub urls: DatabaseUrls,
    args: MetricsArgs,
    key: Arc<SigningKey>,
    shutdown: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Counting {
    /// A new one, that counts what happens in this house.
    pub async fn of(house: &House) -> Self {
        let (urls, _) =
            database::fresh_for(database::cluster().await, "metrics", migrations()).await;
        Self::over(house, urls).await
    }

    /// One over this database.
    pub async fn over(house: &House, urls: DatabaseUrls) -> Self {
        // Backends and gateway believe one identity provider.
        for (jwks, key) in [
            (house.versioning.jwks(), &house.versioning.key),
            (house.audit.jwks(), &house.audit.key),
        ] {
            Jwks::of([&**key, &*house.provider]).save(&jwks).unwrap();
        }
        let args = args(house, &urls);
        let service = Service::prepare(args.clone()).await.expect("a metrics service");
        let watched_at = service.monitored_at().expect("it is watched");
        let (address, shutdown) = (service.address(), CancellationToken::new());
        let running = tokio::spawn(service.run(shutdown.clone()));
        let key = Arc::clone(&house.versioning.key);
        Self { address, watched_at, urls, args, key, shutdown, running }
    }

    /// Another one over the same database, as another replica would be.
    pub async fn replica(&self, house: &House) -> Self {
        Self::over(house, self.urls.clone()).await
    }

    /// What it is told.
    pub fn args(&self) -> &MetricsArgs {
        &self.args
    }

    /// Ends it, which must end well.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.expect("no panic").expect("a clean end");
    }

    /// Its database, as the service.
    pub async fn as_service(&self) -> PgConnection {
        use secrecy::ExposeSecret as _;
        PgConnection::connect(self.urls.service.expose_secret()).await.unwrap()
    }

    /// A new connection to it.
    pub async fn channel(&self) -> Channel {
        connect(self.address).await
    }

    /// Somebody with roles: on the report of this workflow, or everywhere.
    pub async fn person(&self, user_id: i64, workflow: Option<Workflow>, roles: &[Role]) -> Person {
        Person::new(&self.key, self.channel().await, user_id, workflow, roles)
    }

    /// Somebody who may read everything.
    pub async fn auditor(&self) -> Person {
        self.person(AUDITOR, None, &[Role::Auditor]).await
    }

    /// How fresh the numbers are.
    pub async fn freshness(&self) -> wire::GetFreshnessResponse {
        self.auditor().await.call(wire::GetFreshnessRequest {}).await.expect("freshness")
    }

    /// Waits until everything is counted that has happened in the house so far.
    pub async fn settled(&self, house: &House) {
        let mut expected = Vec::new();
        let sources = [feed::Source::Versioning, feed::Source::Audit, feed::Source::Gateway];
        for (source, urls) in
            sources.into_iter().zip([&house.versioning.urls, &house.audit.urls, &house.urls])
        {
            use secrecy::ExposeSecret as _;
            let mut db = PgConnection::connect(urls.service.expose_secret()).await.unwrap();
            let records: i64 =
                sqlx::query_scalar("select count(*) from trail").fetch_one(&mut db).await.unwrap();
            expected.push((i32::from(source), records));
        }
        let auditor = self.auditor().await;
        until("everything is counted", || async {
            let now = auditor.call(wire::GetFreshnessRequest {}).await.expect("freshness");
            let counted = |source: i32| {
                let positions = now.feeds.iter().filter_map(|of| of.position.as_ref());
                positions.filter(|at| at.source == source).map(|at| at.records).max()
            };
            let is_counted = |(source, records): &(i32, i64)| counted(*source) >= Some(*records);
            expected.iter().all(is_counted).then_some(())
        })
        .await;
    }
}

fn args(house: &House, urls: &DatabaseUrls) -> MetricsArgs {
    let url = |address: SocketAddr| vec![format!("http://{address}").parse().unwrap()];
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    MetricsArgs {
        server: ServerArgs {
            listen: local,
            monitor: MonitorArgs { http_listen: Some(local) },
            jwks: vec![house.versioning.jwks()],
            drain_seconds: 5,
            log_json: false,
        },
        tokens: TokenArgs {
            oidc_issuer: Some(LOCAL_ISSUER.to_owned()),
            oidc_audience: "signoff".to_owned(),
            oidc_jwks: house.args().tokens.oidc_jwks.clone(),
        },
        feeds: FeedArgs {
            versioning_url: url(house.versioning.address),
            audit_url: url(house.audit.address),
            gateway_url: url(house.address),
            service_token_file: token(house),
        },
        database: DatabaseArgs { database_url: urls.service.clone(), database_owner_url: None },
        database_connections: 6,
    }
}

/// A token by which all services of a house know whoever counts.
fn token(house: &House) -> PathBuf {
    let file = house.folder().join("metrics.token");
    let claims = TokenClaims::new(SERVICE, "signoff-metrics", Duration::from_secs(3600));
    let token = house.token_of(&claims.with_roles([Role::Service]));
    std::fs::write(&file, token).unwrap();
    file
}
