//! Deeds to the trail itself: its records, and their chunks of details.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand::seq::IteratorRandom as _;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, PgConnection};

use super::deeds::{Deed, Found, Kind, elsewhere, expect, insert, run, swap, truncate, update};
use super::tables::{Row, Table, bytes};
use super::told::Told;

/// What is in the table and not in the file.
const FOR_SEARCHING: [&str; 8] =
    ["phase", "action", "actor", "subject", "request_id", "recorded_at", "occurred_at", "origin"];

type Done = Result<Option<Deed>, sqlx::Error>;

/// A deed to a record or to a chunk.
pub(super) async fn of_trail(
    conn: &mut PgConnection,
    kind: Kind,
    table: &Table,
    row: &Row,
    told: &Told,
    rng: &mut ChaCha8Rng,
) -> Done {
    let seq = row.int("seq");
    let deed = |what: String, here: Found, file: Found| Deed {
        kind,
        table: table.name,
        workflow: row.workflow,
        what: format!("{what}, of record {seq} of {}", told.last()),
        touched: vec!["trail", "trail_details"],
        here,
        file,
        against: None,
    };
    let both = |what: &str, record: i64| {
        Ok(Some(deed(what.to_owned(), Found::Record(record), Found::Record(record))))
    };
    let is_chunk = table.name == "trail_details";
    match kind {
        Kind::Change if is_chunk => change_chunk(conn, (table, row), told, rng, both).await,
        Kind::Change => change(conn, (table, row), told, rng, deed).await,
        Kind::Delete => {
            let sql = format!("delete from {} t where t::text = $1", table.name);
            expect(run(conn, &sql, &[&row.text]).await?, 1);
            let left =
                !is_chunk && rng.random_bool(0.5) && !told.records()[at(seq)].chunks.is_empty();
            if !is_chunk && !left {
                of_details(conn, row, "seq = $3", seq).await?;
            }
            if !is_chunk && seq == told.last() && !left {
                let cut = deed("delete".to_owned(), Found::Before(seq), Found::Intact);
                return Ok(Some(Deed { kind: Kind::Cut, against: Some(seq), ..cut }));
            }
            both(if left { "delete, its chunks are left" } else { "delete" }, seq)
        }
        Kind::Insert if is_chunk => {
            let target = told.records().choose(rng).unwrap();
            let other = serde_json::json!({"seq": target.seq, "chunk": target.chunks.len()});
            insert(conn, table, row, &other).await?;
            both(&format!("insert a copy with {other}"), target.seq)
        }
        Kind::Insert if rng.random_bool(0.5) => {
            let next = told.last() + 1;
            insert(conn, table, row, &serde_json::json!({"seq": next})).await?;
            both("append a copy", next)
        }
        Kind::Insert => {
            for table in ["trail", "trail_details"] {
                for by in [100_000, -99_999] {
                    let sql = format!(
                        "update {table} set seq = seq + $4
                         where cycle_id = $1 and report_id = $2 and seq >= $3"
                    );
                    let from = if by > 0 { seq } else { 100_000 };
                    sqlx::query(AssertSqlSafe(sql))
                        .bind(row.workflow.cycle_id)
                        .bind(row.workflow.report_id)
                        .bind(from)
                        .bind(i64::from(by))
                        .execute(&mut *conn)
                        .await?;
                }
            }
            insert(conn, table, row, &serde_json::json!({"action": "forged"})).await?;
            let sql = "update trail set hash = sha256(hash), action = $1 where action = 'forged'";
            expect(run(conn, sql, &[row.text("action")]).await?, 1);
            both("insert another one before it", seq)
        }
        Kind::Swap if !is_chunk && rng.random_bool(0.5) => {
            let others = table.of(row.workflow).into_iter().map(|row| row.int("seq"));
            let Some(other) = others.filter(|other| *other != seq).choose(rng) else {
                return Ok(None);
            };
            for (from, to) in [(seq, -1), (other, seq), (-1, other)] {
                // No record has the number 100,001.
                let number = |seq: i64| if seq < 0 { 100_001 } else { seq };
                let sql = "update trail set seq = $4
                           where cycle_id = $1 and report_id = $2 and seq = $3";
                let done = sqlx::query(sql)
                    .bind(row.workflow.cycle_id)
                    .bind(row.workflow.report_id)
                    .bind(number(from))
                    .bind(number(to))
                    .execute(&mut *conn)
                    .await?;
                expect(done, 1);
            }
            both(&format!("swap with record {other}"), seq.min(other))
        }
        Kind::Swap => {
            let Some((other, column)) = swap(conn, table, row, rng).await? else {
                return Ok(None);
            };
            let first = seq.min(other.int("seq"));
            let what = format!("swap {column} with record {}", other.int("seq"));
            let found = Found::Record(first);
            let in_file = !FOR_SEARCHING.contains(&column.as_str());
            Ok(Some(deed(what, found, if in_file { found } else { Found::Intact })))
        }
        Kind::Truncate if is_chunk => {
            truncate(conn, table, row.workflow).await?;
            let first = told.records().iter().find(|said| !said.chunks.is_empty()).unwrap();
            both("delete all chunks of the workflow", first.seq)
        }
        Kind::Truncate => {
            truncate(conn, table, row.workflow).await?;
            if told.records().iter().all(|said| said.chunks.is_empty()) {
                of_details(conn, row, "seq >= $3", 1).await?;
                let cut = deed("delete all records".to_owned(), Found::Before(2), Found::Intact);
                return Ok(Some(Deed { against: Some(1), ..cut }));
            }
            both("delete all records, their chunks are left", 1)
        }
        Kind::Cut | Kind::Rewrite if is_chunk => Ok(None),
        Kind::Cut => {
            cut(conn, row, seq).await?;
            let cut = deed("cut from here on".to_owned(), Found::Before(seq), Found::Intact);
            Ok(Some(Deed { against: Some(seq), ..cut }))
        }
        Kind::Rewrite => {
            rewrite(conn, table, row, seq, told.last()).await?;
            let anew = deed("written anew from here on".to_owned(), Found::Intact, Found::Intact);
            Ok(Some(Deed { against: Some(seq), ..anew }))
        }
    }
}

