//! How a service reaches its database, and what it refuses to work with.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Row};
use uuid::Uuid;

use crate::pool::{self, Pool};

/// The oldest server that works, as `server_version_num`.
const OLDEST_SERVER: i32 = 150_000;

/// How often the server looks, while a statement runs, whether whoever asked is still there: what
/// nobody waits for any more must not hold its locks to the end.
const SERVER_LOOKS: &str = "1s";
/// From when on the server tries a connection that says nothing, how often, and how many times in
/// vain: what died without a word must not hold a session's locks for hours.
const SERVER_TRIES: [(&str, &str); 3] = [
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];

/// Sessions keep plans, also those of foreign keys and triggers, and the server makes them from what was known
/// of the tables at that time. A plan from a day of a few rows would read whole tables, for each row of a
/// bulk of a million. So tables are read by their indexes wherever there is one; and without an index, the
/// price of what is forbidden must not set off a compiler.
const PLANS: [(&str, &str); 2] = [("enable_seqscan", "off"), ("jit", "off")];

/// A running process of a service, as its connections name it to the database server. So others can
/// see whether it is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance(Uuid);

impl Instance {
    /// A new one.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Its connections' `application_name`.
    pub fn application_name(self) -> String {
        format!("signoff/{}", self.0)
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}

/// Limits of a service's connections.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// Whose they are.
    pub instance: Instance,
    /// How many connections at most. Many more than there are cores make it slower.
    pub max_connections: u32,
    /// How long to wait for a connection.
    pub acquire_timeout: Duration,
    /// How long a statement may wait for a lock.
    pub lock_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a transaction may wait for its next statement.
    pub idle_in_transaction_timeout: Duration,
    /// How long to wait for the last answer on a connection that nobody uses any more, before it is
    /// closed.
    pub patience: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            instance: Instance::new(),
            max_connections: 6,
            acquire_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(60),
            idle_in_transaction_timeout: Duration::from_secs(30),
            patience: Duration::from_secs(5),
        }
    }
}

impl PoolOptions {
    /// How long a step may take whose statements the server ends in time.
    pub(crate) fn longest_step(&self) -> Duration {
        self.statement_timeout + self.patience
    }
}

/// Why a database is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL cannot be read.
    #[error("the database URL is malformed")]
    Url(#[source] sqlx::Error),
    /// No connection, or none that answers.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// The server is a standby: it cannot be written to.
    #[error("the database server is a standby; the service needs the primary")]
    Standby,
    /// The server is too old.
    #[error("the database server has version {found}; 15 or newer is needed")]
    TooOld {
        /// Its `server_version`.
        found: String,
    },
    /// A forgotten prepared transaction would hold back the feed for ever.
    #[error("max_prepared_transactions is {found} on the database server; it must be 0")]
    PreparedTransactions {
        /// The setting.
        found: String,
    },
    /// The ledger's tables are not there, or this role may not use them.
    #[error("the database is not migrated, or the role is not a member of signoff_service")]
    NotMigrated(#[source] sqlx::Error),
    /// A role that owns the tables, or a superuser, could change what happened.
    #[error("the database role may change the trail; connect as the service's role")]
    Privileged,
    /// With a temporary table, a role can hide one of the same name.
    #[error(
        "the database role may make temporary tables, and must not; as administrator: \
         revoke temporary on database … from public"
    )]
    Temporary,
}

/// Whether the database answers.
///
/// # Errors
/// It does not, or there is no connection to be had.
pub async fn ping(pool: &Pool) -> Result<(), sqlx::Error> {
    sqlx::query("select 1").execute(&mut *pool.acquire().await?).await.map(drop)
}

/// Opens a service's pool, after a look at the server.
///
/// Every connection gets the limits and the epoch that it writes in. They are settings of the
/// session, so a pooler between service and server must pool sessions, not transactions.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(
    service_url: &SecretString,
    options: PoolOptions,
) -> Result<Pool, ConnectError> {
    let (target, mut first) = reach(service_url, options).await?;
    prepare(&mut first, options).await.map_err(|error| match &error {
        // undefined_function, insufficient_privilege
        sqlx::Error::Database(database)
            if matches!(database.code().as_deref(), Some("42883" | "42501")) =>
        {
            ConnectError::NotMigrated(error)
        }
        _ => ConnectError::Unreachable(error),
    })?;
    let (may_tamper, may_hide): (bool, bool) = sqlx::query_as(
        "select has_table_privilege('public.trail', 'update, delete, truncate'), \
         has_database_privilege(current_database(), 'temporary')",
    )
    .fetch_one(&mut first)
    .await
    .map_err(ConnectError::Unreachable)?;
    if may_tamper {
        return Err(ConnectError::Privileged);
    }
    if may_hide {
        return Err(ConnectError::Temporary);
    }
    first.close().await.map_err(ConnectError::Unreachable)?;
    let driver = pool::driver(options)
        .after_connect(move |connection, _| Box::pin(prepare(connection, options)));
    let pool = driver.connect_with(target).await.map_err(ConnectError::Unreachable)?;
    Ok(Pool::new(pool, options))
}

