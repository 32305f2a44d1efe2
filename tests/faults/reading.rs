//! How many rows a query reads.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Row};

/// How many rows of each table the session read so far: by scans of whole tables, and by indexes.
pub(crate) async fn read(conn: &mut PgConnection) -> BTreeMap<String, (i64, i64)> {
    sqlx::query(
        "select relname::text as name, seq_tup_read::bigint as scanned,
             coalesce(idx_tup_fetch, 0)::bigint as fetched
         from pg_stat_xact_user_tables where schemaname = 'public'",
    )
    .fetch_all(conn)
    .await
    .unwrap()
    .iter()
    .map(|row| (row.get("name"), (row.get("scanned"), row.get("fetched"))))
    .collect()
}

/// Checks what a query answers, and that it read at most so many rows for it. `SMALL` names the tables that
/// hold a few rows there.
macro_rules! reads {
    ($wrong:ident, $conn:ident, $most:expr, $answers:expr, $what:expr, $query:expr) => {{
        let mut transaction = $conn.begin().await.unwrap();
        // Counters that were not handed in yet are of queries before.
        let before = read(&mut transaction).await;
        {
            let $conn: &mut PgConnection = &mut transaction;
            let answered = $query;
            assert_eq!(answered, $answers, "{}", $what);
        }
        let (mut scanned, mut fetched, mut told) = (0, 0, String::new());
        for (table, (all_scanned, all_fetched)) in read(&mut transaction).await {
            let (a, b) = before.get(&table).copied().unwrap_or_default();
            let (a, b) = (all_scanned - a, all_fetched - b);
            // A table of a few rows is scanned as readily as it is looked up, for each row of a page.
            let few = SMALL.contains(&table.as_str());
            (scanned, fetched) = (scanned + if few { 0 } else { a }, fetched + b);
            if a + b > 0 {
                told.push_str(&format!(" {table}: {a} scanned, {b} by index;"));
            }
        }
        if scanned > 100 || fetched > $most {
            $wrong.push(format!("{}:{told}", $what));
        }
        transaction.rollback().await.unwrap();
    }};
}

pub(crate) use reads;
