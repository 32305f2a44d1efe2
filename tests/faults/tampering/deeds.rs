//! What somebody with the rights of a superuser does to the rows of a service, and what is to be found then.

use rand::Rng as _;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use signoff_workflow::Workflow;
use sqlx::postgres::PgQueryResult;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::Service;
use super::books::Books;
use super::chain;
use super::tables::{Row, Table};

/// What a verifier is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This record is the first that does not fit.
    Record(i64),
    /// All of it fits.
    Intact,
    /// All of it fits, or some record before this one does not.
    Before(i64),
}

/// A kind of deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Change,
    Delete,
    Insert,
    Swap,
    Truncate,
    /// A tail that is taken away with all that belongs to it.
    Cut,
    /// A tail that is written anew, with hashes that fit.
    Rewrite,
}

/// What was done.
pub(super) struct Deed {
    pub(super) kind: Kind,
    pub(super) table: &'static str,
    pub(super) workflow: Workflow,
    pub(super) what: String,
    /// The tables that are to be put back.
    pub(super) touched: Vec<&'static str>,
    /// What `VerifyTrail` finds, and what is found in the exported file.
    pub(super) here: Found,
    pub(super) file: Found,
    /// What both find against heads that were kept of every record, if that is looked at.
    pub(super) against: Option<i64>,
}

const KINDS: [Kind; 5] = [Kind::Change, Kind::Delete, Kind::Insert, Kind::Swap, Kind::Truncate];
/// What versions are made of: half of what is done to rows, or nearly, is done to these.
const VERSIONS: [&str; 6] =
    ["versions", "items", "rulings", "modifications", "sign_offs", "artifacts"];
const TRAIL_KINDS: [Kind; 7] = [
    Kind::Change,
    Kind::Delete,
    Kind::Insert,
    Kind::Swap,
    Kind::Truncate,
    Kind::Cut,
    Kind::Rewrite,
];

/// Does something, to whatever the chance says: what constraints refuse, is not done, and something else is.
pub(super) async fn any(service: &mut Service, rng: &mut ChaCha8Rng) -> Deed {
    loop {
        let Service { superuser, tables, told, .. } = service;
        let (own, of_versions) = (rng.random_bool(0.6), rng.random_bool(0.4));
        let tables_of = tables.iter().filter(|table| {
            !table.rows.is_empty()
                && own != ["trail", "trail_details"].contains(&table.name)
                && (!own || !of_versions || VERSIONS.contains(&table.name))
        });
        let Some(table) = tables_of.choose(rng) else { continue };
        let row = table.rows.choose(rng).unwrap();
        let books = Books { tables, told: &told[&row.workflow] };
        let mut transaction = superuser.begin().await.unwrap();
        let done = if own {
            let kind = *KINDS.choose(rng).unwrap();
            match (kind, table.name) {
                (Kind::Insert, "closed_workflows") => {
                    let mut all: Vec<&Workflow> = told.keys().collect();
                    all.sort_by_key(|workflow| (workflow.cycle_id, workflow.report_id));
                    let other = **all.choose(rng).unwrap();
                    close(&mut transaction, table, row, (other, told[&other].last())).await
                }
                _ => of_rows(&mut transaction, kind, table, row, &books, rng).await,
            }
        } else {
            let kind = *TRAIL_KINDS.choose(rng).unwrap();
            chain::of_trail(&mut transaction, kind, table, row, books.told, rng).await
        };
        match done {
            Ok(Some(deed)) => {
                transaction.commit().await.unwrap();
                return deed;
            }
            Ok(None) => {}
            Err(sqlx::Error::Database(error))
                if error
                    .code()
                    .is_some_and(|code| ["22", "23"].contains(&&code[..2]) || code == "428C9") => {}
            Err(error) => panic!("{error}"),
        }
        transaction.rollback().await.unwrap();
    }
}

/// Says that another workflow is closed, too.
async fn close(
    conn: &mut PgConnection,
    table: &Table,
    row: &Row,
    (workflow, last): (Workflow, i64),
) -> Result<Option<Deed>, sqlx::Error> {
    let Workflow { cycle_id, report_id } = workflow;
    let other = serde_json::json!({"cycle_id": cycle_id, "report_id": report_id});
    insert(conn, table, row, &other).await?;
    Ok(Some(Deed {
        kind: Kind::Insert,
        table: table.name,
        workflow,
        what: "close it".to_owned(),
        touched: vec![table.name],
        here: Found::Record(last),
        file: Found::Intact,
        against: None,
    }))
}