fn at(seq: i64) -> usize {
    usize::try_from(seq).unwrap() - 1
}

async fn change(
    conn: &mut PgConnection,
    (table, row): (&Table, &Row),
    told: &Told,
    rng: &mut ChaCha8Rng,
    deed: impl Fn(String, Found, Found) -> Deed,
) -> Done {
    let seq = row.int("seq");
    let column = table.columns.choose(rng).unwrap();
    let name = column.name.as_str();
    if !table.is_told(name) {
        return Ok(None);
    }
    let chunks = !told.records()[at(seq)].chunks.is_empty();
    if ["cycle_id", "report_id"].contains(&name) {
        let set = format!("{name} = '{}'", elsewhere(rng));
        update(conn, table, row, &set).await?;
        let found = Found::Record(seq);
        let deed = deed(format!("set {set}"), found, found);
        return Ok(Some(if seq == told.last() && !chunks {
            let (here, file) = (Found::Before(seq), Found::Intact);
            Deed { kind: Kind::Cut, against: Some(seq), here, file, ..deed }
        } else {
            deed
        }));
    }
    if name == "canonical" && rng.random_bool(0.5) {
        // With a hash that fits: the next record does not.
        if seq == told.last() {
            return Ok(None);
        }
        write(conn, row, &forged(row), &bytes(&row.json["previous_hash"])).await?;
        let found = Found::Record(seq + 1);
        return Ok(Some(deed("another method, with its hash".to_owned(), found, found)));
    }
    let set = match name {
        "seq" => "seq = seq + 1000".to_owned(),
        _ => format!("{name} = {}", column.other(row.is_null(name), rng)),
    };
    if !update(conn, table, row, &set).await? {
        return Ok(None);
    }
    let found = Found::Record(seq);
    let in_file = !FOR_SEARCHING.contains(&name);
    Ok(Some(deed(format!("set {set}"), found, if in_file { found } else { Found::Intact })))
}

