//! The trail's statements.

use signoff_workflow::Workflow;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::{DetailChunk, DetailRows, Hash, Origin, Record};
use crate::LedgerError;

/// A record that waits for its command's end, and its details.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) record: Record,
    /// The number of the first chunk in `details`: those before it are written already.
    pub(crate) first_chunk: i32,
    pub(crate) details: Vec<DetailRows>,
}

/// The answer that goes with a request id.
pub(crate) struct Answer<'a> {
    pub(crate) key: &'a crate::RequestKey,
    pub(crate) answer: &'a [u8],
}

/// Records, details and answer in one statement. The order of the records is that of the
/// numbers: the check of each link sees the record before it.
const WRITE: &str = "
with records as (
    insert into trail (cycle_id, report_id, seq, format, canonical, hash, previous_hash, phase,
        action, actor, subject, request_id, recorded_at, occurred_at, origin)
    select $1, $2, r.*
    from unnest($3::bigint[], $4::smallint[], $5::bytea[], $6::bytea[], $7::bytea[], $8::text[],
        $9::text[], $10::bigint[], $11::text[], $12::uuid[], $13::timestamptz[],
        $14::timestamptz[], $15::text[]) as r (seq)
    order by r.seq
), details as (
    insert into trail_details (cycle_id, report_id, seq, chunk, hash, body)
    select $1, $2, d.* from unnest($16::bigint[], $17::int[], $18::bytea[], $19::bytea[]) as d
)
insert into idempotency_keys (cycle_id, report_id, request_id, method, caller, content_hash, answer)
select $1, $2, $20, $21, $22, $23, $24 where $20::uuid is not null";

