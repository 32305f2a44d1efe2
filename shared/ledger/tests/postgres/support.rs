//! One cluster for all tests of this program, a database for each.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use signoff_embedded::Cluster;
use signoff_ledger::{
    Begun, Command, DatabaseUrls, Entry, Head, Ledger, LedgerError, Login, Origin, PoolOptions,
    Provision, QueueOptions, RequestKey, Source, TrailActor, connect, migrate, provision,
    with_ledger,
};
use signoff_workflow::Workflow;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};
use tokio::sync::OnceCell;
use uuid::Uuid;

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// The administrator's URL of the cluster that all tests share.
pub(crate) async fn admin_url() -> SecretString {
    let cluster = CLUSTER.get_or_init(|| async { Cluster::temporary().await.unwrap() }).await;
    cluster.admin_url()
}

/// A provisioned and migrated database.
pub(crate) struct Database {
    pub(crate) urls: DatabaseUrls,
    pub(crate) name: String,
    admin: SecretString,
}

/// What a service would ask for, with names of its own.
pub(crate) fn wanted() -> Provision {
    let id = Uuid::now_v7().simple();
    let login =
        |kind| Login { role: format!("{kind}_{id}"), password: "it's \\ \"secret\"".into() };
    Provision { database: format!("ledger_{id}"), owner: login("owner"), service: login("service") }
}

impl Database {
    pub(crate) async fn new() -> Self {
        Self::on(admin_url().await).await
    }

    /// On another cluster than that which all tests share.
    pub(crate) async fn on(admin: SecretString) -> Self {
        let wanted = wanted();
        let urls = provision(&admin, &wanted).await.unwrap();
        migrate(&urls.owner, with_ledger(Vec::new())).await.unwrap();
        Self { urls, name: wanted.database, admin }
    }

    pub(crate) async fn ledger(&self) -> Ledger {
        self.ledger_with(PoolOptions::default(), QueueOptions::default()).await
    }

    pub(crate) async fn ledger_with(&self, pool: PoolOptions, queue: QueueOptions) -> Ledger {
        Ledger::new(connect(&self.urls.service, pool).await.unwrap(), Source::Versioning, queue)
    }

    /// The administrator's URL of its cluster.
    pub(crate) fn admin(&self) -> SecretString {
        self.admin.clone()
    }

    pub(crate) async fn superuser(&self) -> PgConnection {
        let options: PgConnectOptions = self.admin.expose_secret().parse().unwrap();
        PgConnection::connect_with(&options.database(&self.name)).await.unwrap()
    }

    pub(crate) async fn owner(&self) -> PgConnection {
        PgConnection::connect(self.urls.owner.expose_secret()).await.unwrap()
    }

    /// A plain connection of the service's role, in an epoch like the pool's.
    pub(crate) async fn service(&self) -> PgConnection {
        let mut service = PgConnection::connect(self.urls.service.expose_secret()).await.unwrap();
        run(&mut service, "select set_config('signoff.epoch', signoff_epoch()::text, false)")
            .await
            .unwrap();
        service
    }
}

pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .map(|r| r.rows_affected())
}

/// A number that the database answers.
pub(crate) async fn count(connection: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap()
}

/// The SQLSTATE of a statement that must fail.
pub(crate) async fn refused(connection: &mut PgConnection, sql: &str) -> String {
    match run(connection, sql).await {
        Err(sqlx::Error::Database(error)) => error.code().unwrap().into_owned(),
        other => panic!("{sql} should be refused: {other:?}"),
    }
}

pub(crate) fn workflow() -> Workflow {
    Workflow { cycle_id: Uuid::now_v7(), report_id: Uuid::now_v7() }
}

pub(crate) fn key(request_id: Uuid) -> RequestKey {
    RequestKey { request_id, method: "/Service/Method".into(), caller: 7, content_hash: [3; 32] }
}

pub(crate) fn entry(command: &Command) -> Entry {
    Entry {
        phase: Some("planning".into()),
        action: "version.approved",
        actor: TrailActor {
            user_id: 7,
            subject: "ada".into(),
            acting_service: None,
            roles: vec!["report_owner".into()],
        },
        method: "/Service/Method".into(),
        request_id: Some(Uuid::now_v7()),
        subject: "version 1".into(),
        reason: Some("all good".into()),
        before: None,
        after: None,
        occurred_at: command.now(),
        origin: Origin::Native,
        details: Vec::new(),
    }
}

pub(crate) async fn begin(ledger: &Ledger, workflow: Workflow) -> Result<Command, LedgerError> {
    match ledger.begin(workflow, Some("planning"), None).await? {
        Begun::New(command) => Ok(*command),
        Begun::Replay(_) => panic!("no key, no replay"),
    }
}

/// A command that writes one record.
pub(crate) async fn write_one(ledger: &Ledger, workflow: Workflow) -> Result<Head, LedgerError> {
    let mut command = begin(ledger, workflow).await?;
    let entry = entry(&command);
    command.record(entry)?;
    command.commit(None).await
}

/// Waits for a condition. The deadline is for a test that would otherwise hang.
pub(crate) async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let met = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), met).await.expect("the condition was never met");
}
