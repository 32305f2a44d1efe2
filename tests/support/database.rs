//! One PostgreSQL for each test process, and one database for each test.

use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::SecretString;
use signoff_backend::serve::Served;
use signoff_embedded::Cluster;
use signoff_ledger::{DatabaseUrls, Login, Provision, with_ledger};
use signoff_versioning::commands::Engine as Versioning;
use sqlx::migrate::Migration;
use tokio::sync::OnceCell;

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(1);

/// The process's PostgreSQL. It ends with the process.
pub async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async { Cluster::temporary().await.expect("a temporary PostgreSQL") })
        .await
}

/// A new, migrated database of the versioning service, as its owner and as its service; and its name.
pub async fn fresh() -> (DatabaseUrls, String) {
    fresh_of::<Versioning>().await
}

/// The same of any service.
pub async fn fresh_of<B: Served>() -> (DatabaseUrls, String) {
    fresh_in::<B>(cluster().await).await
}

/// The same in another PostgreSQL.
pub async fn fresh_in<B: Served>(cluster: &Cluster) -> (DatabaseUrls, String) {
    fresh_for(cluster, B::SOURCE.name(), with_ledger(B::migrations())).await
}

/// The same of a service by its name, with all its migrations.
pub async fn fresh_for(
    cluster: &Cluster,
    service: &str,
    migrations: Vec<Migration>,
) -> (DatabaseUrls, String) {
    let database = format!("{service}_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let login = |role: &str| Login {
        role: format!("{service}_{role}"),
        password: SecretString::from("of a test".to_owned()),
    };
    let wanted =
        Provision { database: database.clone(), owner: login("owner"), service: login("service") };
    let urls = signoff_ledger::provision(&cluster.admin_url(), &wanted)
        .await
        .expect("a database of its own");
    signoff_ledger::migrate(&urls.owner, migrations).await.expect("a migrated database");
    (urls, database)
}
