//! Connections: whose they are, and what is done on them.

use signoff_ledger::{Instance, PoolOptions, connect, ping};
use sqlx::Executor as _;

use super::support::{Database, count, until};

#[tokio::test]
async fn what_is_committed_is_there_and_what_is_not_is_gone() {
    let database = Database::new().await;
    let options = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let pool = connect(&database.urls.service, options).await.unwrap();
    let which = async || {
        let id = sqlx::query_scalar::<_, i32>("select pg_backend_pid()");
        id.fetch_one(&mut *pool.acquire().await.unwrap()).await.unwrap()
    };
    let connection = which().await;
    let insert = "insert into idempotency_keys (cycle_id, report_id, request_id, method, caller,
        content_hash, answer) values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '', 1,
        sha256(''), '')";
    let there = async || {
        count(&mut database.superuser().await, "select count(*) from idempotency_keys").await
    };
    let mut kept = pool.begin().await.unwrap();
    kept.execute(insert).await.unwrap();
    assert_eq!(there().await, 0, "nobody else sees it yet");
    kept.commit().await.unwrap();
    assert_eq!(there().await, 1);

    let mut undone = pool.begin().await.unwrap();
    undone.execute(insert).await.unwrap();
    undone.roll_back().await.unwrap();
    // The only connection is given back, out of the transaction.
    let mut dropped = pool.begin().await.unwrap();
    dropped.execute(insert).await.unwrap();
    drop(dropped);
    pool.begin().await.unwrap().commit().await.unwrap();
    assert_eq!(there().await, 1);
    assert_eq!(which().await, connection, "it was always the same");
    pool.close().await;
}

#[tokio::test]
async fn connections_bear_the_name_of_their_instance_and_end_with_their_pool() {
    let database = Database::new().await;
    let instances = [Instance::new(), Instance::new()];
    let mut superuser = database.superuser().await;
    let mut pools = Vec::new();
    for instance in instances {
        let options = PoolOptions { instance, ..PoolOptions::default() };
        let pool = connect(&database.urls.service, options).await.unwrap();
        ping(&pool).await.unwrap();
        pools.push(pool);
    }
    let [one, other] = instances.map(Instance::application_name);
    assert_ne!(one, other);
    assert!(one.starts_with("signoff/"));
    let of = |name: &str| {
        format!("select count(*) from pg_stat_activity where application_name = '{name}'")
    };
    for name in [&one, &other] {
        assert!(count(&mut superuser, &of(name)).await > 0, "{name}");
    }
    pools[0].close().await;
    assert!(ping(&pools[0]).await.is_err());
    ping(&pools[1]).await.unwrap();
    until(async || count(&mut superuser, &of(&one)).await == 0).await;
    assert!(count(&mut superuser, &of(&other)).await > 0);
}

#[tokio::test]
async fn there_are_no_more_connections_than_there_may_be() {
    let database = Database::new().await;
    let options = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let pool = connect(&database.urls.service, options).await.unwrap();
    let lease = pool.acquire().await.unwrap();
    assert!(matches!(pool.acquire().await, Err(sqlx::Error::PoolTimedOut)));
    drop(lease);
    until(async || pool.acquire().await.is_ok()).await;
    pool.close().await;
}
