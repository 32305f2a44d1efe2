//! A session, and the way into a command.

use std::str::FromStr as _;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};
use signoff_workflow::Workflow;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, Postgres, Row};
use uuid::Uuid;

use super::record::Author;

/// A session of the service's role.
#[derive(Debug)]
pub struct Floor {
    pub(super) conn: PgConnection,
}

/// What every command knows when it begins.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// The number and hash of the chain's last record.
    pub(super) head: (i64, Vec<u8>),
    /// The time of the command.
    pub(super) now: DateTime<Utc>,
}

/// What a command of versioning knows when it begins.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) start: Start,
    /// The line, its newest version's number and its newest item's.
    pub(super) line: Option<(i64, i32, i32)>,
    /// The newest version.
    pub(super) version: Option<Header>,
}

/// A header, as far as the floor needs it.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) version_id: Uuid,
    pub(super) number: i32,
    pub(super) state: String,
    pub(super) revision: i64,
    pub(super) total: i32,
    pub(super) pending: i32,
    pub(super) approved: i32,
    pub(super) rejected: i32,
    pub(super) carried: i32,
    pub(super) sources: i32,
    pub(super) created_by: i64,
}

/// Everything that a command must know, by indexes, in one statement: `$1` to `$4` are its workflow,
/// its phase and its request; what it must know beside that, each adds.
macro_rules! reading {
    ($columns:expr, $joins:expr) => {
        concat!(
            "select greatest(clock_timestamp(), t.recorded_at) as now, coalesce(t.seq, 0) as seq,
                 t.hash, k.request_id is not null as known,
                 w.cycle_id is null and g.opened_attempt is not null and g.stale_because is null
                     and g.reopening = 0 and not exists (
                         select from phase_holds h
                         where h.cycle_id = $1 and h.report_id = $2 and h.phase = $3) as open, ",
            $columns,
            "from (values (true)) as one (row)
             left join lateral (
                 select seq, hash, recorded_at from trail
                 where cycle_id = $1 and report_id = $2 order by seq desc limit 1
             ) t on true
             left join idempotency_keys k
                 on k.cycle_id = $1 and k.report_id = $2 and k.request_id = $4
             left join closed_workflows w on w.cycle_id = $1 and w.report_id = $2
             left join phase_gates g on g.cycle_id = $1 and g.report_id = $2 and g.phase = $3 ",
            $joins
        )
    };
}

pub(super) use reading;

const READ: &str = reading!(
    "l.line_no, l.last_number, l.last_item, v.version_id, v.state, v.revision, v.total, v.pending,
     v.approved, v.rejected, v.carried, v.sources, v.created_by ",
    "left join lines l on l.cycle_id = $1 and l.report_id = $2 and l.phase = $3
     left join versions v on v.line_no = l.line_no and v.number = l.last_number"
);

/// A query before it is sent.
pub(super) type Asked<'q> = Query<'q, Postgres, PgArguments>;

impl Floor {
    /// A new session.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn connect(url: &SecretString) -> Result<Self> {
        let options = PgConnectOptions::from_str(url.expose_secret())?.application_name("floor");
        let mut conn = options.connect().await?;
        conn.execute("select set_config('signoff.epoch', signoff_epoch()::text, false)").await?;
        Ok(Self { conn })
    }

    /// A new session in a database without a trail.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn connect_beside(url: &SecretString) -> Result<Self> {
        let options = PgConnectOptions::from_str(url.expose_secret())?.application_name("floor");
        Ok(Self { conn: options.connect().await? })
    }

    /// Its connection.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.conn
    }

    /// Begins a command: the workflow's lock, then everything that must be known, by a
    /// [`reading!`] whose own parameters `more` binds.
    pub(super) async fn start<'q>(
        &mut self,
        author: &'q Author,
        statement: &'static str,
        more: impl FnOnce(Asked<'q>) -> Asked<'q>,
    ) -> Result<(Start, PgRow)> {
        let workflow = author.workflow;
        let key = lock_key(workflow);
        let begin = format!("begin; select pg_advisory_xact_lock({key})");
        self.conn.execute(sqlx::raw_sql(AssertSqlSafe(begin))).await?;
        let query = sqlx::query(statement)
            .bind(workflow.cycle_id)
            .bind(workflow.report_id)
            .bind(author.method.phase)
            .bind(author.request_id);
        let row = more(query).fetch_one(&mut self.conn).await?;
        if row.try_get("known")? || row.try_get::<Option<bool>, _>("open")? != Some(true) {
            bail!("the phase is not open, or the request was here before");
        }
        let hash: Option<Vec<u8>> = row.try_get("hash")?;
        let head = (row.try_get("seq")?, hash.unwrap_or_else(|| vec![0; 32]));
        Ok((Start { head, now: row.try_get("now")? }, row))
    }

    /// Begins a command of versioning.
    pub(super) async fn begin(&mut self, author: &Author) -> Result<Known> {
        let (start, row) = self.start(author, READ, |query| query).await?;
        let line_no: Option<i64> = row.try_get("line_no")?;
        let line = match line_no {
            Some(line_no) => {
                Some((line_no, row.try_get("last_number")?, row.try_get("last_item")?))
            }
            None => None,
        };
        let version_id: Option<Uuid> = row.try_get("version_id")?;
        let version = match version_id.zip(line) {
            None => None,
            Some((version_id, (_, number, _))) => Some(Header {
                version_id,
                number,
                state: row.try_get("state")?,
                revision: row.try_get("revision")?,
                total: row.try_get("total")?,
                pending: row.try_get("pending")?,
                approved: row.try_get("approved")?,
                rejected: row.try_get("rejected")?,
                carried: row.try_get("carried")?,
                sources: row.try_get("sources")?,
                created_by: row.try_get("created_by")?,
            }),
        };
        Ok(Known { start, line, version })
    }

    /// Ends a command.
    pub(super) async fn commit(&mut self) -> Result<()> {
        self.conn.execute("commit").await?;
        Ok(())
    }
}

/// The number of a workflow's advisory lock, as the service computes it.
fn lock_key(workflow: Workflow) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(b"signoff-workflow-lock\0");
    hasher.update(workflow.cycle_id);
    hasher.update(workflow.report_id);
    let hash: [u8; 32] = hasher.finalize().into();
    hash[..8].iter().fold(0_i64, |key, byte| (key << 8) | i64::from(*byte))
}
