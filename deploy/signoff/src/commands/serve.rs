//! `signoff serve`: one service.

use anyhow::{Context, Result};
use secrecy::SecretString;
use signoff_chassis::{shutdown, telemetry};
use signoff_ledger::{migrate, with_ledger};
use sqlx::migrate::Migration;

use crate::cli::serve::{Job, ServeArgs, Service};

/// Runs one service until it is told to stop, or brings its database up to date.
pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    match args.service {
        Service::Versioning(service) => match service.job {
            Job::Migrate { owner_url } => {
                bring_up_to_date(
                    &owner_url,
                    "versioning",
                    with_ledger(signoff_versioning::migrations()),
                )
                .await
            }
            Job::Serve(args) => {
                telemetry::init(args.server.log_json)?;
                let stop = shutdown::token(service.stop_with_stdin)?;
                signoff_versioning::serve(args, stop).await
            }
        },
        Service::Audit(service) => match service.job {
            Job::Migrate { owner_url } => {
                bring_up_to_date(&owner_url, "audit", with_ledger(signoff_audit::migrations()))
                    .await
            }
            Job::Serve(args) => {
                telemetry::init(args.server.log_json)?;
                let stop = shutdown::token(service.stop_with_stdin)?;
                signoff_audit::serve(args, stop).await
            }
        },
        Service::Gateway(service) => match service.job {
            Job::Migrate { owner_url } => {
                bring_up_to_date(&owner_url, "gateway", with_ledger(signoff_gateway::migrations()))
                    .await
            }
            Job::Serve(args) => {
                telemetry::init(args.log_json)?;
                let stop = shutdown::token(service.stop_with_stdin)?;
                signoff_gateway::serve(args, stop).await
            }
        },
        Service::Metrics(service) => match service.job {
            Job::Migrate { owner_url } => {
                bring_up_to_date(&owner_url, "metrics", signoff_metrics::migrations()).await
            }
            Job::Serve(args) => {
                telemetry::init(args.server.log_json)?;
                let stop = shutdown::token(service.stop_with_stdin)?;
                signoff_metrics::serve(args, stop).await
            }
        },
    }
}

async fn bring_up_to_date(
    owner_url: &SecretString,
    service: &str,
    migrations: Vec<Migration>,
) -> Result<()> {
    migrate(owner_url, migrations)
        .await
        .with_context(|| format!("cannot bring the database of {service} up to date"))
}
