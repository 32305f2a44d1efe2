//! What an import brings, before it becomes items: written in short pieces beforehand, then turned
//! into items by one statement.

use std::fmt;

use sha2::{Digest, Sha256};
use signoff_ledger::{Instance, Pool};
use sqlx::{Executor as _, PgConnection, Row};
use uuid::Uuid;

use super::contents::Maker;
use super::copy::Rows;
use crate::domain::error::Error;
use crate::domain::item::Recommendation;
use crate::domain::payload::canonical;
use crate::domain::states::Source;
use crate::domain::version::Version;

const COPY: &str = "copy staged_items (import_id, row_no, item_key, payload, payload_schema, content_hash, \
                    counted, source, reason, reason_hash, metadata, metadata_hash) \
                    from stdin with (format binary)";
/// How many columns that are.
const COLUMNS: i16 = 12;

/// A part of an import, ready to be written.
#[derive(Debug, Default)]
pub struct Batch {
    rows: Rows,
    /// How many rows it has.
    pub count: usize,
    /// How many of them count for the version's derived total.
    pub counted: i32,
    /// The sources of the rows: one bit each.
    pub sources: i32,
    /// What tells these rows from others, however the stream was cut into messages.
    pub fingerprint: Vec<u8>,
}

impl Batch {
    /// Adds what is put forward in row `row_no` of an import.
    pub fn push(&mut self, import_id: Uuid, row_no: i32, item: &Recommendation) {
        let content = &item.content;
        let reason_hash = item.reason.as_ref().map(Sha256::digest);
        let metadata_hash = item.metadata.as_ref().map(canonical::hash);
        let rows = &mut self.rows;
        rows.row(COLUMNS);
        rows.id(import_id);
        rows.integer(row_no);
        rows.bytes(content.item_key.as_bytes());
        rows.json(&content.body);
        rows.small(content.schema);
        rows.bytes(&content.hash);
        rows.flag(content.counted);
        rows.small(item.source.code());
        rows.or_null(item.reason.as_deref(), |rows, reason| rows.bytes(reason.as_bytes()));
        rows.or_null(reason_hash.as_deref(), Rows::bytes);
        rows.or_null(item.metadata.as_ref(), Rows::json);
        rows.or_null(metadata_hash.as_ref(), |rows, hash| rows.bytes(hash));

        self.count += 1;
        self.counted += i32::from(content.counted);
        self.sources |= item.source.bit();
        self.fingerprint.extend_from_slice(&Sha256::digest(&content.item_key));
        self.fingerprint.extend_from_slice(&content.hash);
        self.fingerprint.extend_from_slice(&item.source.code().to_be_bytes());
        for hash in [reason_hash.as_deref(), metadata_hash.as_ref().map(<[u8; 32]>::as_slice)] {
            self.fingerprint.extend_from_slice(hash.unwrap_or(&[0; 32]));
        }
    }

    /// How long it is as it is sent to the database, in bytes.
    pub fn bytes(&self) -> usize {
        self.rows.len()
    }
}

/// Notes that an import begins.
pub async fn begin(pool: &Pool, import_id: Uuid, instance: Instance) -> Result<(), Error> {
    sqlx::query("insert into imports (import_id, instance) values ($1, $2)")
        .bind(import_id)
        .bind(instance.application_name())
        .execute(&mut *pool.acquire().await?)
        .await?;
    Ok(())
}

/// Writes parts of an import. To be awaited to its end: a connection that is left in the middle of
/// it is of no use to anybody.
pub async fn write(pool: &Pool, batches: Vec<Batch>) -> Result<(), Error> {
    let rows: Vec<Rows> = batches.into_iter().map(|batch| batch.rows).collect();
    let written = async {
        let mut connection = pool.acquire().await?;
        let mut copy = connection.copy_in_raw(COPY).await?;
        copy.send(Rows::stream(&rows)).await?;
        copy.finish().await?;
        Ok(())
    };
    pool.within(written).await
}

/// Forgets an import, its note last: as long as that is there, what is left is found. Alone there, it
/// leaves nothing to be vacuumed.
pub async fn clear(pool: &Pool, import_id: Uuid) -> Result<(), Error> {
    pool.within(clear_rows(pool, import_id)).await
}

