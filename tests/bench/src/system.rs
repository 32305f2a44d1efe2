//! A database of its own and the service over it, in a process of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use secrecy::{ExposeSecret as _, SecretString};
use signoff_backend::serve::Served;
use signoff_chassis::identity::{Claims, Jwks, LOCAL_ISSUER, SigningKey, TokenClaims};
use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::feed_service_client::FeedServiceClient;
use signoff_embedded::Cluster;
use signoff_ledger::{DatabaseUrls, with_ledger};
use signoff_tests::connection::Connection;
use signoff_tests::house::NOBODY;
use signoff_tests::{Person, database, world};
use signoff_workflow::{Role, Workflow};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::child::Child;
use crate::floor::Floor;
use crate::raw::Raw;

/// The service over a database of its own.
#[derive(Debug)]
pub struct System {
    /// The database's URLs.
    pub urls: DatabaseUrls,
    /// The service.
    pub service: Child,
    database: String,
    admin: String,
    key: Arc<SigningKey>,
    program: PathBuf,
    folder: TempDir,
}

/// A service whose feed is followed.
#[derive(Debug)]
pub struct Followed {
    service: Child,
    /// The file with the token of those who follow it.
    token: PathBuf,
}

impl Followed {
    /// Subscribes to its feed from the first record on.
    ///
    /// # Errors
    /// It refuses.
    pub async fn subscribe(&self) -> Result<Streaming<feed::SubscribeResponse>> {
        let channel = world::connect(self.service.address).await;
        let token = std::fs::read_to_string(&self.token)?;
        let mut client = FeedServiceClient::new(Connection::with_token(channel, &token));
        let request = feed::SubscribeRequest {
            source: feed::Source::Versioning.into(),
            ..Default::default()
        };
        Ok(client.subscribe(request).await?.into_inner())
    }
}

impl System {
    /// A new database on a server, and a service over it: `program SERVICE`, by the service's name.
    ///
    /// # Errors
    /// The service does not start.
    pub async fn start<B: Served>(cluster: &Cluster, program: &Path) -> Result<Self> {
        let (urls, database) = database::fresh_in::<B>(cluster).await;
        let folder = tempfile::tempdir()?;
        let key = Arc::new(SigningKey::generate()?);
        Jwks::of([&*key]).save(&jwks(&folder))?;
        let service =
            Child::start(program, B::SOURCE.name(), &jwks(&folder), &urls.service).await?;
        let admin = cluster.admin_url().expose_secret().to_owned();
        Ok(Self { urls, service, database, admin, key, program: program.into(), folder })
    }

    /// The least that a read can be, over the same database.
    ///
    /// # Errors
    /// It does not start.
    pub async fn bare(&self) -> Result<Child> {
        Child::start(&self.program, "bare", &jwks(&self.folder), &self.urls.service).await
    }

    /// A gateway in front of the service, in a process of its own, and whoever it believes.
    ///
    /// # Errors
    /// It does not start.
    pub async fn gateway(&self, cluster: &Cluster) -> Result<(Child, SigningKey)> {
        let migrations = with_ledger(signoff_gateway::migrations());
        let (urls, _) = database::fresh_for(cluster, "gateway", migrations).await;
        let (provider, folder) = (SigningKey::generate()?, self.folder.path());
        let (keys, key) = (folder.join("provider-jwks.json"), folder.join("gateway.key"));
        Jwks::of([&provider]).save(&keys)?;
        self.key.save(&key)?;
        let url = format!("http://{}", self.service.address);
        // No workload asks it about what is audited only, or for metrics.
        let options: [OsString; 12] = [
            "--gateway-key".into(),
            key.into(),
            "--versioning-url".into(),
            url.clone().into(),
            "--audit-url".into(),
            url.clone().into(),
            "--metrics-url".into(),
            url.into(),
            "--oidc-issuer".into(),
            LOCAL_ISSUER.into(),
            "--oidc-jwks".into(),
            keys.into(),
        ];
        let child = Child::start_with(&self.program, "gateway", &options, &urls.service).await?;
        Ok((child, provider))
    }