async fn change_chunk(
    conn: &mut PgConnection,
    (table, row): (&Table, &Row),
    told: &Told,
    rng: &mut ChaCha8Rng,
    both: impl Fn(&str, i64) -> Done,
) -> Done {
    let seq = row.int("seq");
    let column = table.columns.choose(rng).unwrap();
    let (set, record) = match column.name.as_str() {
        "seq" => {
            let other = rng.random_range(1..=told.last());
            (format!("seq = {other}"), seq.min(other))
        }
        name => (format!("{name} = {}", column.other(false, rng)), seq),
    };
    if !update(conn, table, row, &set).await? {
        return Ok(None);
    }
    both(&format!("set {set}"), record)
}

/// Deletes chunks of details by one more condition.
async fn of_details(
    conn: &mut PgConnection,
    row: &Row,
    condition: &str,
    seq: i64,
) -> Result<(), sqlx::Error> {
    let sql =
        format!("delete from trail_details where cycle_id = $1 and report_id = $2 and {condition}");
    sqlx::query(AssertSqlSafe(sql))
        .bind(row.workflow.cycle_id)
        .bind(row.workflow.report_id)
        .bind(seq)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes the records from one on away, and their chunks.
async fn cut(conn: &mut PgConnection, row: &Row, from: i64) -> Result<(), sqlx::Error> {
    of_details(conn, row, "seq >= $3", from).await?;
    sqlx::query("delete from trail where cycle_id = $1 and report_id = $2 and seq >= $3")
        .bind(row.workflow.cycle_id)
        .bind(row.workflow.report_id)
        .bind(from)
        .execute(conn)
        .await?;
    Ok(())
}

/// Writes the records from one on anew: another method was it, and every hash fits.
async fn rewrite(
    conn: &mut PgConnection,
    table: &Table,
    row: &Row,
    from: i64,
    last: i64,
) -> Result<(), sqlx::Error> {
    let mut previous = bytes(&row.json["previous_hash"]);
    for row in table.of(row.workflow) {
        if (from..=last).contains(&row.int("seq")) {
            previous = write(conn, row, &forged(row), &previous).await?;
        }
    }
    Ok(())
}

/// A record's bytes, which say that it was made by another method.
fn forged(row: &Row) -> String {
    let canonical = String::from_utf8(bytes(&row.json["canonical"])).unwrap();
    let record: serde_json::Value = serde_json::from_str(&canonical).unwrap();
    let method = format!("\"method\":{}", record["method"]);
    assert!(canonical.contains(&method));
    canonical.replace(&method, "\"method\":\"/forged.Service/Method\"")
}

/// Writes a record behind another hash, and gives its own.
async fn write(
    conn: &mut PgConnection,
    row: &Row,
    canonical: &str,
    previous: &[u8],
) -> Result<Vec<u8>, sqlx::Error> {
    let field = |hash: &[u8]| format!("\"previous_hash\":\"{}\"", hex::encode(hash));
    let before = field(&bytes(&row.json["previous_hash"]));
    let canonical = canonical.replace(&before, &field(previous));
    let hash = Sha256::new_with_prefix(b"signoff-trail-v1\0")
        .chain_update(previous)
        .chain_update(&canonical)
        .finalize()
        .to_vec();
    let done = sqlx::query(
        "update trail set canonical = $4, previous_hash = $5, hash = $6
         where cycle_id = $1 and report_id = $2 and seq = $3",
    )
    .bind(row.workflow.cycle_id)
    .bind(row.workflow.report_id)
    .bind(row.int("seq"))
    .bind(canonical.as_bytes())
    .bind(previous)
    .bind(&hash)
    .execute(conn)
    .await?;
    expect(done, 1);
    Ok(hash)
}
