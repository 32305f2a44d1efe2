//! How the feed's statements find what they read, in a trail that is large.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::super::support::{Database, run, workflow, write_one};
use super::super::tampering::tamper_with;

/// Chains by the hundred, whose records have chunks, written past the triggers.
pub(super) const LARGE: &str = "\
    insert into trail (cycle_id, report_id, seq, format, canonical, hash, previous_hash, epoch, \
        txid, action, actor, subject, recorded_at, occurred_at, origin) \
    select md5((n % 200)::text)::uuid, md5('r')::uuid, 1 + n / 200, 1, canonical, hash, \
        previous_hash, 1, (1000 + n)::text::xid8, action, actor, subject, recorded_at, \
        occurred_at, origin from trail, generate_series(0, 39999) n; \
    insert into trail_details (cycle_id, report_id, seq, chunk, hash, body) \
    select cycle_id, report_id, seq, 0, hash, '' from trail";

async fn plan(superuser: &mut PgConnection, explain: &str, statement: &str) -> String {
    let explain = AssertSqlSafe(format!("explain ({explain}) {statement}"));
    let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(superuser).await.unwrap();
    plan.join("\n")
}

#[tokio::test]
async fn the_feed_reads_a_large_trail_by_its_indexes() {
    let database = Database::new().await;
    write_one(&database.ledger().await, workflow()).await.unwrap();
    tamper_with(&database, LARGE).await;
    let mut superuser = database.superuser().await;
    let one = "cycle_id = md5('7')::uuid and report_id = md5('r')::uuid";
    let lookups = [
        // the next page
        (
            "select cycle_id, canonical, epoch, txid::text::bigint as txid from trail \
             where (epoch, txid, seq) > (1, '20000', 9) and (epoch, txid) < (1, '999999') \
             order by trail.epoch, trail.txid, trail.seq limit 512"
                .to_owned(),
            "trail_feed",
        ),
        // how many wait
        (
            "select count(*) from (select from trail where (epoch, txid, seq) > (1, '20000', 9) \
             order by epoch, txid, seq limit 10001) w"
                .to_owned(),
            "trail_feed",
        ),
        // the record of a cursor
        (
            format!(
                "select exists (select from trail where {one} and seq = 7 and hash = 'x' \
                 and epoch = 1 and txid = '9000')"
            ),
            "trail_",
        ),
        // details
        (
            "select of.nth, d.chunk, d.body from unnest(array[md5('7')::uuid, md5('8')::uuid], \
             array[md5('r')::uuid, md5('r')::uuid], array[7::bigint, 8]) with ordinality \
             as of (cycle_id, report_id, seq, nth) cross join lateral ( \
                 select chunk, hash, body from trail_details \
                 where cycle_id = of.cycle_id and report_id = of.report_id and seq = of.seq \
                 and chunk > case when of.nth = 1 then 3 else -1 end order by chunk limit 16 \
             ) d where of.nth >= 1 order by of.nth, d.chunk limit 16"
                .to_owned(),
            "trail_details_pkey",
        ),
    ];
    for statistics in ["select 1", "analyze"] {
        run(&mut superuser, statistics).await.unwrap();
        for (lookup, index) in &lookups {
            let plan = plan(&mut superuser, "costs off", lookup).await;
            let scans = match lookup.contains("lateral") {
                // The records of one page are put in order, and nothing else.
                true => &["Seq Scan", "Bitmap"][..],
                false => &["Seq Scan", "Bitmap", "Sort"],
            };
            let is_good = plan.contains(index) && !scans.iter().any(|scan| plan.contains(scan));
            assert!(is_good, "{statistics}: {lookup}\n{plan}");
        }
    }
    // What is held back is not read over and over to be left out.
    let held = "select * from trail where (epoch, txid, seq) > (1, '1009', 9) \
                and (epoch, txid) < (1, '1010') \
                order by trail.epoch, trail.txid, trail.seq limit 512";
    let plan = plan(&mut superuser, "analyze, buffers, costs off, timing off", held).await;
    assert!(!plan.contains("Removed by Filter"), "{plan}");
}