    /// Another service over the same database, that believes services' tokens, and such a token.
    ///
    /// # Errors
    /// It does not start.
    pub async fn followed(&self) -> Result<Followed> {
        let (provider, folder) = (SigningKey::generate()?, self.folder.path());
        let (keys, token) = (folder.join("provider-jwks.json"), folder.join("metrics.token"));
        Jwks::of([&provider]).save(&keys)?;
        let claims = TokenClaims::new(1, "signoff-metrics", Duration::from_secs(3600));
        std::fs::write(&token, provider.sign_token(&claims.with_roles([Role::Service]))?)?;
        let options: [OsString; 6] = [
            "--jwks".into(),
            jwks(&self.folder).into(),
            "--oidc-issuer".into(),
            LOCAL_ISSUER.into(),
            "--oidc-jwks".into(),
            keys.into(),
        ];
        let service =
            Child::start_with(&self.program, "versioning", &options, &self.urls.service).await?;
        Ok(Followed { service, token })
    }

    /// A metrics service over a database of its own, that follows this one's feed; the others are not
    /// there.
    ///
    /// # Errors
    /// It does not start.
    pub async fn counting(&self, followed: &Followed, database: &SecretString) -> Result<Child> {
        let nobody = format!("http://{NOBODY}");
        let options: [OsString; 10] = [
            "--jwks".into(),
            jwks(&self.folder).into(),
            "--versioning-url".into(),
            format!("http://{}", followed.service.address).into(),
            "--audit-url".into(),
            nobody.clone().into(),
            "--gateway-url".into(),
            nobody.into(),
            "--service-token-file".into(),
            followed.token.clone().into(),
        ];
        Child::start_with(&self.program, "metrics", &options, database).await
    }

    /// A connection that sends bytes to one of the services, for somebody with a role on this report.
    pub async fn raw_at(&self, at: &Child, user_id: i64, role: Role, workflow: Workflow) -> Raw {
        let channel = world::connect(at.address).await;
        Raw::new(self.connection(channel, user_id, role, Some(workflow)))
    }

    /// A new connection to the service.
    pub async fn channel(&self) -> Channel {
        world::connect(self.service.address).await
    }

    /// A connection on which somebody calls with a role, on this report if it is held on one; data
    /// owners have none.
    pub fn connection(
        &self,
        channel: Channel,
        user_id: i64,
        role: impl Into<Option<Role>>,
        workflow: Option<Workflow>,
    ) -> Connection {
        Connection::signing(channel, &self.key, claims(user_id, role.into(), workflow))
    }

    /// Somebody with a role on this report.
    pub fn person(
        &self,
        channel: Channel,
        user_id: i64,
        role: impl Into<Option<Role>>,
        workflow: Option<Workflow>,
    ) -> Person {
        Person::with_claims(&self.key, channel, claims(user_id, role.into(), workflow))
    }

    /// A connection that sends bytes, for somebody with a role on this report.
    pub async fn raw(
        &self,
        user_id: i64,
        role: impl Into<Option<Role>>,
        workflow: Workflow,
    ) -> Raw {
        Raw::new(self.connection(self.channel().await, user_id, role, Some(workflow)))
    }

    /// A new session beside the service.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn floor(&self) -> Result<Floor> {
        Floor::connect(&self.urls.service).await
    }

    /// The database, as somebody who may do anything.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn superuser(&self) -> Result<PgConnection> {
        let (server, _) = self.admin.rsplit_once('/').context("a URL without a database")?;
        let (_, options) = self.admin.rsplit_once('?').unwrap_or((server, "sslmode=disable"));
        let url = format!("{server}/{}?{options}", self.database);
        Ok(PgConnection::connect(&url).await?)
    }

    /// Does what the database's own housekeeping does when it gets to it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn settle(&self) -> Result<()> {
        let mut conn = self.superuser().await?;
        conn.execute("vacuum analyze").await?;
        conn.execute("checkpoint").await?;
        Ok(())
    }

    /// Ends the service, and gives the disk back.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn stop(self) -> Result<()> {
        drop(self.service);
        let mut conn = PgConnection::connect(&self.admin).await?;
        let drop_it = format!("drop database \"{}\" with (force)", self.database);
        conn.execute(AssertSqlSafe(drop_it)).await?;
        Ok(())
    }
}

/// What assertions say of somebody, whatever the call.
fn claims(user_id: i64, role: Option<Role>, workflow: Option<Workflow>) -> Claims {
    let claims = Claims::new(user_id, format!("user-{user_id}"), Duration::ZERO).with_roles(role);
    workflow.into_iter().fold(claims, Claims::on)
}

fn jwks(folder: &TempDir) -> PathBuf {
    folder.path().join("jwks.json")
}
