use secrecy::ExposeSecret;
use signoff_ledger::{ConnectError, PoolOptions, connect, migrate, provision, with_ledger};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Row};

use super::support::{Database, admin_url, count, refused, run, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn several_at_once_do_not_disturb_each_other() {
    let admin = admin_url().await;
    let all: Vec<_> = (0..3).map(|_| wanted()).collect();
    // Each twice, all at the same time.
    let made = futures::future::join_all(all.iter().chain(&all).map(async |wanted| {
        let urls = provision(&admin, wanted).await.unwrap();
        migrate(&urls.owner, with_ledger(Vec::new())).await.unwrap();
        connect(&urls.service, PoolOptions::default()).await.unwrap().close().await;
    }));
    assert_eq!(made.await.len(), 6);
}

#[tokio::test]
async fn provisioning_again_sets_the_password() {
    let mut wanted = wanted();
    provision(&admin_url().await, &wanted).await.unwrap();
    wanted.service.password = "another".into();
    let urls = provision(&admin_url().await, &wanted).await.unwrap();
    PgConnection::connect(urls.service.expose_secret()).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn an_administrator_need_not_be_a_superuser() {
    let database = Database::new().await;
    let admin = format!("admin_{}", database.name);
    let create = format!("create role {admin} login createrole createdb password 'p'");
    run(&mut database.superuser().await, &create).await.unwrap();
    let options: PgConnectOptions = admin_url().await.expose_secret().parse().unwrap();
    let url = sqlx::ConnectOptions::to_url_lossy(&options.username(&admin).password("p"));
    let mut wanted = wanted();
    for _ in 0..2 {
        let urls = provision(&url.to_string().into(), &wanted).await.unwrap();
        migrate(&urls.owner, with_ledger(Vec::new())).await.unwrap();
        connect(&urls.service, PoolOptions::default()).await.unwrap().close().await;
        wanted.owner.password = "changed".into();
    }
}

#[tokio::test]
async fn the_service_owns_nothing_and_stays_in_its_database() {
    let database = Database::new().await;
    let mut service = database.service().await;
    assert_eq!(refused(&mut service, "create table mine (a int)").await, "42501");
    assert_eq!(refused(&mut service, "create temp table mine (a int)").await, "42501");
    assert_eq!(refused(&mut service, "create schema mine").await, "42501");
    let owned = "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner \
                 where r.rolname = current_user";
    assert_eq!(count(&mut service, owned).await, 0);

    let other = Database::new().await;
    let options: PgConnectOptions = database.urls.service.expose_secret().parse().unwrap();
    let error = PgConnection::connect_with(&options.database(&other.name)).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501");
}

#[tokio::test]
async fn a_database_that_will_not_do_is_refused() {
    let wanted = wanted();
    let urls = provision(&admin_url().await, &wanted).await.unwrap();
    let error = connect(&urls.service, PoolOptions::default()).await.unwrap_err();
    assert!(matches!(error, ConnectError::NotMigrated(_)), "{error:?}");
    migrate(&urls.owner, with_ledger(Vec::new())).await.unwrap();
    let error = connect(&urls.owner, PoolOptions::default()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Privileged), "{error:?}");
    let error = connect(&"nonsense".to_owned().into(), PoolOptions::default()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(_)), "{error:?}");
}

#[tokio::test]
async fn every_connection_has_its_limits_and_epoch() {
    let database = Database::new().await;
    let pool = connect(&database.urls.service, PoolOptions::default()).await.unwrap();
    let row = sqlx::query(
        "select current_setting('lock_timeout'), current_setting('statement_timeout'), \
         current_setting('idle_in_transaction_session_timeout'), current_setting('signoff.epoch'), \
         current_setting('enable_seqscan'), current_setting('jit')",
    )
    .fetch_one(&mut *pool.acquire().await.unwrap())
    .await
    .unwrap();
    let settings: Vec<String> = (0..6).map(|i| row.get(i)).collect();
    assert_eq!(settings, ["5s", "1min", "30s", "1", "off", "off"]);
    pool.close().await;
}

#[tokio::test]
async fn details_are_packed_by_what_the_server_was_built_with() {
    let database = Database::new().await;
    let mut owner = PgConnection::connect(database.urls.owner.expose_secret()).await.unwrap();
    let (with_lz4, packed_by): (bool, Option<String>) = sqlx::query_as(
        "select 'lz4' = any (enumvals), (select nullif(attcompression::text, '') from pg_attribute
             where attrelid = 'trail_details'::regclass and attname = 'body')
         from pg_settings where name = 'default_toast_compression'",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!(packed_by, with_lz4.then(|| "l".to_owned()));
}

#[tokio::test]
async fn a_database_on_another_server_begins_a_new_epoch() {
    let database = Database::new().await;
    let mut superuser = database.superuser().await;
    assert_eq!(count(&mut superuser, "select signoff_epoch()::bigint").await, 1);
    assert_eq!(count(&mut superuser, "select signoff_epoch()::bigint").await, 1);
    // As if it had been dumped there and restored here.
    run(&mut superuser, "update epochs set system_identifier = 42").await.unwrap();
    assert_eq!(count(&mut superuser, "select signoff_epoch()::bigint").await, 2);
    // As if a standby had been promoted.
    run(&mut superuser, "update epochs set timeline = 0 where epoch = 2").await.unwrap();
    assert_eq!(count(&mut database.service().await, "select signoff_epoch()::bigint").await, 3);
    assert_eq!(count(&mut superuser, "select count(*) from epochs").await, 3);
}
