//! The roles and the database of one service, made by an administrator.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

/// Provisioning takes this advisory lock: roles belong to the whole cluster.
const LOCK: i64 = 0x5349_474e_4f46_4600;

/// A role that can log in.
#[derive(Clone, Debug)]
pub struct Login {
    /// Its name.
    pub role: String,
    /// Its password.
    pub password: SecretString,
}

/// What a service needs on a cluster.
#[derive(Clone, Debug)]
pub struct Provision {
    /// The name of its database.
    pub database: String,
    /// Owns the database and migrates it; never serves.
    pub owner: Login,
    /// Serves; owns nothing.
    pub service: Login,
}

/// How to reach a provisioned database.
#[derive(Clone, Debug)]
pub struct DatabaseUrls {
    /// As its owner.
    pub owner: SecretString,
    /// As its service.
    pub service: SecretString,
}

/// Why a database was not provisioned.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The URL cannot be read.
    #[error("the administrator's database URL is malformed")]
    Url(#[source] sqlx::Error),
    /// Owner and service are to be told apart.
    #[error("owner and service must be different roles")]
    SameRole,
    /// No connection as administrator.
    #[error("cannot connect to the database server as its administrator")]
    Connect(#[source] sqlx::Error),
    /// A statement failed, perhaps for want of rights.
    #[error("the roles or the database could not be made")]
    Statement(#[source] sqlx::Error),
}

const ROLES: &str = "do $$
declare
    owner constant text := current_setting('signoff.owner');
    service constant text := current_setting('signoff.service');
    role text;
begin
    foreach role in array array['signoff_service', owner, service] loop
        begin
            execute format('create role %I', role);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
    execute format('alter role %I login password %L', owner,
        current_setting('signoff.owner_password'));
    execute format('alter role %I login password %L', service,
        current_setting('signoff.service_password'));
    execute format('grant signoff_service to %I', service);
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant %I to current_user', owner);
    end if;
end $$";

const RIGHTS: &str = "do $$
declare
    database constant text := current_database();
    owner constant text := current_setting('signoff.owner');
    service constant text := current_setting('signoff.service');
begin
    execute format('alter database %I owner to %I', database, owner);
    execute format('revoke all on database %I from public', database);
    execute format('grant connect on database %I to %I', database, service);
    revoke all on schema public from public;
    grant usage on schema public to signoff_service;
end $$";

/// Makes the group role, both login roles and the database, as far as they are not there; sets
/// the passwords and the rights in any case. Several calls at once, for one or for several
/// databases of a cluster, wait for each other.
///
/// The administrator must be allowed to create roles and databases; a superuser need not be.
///
/// # Errors
/// See [`ProvisionError`].
pub async fn provision(
    admin_url: &SecretString,
    wanted: &Provision,
) -> Result<DatabaseUrls, ProvisionError> {
    if wanted.owner.role == wanted.service.role {
        return Err(ProvisionError::SameRole);
    }
    // Statements with passwords in them are not for the log.
    let admin = PgConnectOptions::from_str(admin_url.expose_secret())
        .map_err(ProvisionError::Url)?
        .disable_statement_logging();
    let mut cluster = PgConnection::connect_with(&admin).await.map_err(ProvisionError::Connect)?;
    let made = make(&mut cluster, &admin, wanted).await.map_err(ProvisionError::Statement);
    // The lock ends with the connection; a failed farewell changes nothing.
    let _ = cluster.close().await;
    made?;
    let url = |login: &Login| {
        let target = admin
            .clone()
            .database(&wanted.database)
            .username(&login.role)
            .password(login.password.expose_secret());
        SecretString::from(target.to_url_lossy().to_string())
    };
    Ok(DatabaseUrls { owner: url(&wanted.owner), service: url(&wanted.service) })
}

async fn make(
    cluster: &mut PgConnection,
    admin: &PgConnectOptions,
    wanted: &Provision,
) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut *cluster).await?;
    set_names(cluster, wanted).await?;
    cluster.execute(ROLES).await?;
    // Keys are compared as bytes, the same on every machine.
    let create: Option<String> = sqlx::query_scalar(
        "select format('create database %I owner %I template template0 encoding ''UTF8'' \
         lc_collate ''C''', $1, $2) where not exists (select from pg_database where datname = $1)",
    )
    .bind(&wanted.database)
    .bind(&wanted.owner.role)
    .fetch_optional(&mut *cluster)
    .await?;
    if let Some(create) = create {
        cluster.execute(AssertSqlSafe(create)).await?;
    }
    let inside = admin.clone().database(&wanted.database);
    let mut database = PgConnection::connect_with(&inside).await?;
    set_names(&mut database, wanted).await?;
    database.execute(RIGHTS).await?;
    database.close().await
}

/// Hands names and passwords over as values: the server does the quoting.
async fn set_names(connection: &mut PgConnection, wanted: &Provision) -> Result<(), sqlx::Error> {
    sqlx::query(
        "select set_config('signoff.owner', $1, false), \
         set_config('signoff.owner_password', $2, false), \
         set_config('signoff.service', $3, false), \
         set_config('signoff.service_password', $4, false)",
    )
    .bind(&wanted.owner.role)
    .bind(wanted.owner.password.expose_secret())
    .bind(&wanted.service.role)
    .bind(wanted.service.password.expose_secret())
    .execute(connection)
    .await?;
    Ok(())
}
