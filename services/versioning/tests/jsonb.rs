//! What is hashed before it is stored has the same hash when it is read back.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use signoff_embedded::Cluster;
use signoff_versioning::domain::payload::canonical::{canonical, hash};
use sqlx::{Connection as _, PgConnection};

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>()
            .prop_filter("finite", |double| double.is_finite())
            .prop_map(|double| json!(double)),
        (-1e25..1e25).prop_map(|double: f64| json!(double.trunc())),
        (-1e4..1e4).prop_map(|double: f64| json!((double * 100.0).round() / 100.0)),
        any::<i64>().prop_map(|integer| json!(integer)),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(text(), inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

#[tokio::test]
async fn a_hash_survives_the_database() {
    let mut runner = TestRunner::deterministic();
    let strategy = any_json();
    let mut values: Vec<Value> =
        (0..2_000).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    values.push(json!([0.0, -0.0, 1.0, 5e-324, f64::MAX, f64::MIN_POSITIVE, 1e21, 1e22, 0.1]));

    let cluster = Cluster::temporary().await.unwrap();
    let mut database = PgConnection::connect(cluster.admin_url().expose_secret()).await.unwrap();
    let stored: Vec<Value> = sqlx::query_scalar(
        "select v from unnest($1::jsonb[]) with ordinality as t (v, n) order by n",
    )
    .bind(&values)
    .fetch_all(&mut database)
    .await
    .unwrap();
    database.close().await.unwrap();
    cluster.stop().await.unwrap();

    assert_eq!(stored.len(), values.len());
    for (before, after) in values.iter().zip(&stored) {
        assert_eq!(
            hash(before),
            hash(after),
            "{} {}",
            String::from_utf8_lossy(&canonical(before)),
            String::from_utf8_lossy(&canonical(after))
        );
    }
}