/// A deed to the rows that a trail speaks of. No file shows it.
async fn of_rows(
    conn: &mut PgConnection,
    kind: Kind,
    table: &Table,
    row: &Row,
    books: &Books<'_>,
    rng: &mut ChaCha8Rng,
) -> Result<Option<Deed>, sqlx::Error> {
    let name = table.name;
    let (what, record) = match kind {
        Kind::Change => {
            let column = table.columns.choose(rng).unwrap();
            if !table.is_told(&column.name) {
                return Ok(None);
            }
            let other = column.other(row.is_null(&column.name), rng);
            let set = format!("{} = {other}", column.name);
            if !update(conn, table, row, &set).await? {
                return Ok(None);
            }
            // No role has such a name: the row cannot be read.
            let record = match (name, column.name.as_str()) {
                ("sign_offs", "role") => books.told.last(),
                (_, column) => books.changed(table, row, column),
            };
            (format!("set {set}"), record)
        }
        Kind::Delete => {
            let sql = format!("delete from {name} t where t::text = $1");
            expect(run(conn, &sql, &[&row.text]).await?, 1);
            ("delete".to_owned(), books.gone(table, row))
        }
        Kind::Insert => {
            let Some(other) = table.forged(row, rng) else { return Ok(None) };
            insert(conn, table, row, &other).await?;
            (format!("insert a copy with {other}"), books.forged(table, row))
        }
        Kind::Swap => {
            let Some((other, column)) = swap(conn, table, row, rng).await? else {
                return Ok(None);
            };
            let records = [row, other].map(|row| books.changed(table, row, &column));
            (format!("swap {column} with {}", other.json), records.into_iter().min().unwrap())
        }
        Kind::Truncate => {
            let all = table.of(row.workflow);
            truncate(conn, table, row.workflow).await?;
            let records = all.iter().map(|row| books.gone(table, row));
            ("delete all of the workflow".to_owned(), records.min().unwrap())
        }
        Kind::Cut | Kind::Rewrite => return Ok(None),
    };
    Ok(Some(Deed {
        kind,
        table: name,
        workflow: row.workflow,
        what: format!("{what}, of {}", row.json),
        touched: vec![name],
        here: Found::Record(record),
        file: Found::Intact,
        against: None,
    }))
}

/// Sets a column of a row, and says whether it has another value now.
pub(super) async fn update(
    conn: &mut PgConnection,
    table: &Table,
    row: &Row,
    set: &str,
) -> Result<bool, sqlx::Error> {
    let name = table.name;
    let sql = format!("update {name} t set {set} where t::text = $1");
    expect(run(conn, &sql, &[&row.text]).await?, 1);
    let there: bool = sqlx::query_scalar(AssertSqlSafe(format!(
        "select exists (select from {name} t where t::text = $1)"
    )))
    .bind(&row.text)
    .fetch_one(conn)
    .await?;
    Ok(!there)
}

/// Inserts a copy of a row with other values.
pub(super) async fn insert(
    conn: &mut PgConnection,
    table: &Table,
    row: &Row,
    other: &Value,
) -> Result<(), sqlx::Error> {
    let name = table.name;
    let sql = format!(
        "insert into {name} overriding system value
         select (jsonb_populate_record(t, $2::jsonb)).* from kept.{name} k,
             lateral (select (k.*)::text::{name} as t) as t
         where k::text = $1"
    );
    expect(run(conn, &sql, &[&row.text, &other.to_string()]).await?, 1);
    Ok(())
}

/// Swaps the values of a column between a row and another one of its workflow, if they have different ones.
pub(super) async fn swap<'a>(
    conn: &mut PgConnection,
    table: &'a Table,
    row: &Row,
    rng: &mut ChaCha8Rng,
) -> Result<Option<(&'a Row, String)>, sqlx::Error> {
    let name = table.name;
    let column = table.columns.choose(rng).unwrap().name.clone();
    let others = table.of(row.workflow).into_iter();
    let Some(other) = others.filter(|other| other.text != row.text).choose(rng) else {
        return Ok(None);
    };
    let same = row.json[&column] == other.json[&column];
    if same || table.key.contains(&column.as_str()) || !table.is_told(&column) {
        return Ok(None);
    }
    let sql = format!(
        "update {name} t set {column} = k.{column} from kept.{name} k
         where t::text = $1 and k::text = $2 or t::text = $2 and k::text = $1"
    );
    expect(run(conn, &sql, &[&row.text, &other.text]).await?, 2);
    Ok(Some((other, column)))
}

/// Takes all rows of a workflow away.
pub(super) async fn truncate(
    conn: &mut PgConnection,
    table: &Table,
    workflow: Workflow,
) -> Result<(), sqlx::Error> {
    let sql = format!("delete from {} where {}", table.name, table.of_workflow());
    let Workflow { cycle_id, report_id } = workflow;
    let done = sqlx::query(AssertSqlSafe(sql)).bind(cycle_id).bind(report_id).execute(conn).await?;
    assert!(done.rows_affected() > 0, "{} was empty", table.name);
    Ok(())
}

/// Runs a statement with texts.
pub(super) async fn run(
    conn: &mut PgConnection,
    sql: &str,
    texts: &[&str],
) -> Result<PgQueryResult, sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    texts.iter().fold(query, |query, text| query.bind(*text)).execute(conn).await
}

#[track_caller]
pub(super) fn expect(done: PgQueryResult, rows: u64) {
    assert_eq!(done.rows_affected(), rows);
}

/// Another workflow, that nobody knows.
pub(super) fn elsewhere(rng: &mut ChaCha8Rng) -> Uuid {
    Uuid::from_u128(rng.random())
}
