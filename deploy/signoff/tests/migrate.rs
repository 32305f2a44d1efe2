//! `signoff serve SERVICE --migrate`, as containers use it.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod helper;

use std::process::{Output, Stdio};

use helper::signoff;
use secrecy::{ExposeSecret, SecretString};
use signoff_embedded::Cluster;
use signoff_ledger::{Login, Provision, provision};
use sqlx::Connection;

fn migrate(service: &str, owner_url: &SecretString) -> Output {
    signoff()
        .args(["serve", service, "--migrate"])
        .env("SIGNOFF_DATABASE_OWNER_URL", owner_url.expose_secret())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_database_is_migrated_as_its_owner_and_once() {
    let cluster = Cluster::temporary().await.unwrap();
    for service in ["versioning", "audit", "gateway"] {
        is_migrated(&cluster.admin_url(), service).await;
    }
}

async fn is_migrated(admin_url: &SecretString, service: &str) {
    let login =
        |role: &str| Login { role: format!("{service}_{role}"), password: "pw".to_owned().into() };
    let wanted = Provision {
        database: format!("signoff_{service}"),
        owner: login("owner"),
        service: login("service"),
    };
    let urls = provision(admin_url, &wanted).await.unwrap();
    for _ in 0..2 {
        let output = migrate(service, &urls.owner);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{message}");
    }
    let mut owner = sqlx::PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE tablename = 'trail'")
            .fetch_one(&mut owner)
            .await
            .unwrap();
    assert_eq!(tables, 1);

    // The service's role may not, and its password is not told.
    let output = migrate(service, &urls.service);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains(&format!("the database of {service}")), "{message}");
    assert!(!message.contains("pw@"), "{message}");
}
