//! A cluster's whole life, on the PostgreSQL that is installed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod helper;

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, time::Duration};

use helper::{query, query_one, until};
use signoff_embedded::{Cluster, Error, Options};

/// A folder that the server's user can enter, also when we are root.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[tokio::test]
async fn a_persistent_cluster_keeps_its_data_and_its_password() {
    let outer = open_folder();
    let path = outer.path().join("database");
    let first = Cluster::open(&path, Options::default()).await.unwrap();
    assert_eq!(
        query_one(&first, "SHOW server_version_num").await[..2].parse::<u32>().unwrap() / 15,
        1
    );
    for (setting, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("max_prepared_transactions", "0"),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ] {
        assert_eq!(query_one(&first, &format!("SHOW {setting}")).await, value, "{setting}");
    }
    query(&first, "CREATE TABLE kept AS SELECT 'still here' AS text").await;
    let pid = first.pid().unwrap();
    let password = path.join("password");
    assert_eq!(fs::metadata(&password).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    first.stop().await.unwrap();
    assert!(first.wait().await.success());
    assert_eq!(first.pid(), None);
    assert!(!fs::exists(format!("/proc/{pid}")).unwrap());
    drop(first);

    let second = Cluster::open(&path, Options::default()).await.unwrap();
    assert_eq!(query_one(&second, "SELECT text FROM kept").await, "still here");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_temporary_cluster_leaves_nothing() {
    let cluster = Cluster::temporary().await.unwrap();
    let folder = cluster.folder().to_owned();
    assert_eq!(query_one(&cluster, "SELECT 'there'").await, "there");
    assert!(folder.join("pgdata").is_dir());
    cluster.stop().await.unwrap();
    assert!(!folder.exists());
}

#[tokio::test]
async fn dropping_a_cluster_ends_it_too() {
    let cluster = Cluster::temporary().await.unwrap();
    let (folder, port) = (cluster.folder().to_owned(), cluster.port());
    drop(cluster);
    until("the folder is gone", || !folder.exists()).await;
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

#[tokio::test]
async fn a_second_open_is_refused() {
    let outer = open_folder();
    let path = outer.path().join("database");
    let first = Cluster::open(&path, Options::default()).await.unwrap();
    let refused = Cluster::open(&path, Options::default()).await.unwrap_err();
    assert!(
        matches!(&refused, Error::InUse { folder } if folder.ends_with("database")),
        "{refused}"
    );
    assert_eq!(query_one(&first, "SELECT 'unharmed'").await, "unharmed");
}

#[tokio::test]
async fn an_open_right_after_a_drop_waits_for_the_old_server() {
    let outer = open_folder();
    let path = outer.path().join("database");
    let first = Cluster::open(&path, Options::default()).await.unwrap();
    let pid = first.pid().unwrap();
    drop(first);
    let second = Cluster::open(&path, Options::default()).await.unwrap();
    assert_ne!(second.pid().unwrap(), pid);
    assert_eq!(query_one(&second, "SELECT 'new'").await, "new");
}

#[tokio::test]
async fn a_half_made_cluster_is_made_again() {
    let outer = open_folder();
    let path = outer.path().join("database");
    // What a killed initdb leaves behind, and a password that was never finished.
    fs::create_dir_all(path.join("making/base")).unwrap();
    fs::write(path.join("making/PG_VERSION"), "15\n").unwrap();
    fs::write(path.join("password"), "").unwrap();
    fs::write(path.join("owner.lock"), "").unwrap();
    let cluster = Cluster::open(&path, Options::default()).await.unwrap();
    assert_eq!(query_one(&cluster, "SELECT 'whole'").await, "whole");
    assert!(!path.join("making").exists());
}

#[tokio::test]
async fn a_process_id_left_behind_does_not_hinder() {
    let outer = open_folder();
    let path = outer.path().join("database");
    let first = Cluster::open(&path, Options::default()).await.unwrap();
    first.stop().await.unwrap();
    drop(first);
    // The id is now somebody else's: ours.
    let left = format!("{}\n{}\n", std::process::id(), path.join("pgdata").display());
    fs::write(path.join("pgdata/postmaster.pid"), left).unwrap();
    let second = Cluster::open(&path, Options::default()).await.unwrap();
    assert_eq!(query_one(&second, "SELECT 'up'").await, "up");
}

#[tokio::test]
async fn a_folder_with_other_things_is_left_alone() {
    let outer = open_folder();
    let file = outer.path().join("letter.txt");
    fs::write(&file, "dear").unwrap();
    let refused = Cluster::open(outer.path(), Options::default()).await.unwrap_err();
    assert!(matches!(refused, Error::Foreign { .. }), "{refused}");
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let outer = open_folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = Options { port: Some(port), ..Options::default() };
    let refused = Cluster::open(outer.path().join("database"), options).await.unwrap_err();
    assert!(matches!(refused, Error::PortTaken { port: p } if p == port), "{refused}");
}

#[tokio::test]
async fn a_start_that_fails_shows_the_log() {
    let outer = open_folder();
    let path = outer.path().join("database");
    let first = Cluster::open(&path, Options::default()).await.unwrap();
    first.stop().await.unwrap();
    drop(first);
    fs::write(path.join("pgdata/postgresql.conf"), "nonsense = 1\n").unwrap();
    let refused = Cluster::open(&path, Options::default()).await.unwrap_err();
    assert!(matches!(&refused, Error::Start { log } if log.contains("nonsense")), "{refused}");
}

#[tokio::test]
async fn a_server_that_dies_is_noticed() {
    let cluster = Cluster::temporary().await.unwrap();
    let folder = cluster.folder().to_owned();
    let pid = cluster.pid().unwrap();
    helper::kill(pid, "KILL");
    let ending = tokio::time::timeout(Duration::from_secs(30), cluster.wait()).await.unwrap();
    assert!(!ending.success(), "{ending}");
    until("the folder is gone", || !folder.exists()).await;
}

#[tokio::test]
async fn a_connection_that_stays_does_not_hold_up_the_stop() {
    let cluster = Cluster::temporary().await.unwrap();
    let mut busy = helper::connect(&cluster).await;
    sqlx::query("BEGIN").execute(&mut busy).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), cluster.stop()).await.unwrap().unwrap();
}
