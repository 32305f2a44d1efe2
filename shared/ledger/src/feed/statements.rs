//! The feed's statements.

use signoff_workflow::Workflow;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use super::watermark::Moment;
use super::{Cursor, FeedRecord};
use crate::LedgerError;
use crate::trail::store::hash;
use crate::trail::{DetailChunk, Hash};

/// How many records are counted at a time.
const PIECE: i64 = 10_000;

/// A process of the database server whose open transaction holds a feed back.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// Its process id on the database server.
    pub process_id: i32,
    /// Its database.
    pub database: String,
    /// As whom it is connected.
    pub role: String,
    /// What it calls itself.
    pub application: String,
    /// For how long it has been seen to hold the feed back, in seconds.
    pub seconds: f64,
}

/// What can be seen of the transactions of the whole cluster now, and whether the record that a cursor
/// names is there, as it was.
///
/// The time is that at which the statement's own transaction began, before its snapshot. Not
/// `statement_timestamp()`: that is when the order to execute came, and the snapshot is taken when the
/// parameters come, which is before it. What was committed between the two would be missed.
pub(super) async fn look(
    connection: &mut PgConnection,
    at: Option<Cursor>,
) -> Result<(Moment, bool), LedgerError> {
    let row = sqlx::query(
        "select now() as at, \
         pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest_open, \
         pg_snapshot_xmax(pg_current_snapshot())::text::bigint as above_ended, \
         (select max(epoch) from epochs) as epoch, \
         exists (select from trail where cycle_id = $1 and report_id = $2 and seq = $3 \
             and hash = $4 and epoch = $5 and txid = $6::text::xid8) as is_here",
    )
    .bind(at.map(|at| at.workflow.cycle_id))
    .bind(at.map(|at| at.workflow.report_id))
    .bind(at.map(|at| at.sequence))
    .bind(at.map(|at| at.hash.to_vec()))
    .bind(at.map(|at| at.epoch))
    .bind(at.map(|at| at.txid.to_string()))
    .fetch_one(connection)
    .await?;
    let moment = Moment {
        at: row.try_get("at")?,
        oldest_open: row.try_get("oldest_open")?,
        above_ended: row.try_get("above_ended")?,
        epoch: row.try_get("epoch")?,
    };
    Ok((moment, at.is_none() || row.try_get("is_here")?))
}

/// Records behind a cursor whose transactions had all ended at that moment, in order.
///
/// Both ends are compared as rows, for the index: what is held back is not read again and again. And the
/// order is that of the table's columns, not of what is selected by the same names: that has no index.
pub(super) async fn read(
    connection: &mut PgConnection,
    after: Option<Cursor>,
    moment: Moment,
    limit: i64,
) -> Result<Vec<FeedRecord>, LedgerError> {
    let (epoch, txid, sequence) = place(after);
    sqlx::query(
        "select cycle_id, report_id, seq, format, canonical, hash, previous_hash, epoch, \
         txid::text::bigint as txid from trail \
         where (epoch, txid, seq) > ($1, $2::text::xid8, $3) \
         and (epoch, txid) < ($4, $5::text::xid8) \
         order by trail.epoch, trail.txid, trail.seq limit $6",
    )
    .bind(epoch)
    .bind(txid)
    .bind(sequence)
    .bind(moment.epoch)
    .bind(moment.oldest_open.to_string())
    .bind(limit)
    .fetch_all(connection)
    .await?
    .iter()
    .zip(after.map_or(0, |at| at.records) + 1..)
    .map(|(row, records)| record(row, records))
    .collect()
}

/// How many committed records there are behind a cursor, counted up to a limit.
pub(super) async fn waiting(
    connection: &mut PgConnection,
    after: Option<Cursor>,
    limit: i64,
) -> Result<i64, LedgerError> {
    let (epoch, txid, sequence) = place(after);
    let found = sqlx::query_scalar(
        "select count(*) from (select from trail where (epoch, txid, seq) > ($1, $2::text::xid8, $3) \
         order by epoch, txid, seq limit $4) w",
    )
    .bind(epoch)
    .bind(txid)
    .bind(sequence)
    .bind(limit)
    .fetch_one(connection)
    .await?;
    Ok(found)
}