async fn clear_rows(pool: &Pool, import_id: Uuid) -> Result<(), Error> {
    if !clear_alone(pool, import_id).await? {
        let mut connection = pool.acquire().await?;
        for delete in [
            "delete from staged_known where import_id = $1",
            "delete from staged_items where import_id = $1",
            "delete from imports where import_id = $1",
        ] {
            sqlx::query(delete).bind(import_id).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Whether it was the only import, and everything is gone.
async fn clear_alone(pool: &Pool, import_id: Uuid) -> Result<bool, Error> {
    let mut transaction = pool.begin().await?;
    // Whoever begins while this holds the lock waits with their first rows.
    let lock = "lock table staged_items, staged_known in access exclusive mode nowait";
    let locked = transaction.execute(lock).await;
    let others = "select exists (select from imports where import_id <> $1)";
    let alone = locked.is_ok()
        && !sqlx::query_scalar::<_, bool>(others)
            .bind(import_id)
            .fetch_one(&mut *transaction)
            .await?;
    if !alone {
        transaction.roll_back().await?;
        return Ok(false);
    }
    transaction.execute("truncate staged_items, staged_known").await?;
    sqlx::query("delete from imports where import_id = $1")
        .bind(import_id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

/// The imports whose process is gone.
pub async fn abandoned(pool: &Pool) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "select import_id from imports
         where instance not in (
             select application_name from pg_stat_activity where datname = current_database())",
    )
    .fetch_all(&mut *pool.acquire().await?)
    .await?)
}

/// A row whose key is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubled {
    /// Its place in the stream.
    pub row_no: i32,
    /// Its key.
    pub item_key: String,
    /// Whether the version holds the key; else an earlier row does.
    pub held: bool,
}

impl fmt::Display for Doubled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row_no, item_key, held } = self;
        let place = if *held { "in the version already" } else { "there twice in this import" };
        write!(f, "row {row_no}: {item_key} is {place}")
    }
}

/// How many rows of an import are there, and how many keys come more than once.
pub async fn count(conn: &mut PgConnection, import_id: Uuid) -> Result<(i64, i64), Error> {
    let row = sqlx::query(
        "select coalesce(sum(n), 0)::bigint as rows, count(*) filter (where n > 1) as doubled
         from (select count(*) as n from staged_items where import_id = $1 group by item_key) k",
    )
    .bind(import_id)
    .fetch_one(conn)
    .await?;
    Ok((row.try_get("rows")?, row.try_get("doubled")?))
}

/// Finds out which rows have keys that the line knows, and how they stand in its open version: how
/// many, and how many of them the version holds.
pub async fn match_known(
    conn: &mut PgConnection,
    version: &Version,
    import_id: Uuid,
) -> Result<(i32, i64), Error> {
    let row = sqlx::query(
        "with known as (
             insert into staged_known (import_id, row_no, item_no, rev, present, ended_ruling, previous_version)
             select s.import_id, s.row_no, k.item_no,
                 (select max(x.rev) + 1 from items x where x.line_no = $1 and x.item_no = k.item_no),
                 case
                     when r.state is null then exists (
                         select from items c
                         where c.line_no = $1 and c.item_no = k.item_no and c.introduced_in = $2)
                     when r.state in (1, 2) then true
                     else r.state in (3, 4) and r.from_version = $2
                 end,
                 r.seq,
                 (select x.from_version from rulings x
                  where x.line_no = $1 and x.item_no = k.item_no and x.state = 3
                      and x.from_version < $2 and x.to_version > x.from_version
                  order by x.seq desc limit 1)
             from staged_items s
             join items k on k.line_no = $1 and k.rev = 1 and k.item_key = s.item_key
             left join lateral (
                 select x.seq, x.state, x.from_version from rulings x
                 where x.line_no = $1 and x.item_no = k.item_no and x.to_version = 2147483647
                 limit 1
             ) r on true
             where s.import_id = $3
             returning present)
         select count(*)::integer as known, count(*) filter (where present) as held from known",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(import_id)
    .fetch_one(conn)
    .await?;
    Ok((row.try_get("known")?, row.try_get("held")?))
}

