//! What the tests of this crate share.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{process::Command, str::FromStr, time::Duration};

use secrecy::ExposeSecret;
use signoff_embedded::Cluster;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, postgres::PgConnectOptions};

/// Waits for a condition, and fails when it does not come true.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A connection as administrator.
pub async fn connect(cluster: &Cluster) -> PgConnection {
    let url = cluster.admin_url();
    let options = PgConnectOptions::from_str(url.expose_secret()).unwrap();
    PgConnection::connect_with(&options).await.unwrap()
}

/// Runs a statement.
pub async fn query(cluster: &Cluster, sql: &str) {
    let mut connection = connect(cluster).await;
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

/// Runs a statement that answers with one text.
pub async fn query_one(cluster: &Cluster, sql: &str) -> String {
    let mut connection = connect(cluster).await;
    sqlx::query(AssertSqlSafe(sql.to_owned()))
        .fetch_one(&mut connection)
        .await
        .unwrap()
        .get::<String, _>(0)
}

/// Sends a signal to a process.
pub fn kill(pid: u32, signal: &str) {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status();
    assert!(status.unwrap().success());
}