/// Writes what a command leaves behind beside the service's own rows.
///
/// Also where that is nothing: the statement fails if one before it did, and the database would
/// otherwise answer the commit by a quiet rollback.
pub(crate) async fn write(
    connection: &mut PgConnection,
    workflow: Workflow,
    pending: Vec<Pending>,
    answer: Option<Answer<'_>>,
) -> Result<(), LedgerError> {
    let (mut details_of, mut chunk_numbers) = (Vec::new(), Vec::new());
    let (mut chunk_hashes, mut chunk_bodies) = (Vec::new(), Vec::new());
    for Pending { record, first_chunk, details } in &pending {
        for (number, chunk) in (*first_chunk..).zip(details.iter().flat_map(DetailRows::chunks)) {
            details_of.push(record.sequence);
            chunk_numbers.push(number);
            chunk_hashes.push(chunk.hash.as_slice());
            chunk_bodies.push(chunk.body.as_slice());
        }
    }
    let records = || pending.iter().map(|pending| &pending.record);
    let key = answer.as_ref().map(|answer| answer.key);
    sqlx::query(WRITE)
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .bind(records().map(|r| r.sequence).collect::<Vec<_>>())
        .bind(records().map(|r| r.format).collect::<Vec<_>>())
        .bind(records().map(|r| r.canonical.as_slice()).collect::<Vec<_>>())
        .bind(records().map(|r| r.hash.as_slice()).collect::<Vec<_>>())
        .bind(records().map(|r| r.previous_hash.as_slice()).collect::<Vec<_>>())
        .bind(records().map(|r| r.phase.as_deref()).collect::<Vec<_>>())
        .bind(records().map(|r| r.action.as_str()).collect::<Vec<_>>())
        .bind(records().map(|r| r.actor).collect::<Vec<_>>())
        .bind(records().map(|r| r.subject.as_str()).collect::<Vec<_>>())
        .bind(records().map(|r| r.request_id).collect::<Vec<_>>())
        .bind(records().map(|r| r.recorded_at).collect::<Vec<_>>())
        .bind(records().map(|r| r.occurred_at).collect::<Vec<_>>())
        .bind(records().map(|r| r.origin.name()).collect::<Vec<_>>())
        .bind(details_of)
        .bind(chunk_numbers)
        .bind(chunk_hashes)
        .bind(chunk_bodies)
        .bind(key.map(|key| key.request_id))
        .bind(key.map(|key| key.method.as_str()))
        .bind(key.map(|key| key.caller))
        .bind(key.map(|key| key.content_hash.as_slice()))
        .bind(answer.as_ref().map(|answer| answer.answer))
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes chunks of record `sequence` before the record itself, the first of them as `first`.
pub(crate) async fn write_chunks(
    connection: &mut PgConnection,
    workflow: Workflow,
    sequence: i64,
    first: i32,
    chunks: &[DetailChunk],
) -> Result<(), LedgerError> {
    sqlx::query(
        "insert into trail_details (cycle_id, report_id, seq, chunk, hash, body)
         select $1, $2, $3, $4 + d.nth::int - 1, d.hash, d.body
         from unnest($5::bytea[], $6::bytea[]) with ordinality as d (hash, body, nth)",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(sequence)
    .bind(first)
    .bind(chunks.iter().map(|chunk| chunk.hash.as_slice()).collect::<Vec<_>>())
    .bind(chunks.iter().map(|chunk| chunk.body.as_slice()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// Records after number `after`, of one phase or of all.
pub(crate) async fn read(
    connection: &mut PgConnection,
    workflow: Workflow,
    phase: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<Record>, LedgerError> {
    let query = match phase {
        Some(phase) => sqlx::query(concat!(
            "select seq, format, canonical, hash, previous_hash, phase, action, actor, subject, ",
            "request_id, recorded_at, occurred_at, origin from trail ",
            "where cycle_id = $1 and report_id = $2 and seq > $3 and phase = $5 ",
            "order by seq limit $4",
        ))
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .bind(after)
        .bind(limit)
        .bind(phase),
        None => sqlx::query(concat!(
            "select seq, format, canonical, hash, previous_hash, phase, action, actor, subject, ",
            "request_id, recorded_at, occurred_at, origin from trail ",
            "where cycle_id = $1 and report_id = $2 and seq > $3 ",
            "order by seq limit $4",
        ))
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .bind(after)
        .bind(limit),
    };
    query.fetch_all(connection).await?.iter().map(record).collect()
}

/// The numbers of the last record and of the last record that has a chunk, at one moment. The
/// second is above the first only where a record is gone and its chunks are left.
pub(crate) async fn ends(
    connection: &mut PgConnection,
    workflow: Workflow,
) -> Result<(Option<i64>, Option<i64>), LedgerError> {
    let row = sqlx::query(concat!(
        "select (select max(seq) from trail where cycle_id = $1 and report_id = $2), ",
        "(select max(seq) from trail_details where cycle_id = $1 and report_id = $2)",
    ))
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_one(connection)
    .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// A chunk as it is stored: its record, its number, itself.
pub(crate) type StoredChunk = (i64, i32, DetailChunk);

/// Chunks behind `after` (record, number).
pub(crate) async fn read_details(
    connection: &mut PgConnection,
    workflow: Workflow,
    after: (i64, i32),
    limit: i64,
) -> Result<Vec<StoredChunk>, LedgerError> {
    sqlx::query(
        "select seq, chunk, hash, body from trail_details \
         where cycle_id = $1 and report_id = $2 and (seq, chunk) > ($3, $4) \
         order by seq, chunk limit $5",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .bind(after.0)
    .bind(after.1)
    .bind(limit)
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| {
        let chunk = DetailChunk { hash: hash(row, "hash")?, body: row.try_get("body")? };
        Ok((row.try_get("seq")?, row.try_get("chunk")?, chunk))
    })
    .collect()
}

fn record(row: &PgRow) -> Result<Record, LedgerError> {
    let origin: &str = row.try_get("origin")?;
    Ok(Record {
        sequence: row.try_get("seq")?,
        format: row.try_get("format")?,
        canonical: row.try_get("canonical")?,
        hash: hash(row, "hash")?,
        previous_hash: hash(row, "previous_hash")?,
        phase: row.try_get("phase")?,
        action: row.try_get("action")?,
        actor: row.try_get("actor")?,
        subject: row.try_get("subject")?,
        request_id: row.try_get("request_id")?,
        recorded_at: row.try_get("recorded_at")?,
        occurred_at: row.try_get("occurred_at")?,
        origin: Origin::from_name(origin)
            .ok_or_else(|| LedgerError::Corrupt(format!("a trail record's origin is {origin}")))?,
    })
}

/// A column of 32 bytes.
pub(crate) fn hash(row: &PgRow, column: &'static str) -> Result<Hash, LedgerError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes
        .try_into()
        .map_err(|_| LedgerError::Corrupt(format!("{column} has {} bytes", bytes.len())))
}