/// The same for a service that keeps no trail, in whose database the ledger's tables are not.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect_beside(
    service_url: &SecretString,
    options: PoolOptions,
) -> Result<Pool, ConnectError> {
    let (target, first) = reach(service_url, options).await?;
    first.close().await.map_err(ConnectError::Unreachable)?;
    let driver = pool::driver(options)
        .after_connect(move |connection, _| Box::pin(limit(connection, options)));
    let pool = driver.connect_with(target).await.map_err(ConnectError::Unreachable)?;
    Ok(Pool::new(pool, options))
}

/// How the database is reached, and a first connection to a server that would do no harm.
async fn reach(
    service_url: &SecretString,
    options: PoolOptions,
) -> Result<(PgConnectOptions, PgConnection), ConnectError> {
    let target = PgConnectOptions::from_str(service_url.expose_secret())
        .map_err(ConnectError::Url)?
        .application_name(&options.instance.application_name());
    let mut first = PgConnection::connect_with(&target).await.map_err(ConnectError::Unreachable)?;
    accept(look_at(&mut first).await.map_err(ConnectError::Unreachable)?)?;
    Ok((target, first))
}

/// What is asked of a server before it is used.
#[derive(Clone, Debug)]
struct Server {
    standby: bool,
    version_number: i32,
    version: String,
    max_prepared_transactions: String,
}

async fn look_at(connection: &mut PgConnection) -> Result<Server, sqlx::Error> {
    let row = sqlx::query(
        "select pg_is_in_recovery(), current_setting('server_version_num')::int, \
         current_setting('server_version'), current_setting('max_prepared_transactions')",
    )
    .fetch_one(connection)
    .await?;
    Ok(Server {
        standby: row.try_get(0)?,
        version_number: row.try_get(1)?,
        version: row.try_get(2)?,
        max_prepared_transactions: row.try_get(3)?,
    })
}

fn accept(server: Server) -> Result<(), ConnectError> {
    if server.version_number < OLDEST_SERVER {
        return Err(ConnectError::TooOld { found: server.version });
    }
    if server.standby {
        return Err(ConnectError::Standby);
    }
    if server.max_prepared_transactions != "0" {
        return Err(ConnectError::PreparedTransactions { found: server.max_prepared_transactions });
    }
    Ok(())
}

/// Sets limits and epoch. On a standby it fails, because the epoch is read from the position
/// that the server writes at: a pool never keeps a connection to one.
async fn prepare(connection: &mut PgConnection, options: PoolOptions) -> Result<(), sqlx::Error> {
    limit(connection, options).await?;
    sqlx::query("select set_config('signoff.epoch', signoff_epoch()::text, false)")
        .execute(connection)
        .await?;
    Ok(())
}

/// Sets limits: what the server ends by itself, whatever becomes of us.
pub(crate) async fn limit(
    connection: &mut PgConnection,
    options: PoolOptions,
) -> Result<(), sqlx::Error> {
    let limits = [
        ("lock_timeout", milliseconds(options.lock_timeout)),
        ("statement_timeout", milliseconds(options.statement_timeout)),
        ("idle_in_transaction_session_timeout", milliseconds(options.idle_in_transaction_timeout)),
        ("client_connection_check_interval", SERVER_LOOKS.to_owned()),
    ];
    let fixed = SERVER_TRIES.into_iter().chain(PLANS);
    let settings = limits.into_iter().chain(fixed.map(|(name, value)| (name, value.to_owned())));
    let (names, values): (Vec<&str>, Vec<String>) = settings.unzip();
    sqlx::query("select set_config(name, value, false) from unnest($1::text[], $2::text[]) as of (name, value)")
        .bind(names)
        .bind(values)
        .execute(connection)
        .await?;
    Ok(())
}

fn milliseconds(duration: Duration) -> String {
    duration.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_may_take_as_long_as_a_statement_and_its_last_answer() {
        let options = PoolOptions {
            statement_timeout: Duration::from_secs(7),
            patience: Duration::from_secs(2),
            ..PoolOptions::default()
        };
        assert_eq!(options.longest_step(), Duration::from_secs(9));
    }

    #[test]
    fn a_server_that_would_do_harm_is_refused() {
        let good = Server {
            standby: false,
            version_number: OLDEST_SERVER,
            version: "15.0".into(),
            max_prepared_transactions: "0".into(),
        };
        accept(good.clone()).unwrap();
        let refused = |server| accept(server).unwrap_err().to_string();
        let old = Server { version_number: 140_011, version: "14.11".into(), ..good.clone() };
        assert!(refused(old).contains("14.11"));
        assert!(refused(Server { standby: true, ..good.clone() }).contains("standby"));
        let prepared = Server { max_prepared_transactions: "64".into(), ..good };
        assert!(refused(prepared).contains("max_prepared_transactions is 64"));
    }
}
