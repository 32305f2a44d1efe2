//! Everything that the services keep, as a few numbers: whether a call left a mark.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;
use signoff_ledger::DatabaseUrls;
use signoff_tests::wait::until;
use signoff_tests::{Counting, House};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// What an import stages, in tables without a log: it is cleared a moment after the answer, whatever that is
/// (record 44).
const STAGED: [&str; 3] = ["imports", "staged_items", "staged_known"];

/// Each table, by the name of its service and its own: how many rows, and a sum over all their values.
pub(crate) type Rows = BTreeMap<String, (i64, String)>;

/// The databases of a house.
pub(crate) struct Databases {
    all: Vec<Database>,
}

struct Database {
    service: &'static str,
    connection: PgConnection,
    statement: String,
}

impl Databases {
    pub(crate) async fn of(house: &House, counting: &Counting) -> Self {
        let all = vec![
            Database::of("versioning", &house.versioning.urls, None).await,
            Database::of("audit", &house.audit.urls, None).await,
            Database::of("gateway", &house.urls, None).await,
            // All other tables there follow what happens in the house: they change when they get to it.
            Database::of("metrics", &counting.urls, Some("rebuild_requests")).await,
        ];
        Self { all }
    }

    /// What there is now.
    pub(crate) async fn rows(&mut self) -> Rows {
        let mut rows = Rows::new();
        for Database { service, connection, statement } in &mut self.all {
            let statement = AssertSqlSafe(statement.clone());
            let found: Vec<(String, i64, String)> =
                sqlx::query_as(statement).fetch_all(connection).await.unwrap();
            for (table, count, sum) in found {
                rows.insert(format!("{service}.{table}"), (count, sum));
            }
        }
        rows
    }

    /// The number of the last transaction that may have written something, of all databases: as long as
    /// it stays the same, nobody has.
    pub(crate) async fn written(&mut self) -> i64 {
        let number = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
        sqlx::query_scalar(number).fetch_one(&mut self.all[0].connection).await.unwrap()
    }
}

impl Databases {
    /// Waits until nothing is staged any more.
    pub(crate) async fn cleared(house: &House) {
        let url = house.versioning.urls.owner.expose_secret();
        let each = STAGED.map(|table| format!("exists (select from {table})"));
        let statement = format!("select {}", each.join(" or "));
        until("what was staged is cleared", || async {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let found = sqlx::query_scalar(AssertSqlSafe(statement.clone()));
            let is_staged: bool = found.fetch_one(&mut connection).await.unwrap();
            (!is_staged).then_some(())
        })
        .await;
    }

    /// The commands that were done by transactions from this number on: the methods whose answers are kept,
    /// and the actions that are recorded.
    pub(crate) async fn commands_since(&mut self, written: i64) -> Vec<String> {
        let statement = "select method from idempotency_keys where xmin::text::bigint >= $1
             union select action from trail where txid::text::bigint >= $1 order by 1";
        let mut commands = Vec::new();
        for database in self.all.iter_mut().filter(|of| of.service != "metrics") {
            let found = sqlx::query_scalar(statement).bind(written);
            let found: Vec<String> = found.fetch_all(&mut database.connection).await.unwrap();
            commands.extend(found);
        }
        commands
    }
}

impl Database {
    async fn of(service: &'static str, urls: &DatabaseUrls, only: Option<&str>) -> Self {
        let mut connection = PgConnection::connect(urls.owner.expose_secret()).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(
            "select tablename::text from pg_tables
             where schemaname not in ('pg_catalog', 'information_schema') order by 1",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let each: Vec<String> = tables
            .iter()
            .filter(|table| only.is_none_or(|only| only == table.as_str()))
            .filter(|table| !STAGED.contains(&table.as_str()))
            .map(|table| {
                format!(
                    "select '{table}' as name, count(*) as count,
                     coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as sum
                     from \"{table}\" t"
                )
            })
            .collect();
        assert!(!each.is_empty(), "{service} has tables");
        Self { service, connection, statement: each.join(" union all ") }
    }
}

/// The tables that differ.
pub(crate) fn differing(before: &Rows, after: &Rows) -> Vec<String> {
    let changed = after.iter().filter(|(table, sum)| before.get(*table) != Some(sum));
    changed.map(|(table, _)| table.clone()).collect()
}
