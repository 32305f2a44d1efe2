use sqlx::AssertSqlSafe;

use super::support::{Database, workflow, write_one};

/// As the database is on its first day, without statistics, every lookup uses its index.
#[tokio::test]
async fn lookups_use_their_indexes() {
    let database = Database::new().await;
    let ledger = database.ledger().await;
    for workflow in [workflow(), workflow()] {
        for _ in 0..20 {
            write_one(&ledger, workflow).await.unwrap();
        }
    }
    let id = workflow().cycle_id;
    let one = format!("cycle_id = '{id}' and report_id = '{id}'");
    let lookups = [
        // the link to the record before
        (format!("select hash from trail where {one} and seq = 5"), "trail_pkey"),
        // the head
        (format!("select seq from trail where {one} order by seq desc limit 1"), "trail_pkey"),
        // the last record with details
        (format!("select max(seq) from trail_details where {one}"), "trail_details_pkey"),
        // a page
        (format!("select * from trail where {one} and seq > 5 order by seq limit 9"), "trail_pkey"),
        // a page of one phase
        (
            format!(
                "select * from trail where {one} and phase = 'a' and seq > 5 order by seq limit 9"
            ),
            "trail_phase",
        ),
        // the record that details belong to
        (
            format!("select from trail where {one} and seq = 5 and txid = pg_current_xact_id()"),
            "trail_pkey",
        ),
        // the details of records
        (
            format!(
                "select * from trail_details where {one} and (seq, chunk) > (5, 0) \
                 order by seq, chunk limit 9"
            ),
            "trail_details_pkey",
        ),
        // the first answer to a request
        (
            format!("select * from idempotency_keys where {one} and request_id = '{id}'"),
            "idempotency_keys_pkey",
        ),
        // a gate, and who holds it
        (format!("select * from phase_gates where {one} and phase = 'a'"), "phase_gates_pkey"),
        (format!("select * from phase_holds where {one} and phase = 'a'"), "phase_holds_pkey"),
        // the feed
        (
            "select * from trail where (epoch, txid, seq) > (1, '9', 1) \
             order by epoch, txid, seq limit 9"
                .into(),
            "trail_feed",
        ),
        (
            "select ctid from idempotency_keys where recorded_at < now() \
             order by recorded_at limit 9"
                .into(),
            "idempotency_keys_age",
        ),
    ];
    for (lookup, index) in lookups {
        let explain = AssertSqlSafe(format!("explain {lookup}"));
        let plan: Vec<String> =
            sqlx::query_scalar(explain).fetch_all(&mut database.superuser().await).await.unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains(index) && !plan.contains("Sort"), "{lookup}\n{plan}");
    }
}