/// How many records there are up to a cursor, that one among them. Counted piece by piece: in one go
/// the largest trails would take longer than a statement may.
pub(super) async fn count_up_to(
    connection: &mut PgConnection,
    cursor: &Cursor,
) -> Result<i64, LedgerError> {
    let (mut counted, mut behind) = (0, place(None));
    loop {
        let (epoch, txid, sequence) = behind;
        // The last of the next so many, if there are so many.
        let last = sqlx::query(
            "select epoch, txid::text as txid, seq from trail \
             where (epoch, txid, seq) > ($1, $2::text::xid8, $3) \
             and (epoch, txid, seq) <= ($4, $5::text::xid8, $6) \
             order by trail.epoch, trail.txid, trail.seq offset $7 limit 1",
        )
        .bind(epoch)
        .bind(&txid)
        .bind(sequence)
        .bind(cursor.epoch)
        .bind(cursor.txid.to_string())
        .bind(cursor.sequence)
        .bind(PIECE - 1)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(last) = last {
            counted += PIECE;
            behind = (last.try_get("epoch")?, last.try_get("txid")?, last.try_get("seq")?);
            continue;
        }
        let rest: i64 = sqlx::query_scalar(
            "select count(*) from trail where (epoch, txid, seq) > ($1, $2::text::xid8, $3) \
             and (epoch, txid, seq) <= ($4, $5::text::xid8, $6)",
        )
        .bind(epoch)
        .bind(&txid)
        .bind(sequence)
        .bind(cursor.epoch)
        .bind(cursor.txid.to_string())
        .bind(cursor.sequence)
        .fetch_one(connection)
        .await?;
        return Ok(counted + rest);
    }
}

/// Who has this transaction open, if it is still there.
pub(super) async fn holder(
    connection: &mut PgConnection,
    transaction: i64,
) -> Result<Option<Holder>, LedgerError> {
    let row = sqlx::query(
        "select pid, coalesce(datname, '') as database, coalesce(usename, '') as role, \
         coalesce(application_name, '') as application \
         from pg_stat_activity where backend_xid = $1::text::xid8::xid limit 1",
    )
    .bind(transaction.to_string())
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Holder {
            process_id: row.try_get("pid")?,
            database: row.try_get("database")?,
            role: row.try_get("role")?,
            application: row.try_get("application")?,
            seconds: 0.0,
        })
    })
    .transpose()
}

/// Detail chunks of several records, each with the place of its record among them, behind a place and
/// a chunk.
pub(super) async fn details(
    connection: &mut PgConnection,
    of: &[FeedRecord],
    after: (i64, i32),
    limit: i64,
) -> Result<Vec<(i64, i32, DetailChunk)>, LedgerError> {
    let cycles: Vec<Uuid> = of.iter().map(|record| record.cursor.workflow.cycle_id).collect();
    let reports: Vec<Uuid> = of.iter().map(|record| record.cursor.workflow.report_id).collect();
    let sequences: Vec<i64> = of.iter().map(|record| record.cursor.sequence).collect();
    sqlx::query(
        "select of.nth, d.chunk, d.hash, d.body \
         from unnest($1::uuid[], $2::uuid[], $3::bigint[]) with ordinality \
             as of (cycle_id, report_id, seq, nth) \
         cross join lateral ( \
             select chunk, hash, body from trail_details \
             where cycle_id = of.cycle_id and report_id = of.report_id and seq = of.seq \
             and chunk > case when of.nth = $4 then $5 else -1 end \
             order by chunk limit $6 \
         ) d \
         where of.nth >= $4 order by of.nth, d.chunk limit $6",
    )
    .bind(cycles)
    .bind(reports)
    .bind(sequences)
    .bind(after.0)
    .bind(after.1)
    .bind(limit)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        let chunk = DetailChunk { hash: hash(row, "hash")?, body: row.try_get("body")? };
        Ok((row.try_get("nth")?, row.try_get("chunk")?, chunk))
    })
    .collect()
}

/// A cursor as the statements take it. Before the first record, no id is low enough to be left out.
fn place(after: Option<Cursor>) -> (i32, String, i64) {
    after.map_or((0, "0".to_owned(), 0), |at| (at.epoch, at.txid.to_string(), at.sequence))
}

fn record(row: &PgRow, records: i64) -> Result<FeedRecord, LedgerError> {
    let record_hash: Hash = hash(row, "hash")?;
    let cursor = Cursor {
        epoch: row.try_get("epoch")?,
        txid: row.try_get("txid")?,
        workflow: Workflow {
            cycle_id: row.try_get("cycle_id")?,
            report_id: row.try_get("report_id")?,
        },
        sequence: row.try_get("seq")?,
        hash: record_hash,
        records,
    };
    Ok(FeedRecord {
        cursor,
        format: row.try_get("format")?,
        canonical: row.try_get("canonical")?,
        previous_hash: hash(row, "previous_hash")?,
    })
}
