//! A cluster in which nobody else has a transaction.

use std::sync::Arc;

use signoff_embedded::Cluster;
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard};

use super::super::support::{Database, run};

/// A database in a cluster that a test has for itself, one test after the other.
pub(super) struct Quiet {
    pub(super) database: Database,
    _alone: OwnedMutexGuard<()>,
}

impl Quiet {
    pub(super) async fn new() -> Self {
        static CLUSTER: OnceCell<(Cluster, Arc<Mutex<()>>)> = OnceCell::const_new();
        let (cluster, turn) = CLUSTER
            .get_or_init(|| async { (Cluster::temporary().await.unwrap(), Arc::default()) })
            .await;
        let alone = Arc::clone(turn).lock_owned().await;
        let quiet = Self { database: Database::on(cluster.admin_url()).await, _alone: alone };
        // Gathering statistics takes a transaction, too.
        let mut superuser = quiet.database.superuser().await;
        run(&mut superuser, "alter system set autovacuum = off").await.unwrap();
        run(&mut superuser, "select pg_reload_conf()").await.unwrap();
        quiet
    }

    /// Another database of the same cluster.
    pub(super) async fn another(&self) -> Database {
        Database::on(self.database.admin()).await
    }
}
