//! What the service is as a process.

use std::time::Duration;

use signoff_workflow::Phase;
use sqlx::migrate::Migration;
use tokio_util::sync::CancellationToken;

use crate::commands::Engine;
use crate::executions::AuditArgs;

/// The phases that this service serves: all that have versions.
pub const SERVED: [Phase; 6] = [
    Phase::PLANNING,
    Phase::DATA_PROFILING,
    Phase::SCOPING,
    Phase::SAMPLE_SELECTION,
    Phase::OBSERVATION_MANAGEMENT,
    Phase::FINALIZE_TEST_REPORT,
];

/// How often it is looked for imports whose process is gone.
pub(crate) const CLEAR: Duration = Duration::from_secs(10);

/// The service's own migrations; the ledger's come beside them.
pub fn migrations() -> Vec<Migration> {
    use sqlx::migrate::MigrationType::Simple;
    use sqlx::{AssertSqlSafe, SqlSafeStr as _};

    [
        (20_261_120_110_000, "versions", include_str!("../migrations/20261120110000_versions.sql")),
        (20_261_120_110_100, "guards", include_str!("../migrations/20261120110100_guards.sql")),
        (20_261_125_130_000, "staging", include_str!("../migrations/20261125130000_staging.sql")),
        (
            20_261_125_120_000,
            "sign offs",
            include_str!("../migrations/20261125120000_sign_offs.sql"),
        ),
        (20_261_125_120_100, "facts", include_str!("../migrations/20261125120100_facts.sql")),
    ]
    .into_iter()
    .map(|(version, name, sql)| {
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(version, name.into(), Simple, sql, false)
    })
    .collect()
}

/// What the service is told.
pub type ServeArgs = signoff_backend::serve::ServeArgs<AuditArgs>;

/// The service, put together and bound to its address.
pub type Service = signoff_backend::serve::Service<Engine>;

/// Serves until `shutdown`.
///
/// # Errors
/// What [`Service::prepare`] and [`Service::run`] say.
pub async fn serve(args: ServeArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    signoff_backend::serve::serve::<Engine>(args, shutdown).await
}