/// The first rows whose keys are there already, in the order of the stream, and how many there are.
pub async fn doubled(
    conn: &mut PgConnection,
    import_id: Uuid,
    limit: i64,
) -> Result<(Vec<Doubled>, i64), Error> {
    let rows = sqlx::query(
        "select s.row_no, s.item_key, s.row_no = f.first_row as held, count(*) over () as total
         from staged_items s
         join (select item_key, min(row_no) as first_row from staged_items
               where import_id = $1 group by item_key) f using (item_key)
         left join staged_known k on k.import_id = $1 and k.row_no = s.row_no
         where s.import_id = $1 and (s.row_no > f.first_row or k.present)
         order by s.row_no limit $2",
    )
    .bind(import_id)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let total = rows.first().map_or(Ok(0), |row| row.try_get("total"))?;
    let doubled = rows
        .iter()
        .map(|row| {
            Ok(Doubled {
                row_no: row.try_get("row_no")?,
                item_key: row.try_get("item_key")?,
                held: row.try_get("held")?,
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok((doubled, total))
}

/// Ends the rulings that are in force for the known keys: their contents are new.
pub async fn end_rulings(
    conn: &mut PgConnection,
    version: &Version,
    import_id: Uuid,
) -> Result<(), Error> {
    sqlx::query(
        "update rulings set to_version = $2
         from staged_known k
         where k.import_id = $3 and rulings.line_no = $1 and rulings.item_no = k.item_no
             and rulings.seq = k.ended_ruling",
    )
    .bind(version.line_no)
    .bind(version.number)
    .bind(import_id)
    .execute(conn)
    .await?;
    Ok(())
}

/// The rows of an import, each with its item: where the line knows no key, `$2` and the row's place
/// together; otherwise new keys are counted. `$1` is the import.
macro_rules! numbered_rows {
    (new: $before:literal, $behind:literal) => {
        concat!(
            $before,
            "(select s.*, $2 + s.row_no as item_no, 1 as rev, null::integer as ended_ruling,
                 null::integer as previous_version
              from staged_items s where s.import_id = $1) s",
            $behind
        )
    };
    (known: $before:literal, $behind:literal) => {
        concat!(
            $before,
            "(select s.*,
                 coalesce(
                     k.item_no,
                     $2 + row_number() over (partition by k.item_no is null order by s.row_no)
                 )::integer as item_no,
                 coalesce(k.rev, 1) as rev, k.ended_ruling, k.previous_version
              from staged_items s left join staged_known k using (import_id, row_no)
              where s.import_id = $1) s",
            $behind
        )
    };
    ($known:expr, $before:literal, $behind:literal) => {
        if $known {
            sqlx::query(numbered_rows!(known: $before, $behind))
        } else {
            sqlx::query(numbered_rows!(new: $before, $behind))
        }
    };
}

/// What becomes of an import's rows: whose they are, and from where their items are numbered.
#[derive(Clone, Copy, Debug)]
pub struct Numbering {
    /// The import.
    pub import_id: Uuid,
    /// The newest item of the line.
    pub last_item: i32,
    /// Whether the line knows any of the keys.
    pub known: bool,
}

/// Puts all rows forward in the open version.
pub async fn put(
    conn: &mut PgConnection,
    version: &Version,
    rows: Numbering,
    maker: Maker,
) -> Result<(), Error> {
    numbered_rows!(
        rows.known,
        "insert into items (
             line_no, item_no, rev, item_key, introduced_in, payload, payload_schema, content_hash,
             counted, source, recommended_by, recommended_at, recommendation_reason,
             recommendation_metadata, contributed, previous_version, occurred_at, recorded_at, origin)
         select $3, s.item_no, s.rev, s.item_key, $4, s.payload, s.payload_schema, s.content_hash,
             s.counted, s.source, $5, $6, s.reason, s.metadata, $7, s.previous_version, $6, $6, 'native'
         from ",
        ""
    )
    .bind(rows.import_id)
    .bind(rows.last_item)
    .bind(version.line_no)
    .bind(version.number)
    .bind(maker.user_id)
    .bind(maker.at)
    .bind(maker.contributed)
    .execute(conn)
    .await?;
    Ok(())
}

/// A row that became an item, as far as the trail tells of it.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The item.
    pub item_no: i32,
    /// Which content of it.
    pub rev: i32,
    /// Its key.
    pub item_key: String,
    /// The hash of its content.
    pub content_hash: Vec<u8>,
    /// Where it comes from.
    pub source: Source,
    /// The ruling that it ended.
    pub ended_ruling: Option<i32>,
    /// The hash of its reason.
    pub reason_hash: Option<Vec<u8>>,
    /// The hash of its metadata.
    pub metadata_hash: Option<Vec<u8>>,
}

/// Begins to read the rows of an import, from beginning to end.
pub async fn open_imported(conn: &mut PgConnection, rows: Numbering) -> Result<(), Error> {
    numbered_rows!(
        rows.known,
        "declare imported no scroll cursor for
         select s.item_no, s.rev, s.item_key, s.content_hash, s.source, s.ended_ruling, s.reason_hash,
             s.metadata_hash
         from ",
        ""
    )
    .bind(rows.import_id)
    .bind(rows.last_item)
    .execute(conn)
    .await?;
    Ok(())
}

/// The next ones; none at the end.
pub async fn next_imported(conn: &mut PgConnection) -> Result<Vec<Imported>, Error> {
    sqlx::query("fetch 4000 from imported")
        .fetch_all(conn)
        .await?
        .iter()
        .map(|row| {
            Ok(Imported {
                item_no: row.try_get("item_no")?,
                rev: row.try_get("rev")?,
                item_key: row.try_get("item_key")?,
                content_hash: row.try_get("content_hash")?,
                source: Source::coded(row.try_get("source")?)?,
                ended_ruling: row.try_get("ended_ruling")?,
                reason_hash: row.try_get("reason_hash")?,
                metadata_hash: row.try_get("metadata_hash")?,
            })
        })
        .collect()
}
