//! What the service is as a process.

use signoff_workflow::Phase;
use sqlx::migrate::Migration;
use tokio_util::sync::CancellationToken;

use crate::commands::Engine;

/// The phases that this service serves: all that are audited only.
pub const SERVED: [Phase; 3] = [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION];

/// The service's own migrations; the ledger's come beside them.
pub fn migrations() -> Vec<Migration> {
    use sqlx::migrate::MigrationType::Simple;
    use sqlx::{AssertSqlSafe, SqlSafeStr as _};

    [
        (20_261_126_100_000, "history", include_str!("../migrations/20261126100000_history.sql")),
        (20_261_126_100_100, "subjects", include_str!("../migrations/20261126100100_subjects.sql")),
        (20_261_126_100_200, "guards", include_str!("../migrations/20261126100200_guards.sql")),
        (20_261_127_100_000, "records", include_str!("../migrations/20261127100000_records.sql")),
    ]
    .into_iter()
    .map(|(version, name, sql)| {
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(version, name.into(), Simple, sql, false)
    })
    .collect()
}

/// What the service is told.
pub type ServeArgs = signoff_backend::serve::ServeArgs<()>;

/// The service, put together and bound to its address.
pub type Service = signoff_backend::serve::Service<Engine>;

/// Serves until `shutdown`.
///
/// # Errors
/// What [`Service::prepare`] and [`Service::run`] say.
pub async fn serve(args: ServeArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    signoff_backend::serve::serve::<Engine>(args, shutdown).await
}
