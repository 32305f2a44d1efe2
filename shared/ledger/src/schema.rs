//! The tables of the ledger, and how they come into a database.

use std::borrow::Cow;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, SqlSafeStr};

/// The group role that every service's login role is a member of. It cannot log in; migrations
/// grant to it, so that they need not know the login's name.
pub const SERVICE_GROUP: &str = "signoff_service";

/// Why a database was not migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Two migrations have the same number.
    #[error("two migrations have the version {0}")]
    DuplicateVersion(i64),
    /// The database cannot be reached with the owner's URL.
    #[error("cannot connect to the database as its owner")]
    Connect(#[source] sqlx::Error),
    /// A migration failed, or the database has others than these.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
}

/// The ledger's own migrations, oldest first. A service's come after them.
fn migrations() -> Vec<Migration> {
    [
        (20_261_120_000_001, "trail", include_str!("../migrations/20261120000001_trail.sql")),
        (
            20_261_120_000_002,
            "idempotency",
            include_str!("../migrations/20261120000002_idempotency.sql"),
        ),
        (20_261_120_000_003, "gates", include_str!("../migrations/20261120000003_gates.sql")),
        (20_261_125_000_001, "closing", include_str!("../migrations/20261125000001_closing.sql")),
        (
            20_261_125_000_010,
            "details first",
            include_str!("../migrations/20261125000010_details_first.sql"),
        ),
        (20_261_126_200_001, "lz4", include_str!("../migrations/20261126200001_lz4.sql")),
    ]
    .map(|(version, description, sql)| {
        let description = Cow::Borrowed(description);
        Migration::new(version, description, MigrationType::Simple, sql.into_sql_str(), false)
    })
    .into()
}

/// The migrations of a service that keeps a trail: the ledger's tables, and its own.
pub fn with_ledger(service: Vec<Migration>) -> Vec<Migration> {
    let mut all = migrations();
    all.extend(service);
    all
}

/// Brings a service's database up to date by these migrations, whatever their order.
///
/// The database and its roles must be there (see [`crate::provision`]). Several callers at once
/// wait for each other.
///
/// # Errors
/// See [`MigrationError`].
pub async fn migrate(
    owner_url: &SecretString,
    mut all: Vec<Migration>,
) -> Result<(), MigrationError> {
    all.sort();
    if let Some(pair) = all.windows(2).find(|pair| pair[0].version == pair[1].version) {
        return Err(MigrationError::DuplicateVersion(pair[0].version));
    }
    let mut owner =
        PgConnection::connect(owner_url.expose_secret()).await.map_err(MigrationError::Connect)?;
    let migrated = Migrator::with_migrations(all).run_direct(None, &mut owner, false).await;
    // The migrator's lock ends with the connection; a failed farewell changes nothing.
    let _ = owner.close().await;
    Ok(migrated?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_number_is_given_once() {
        let error = migrate(&String::new().into(), with_ledger(migrations())).await.unwrap_err();
        assert!(matches!(error, MigrationError::DuplicateVersion(20_261_120_000_001)));
    }
}
