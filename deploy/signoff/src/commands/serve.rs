//! `signoff serve`: one service.

use anyhow::{Context, Result};
use signoff_chassis::{shutdown, telemetry};
use signoff_ledger::migrate;

use crate::cli::serve::{Job, ServeArgs, Service};

/// Runs one service until it is told to stop, or brings its database up to date.
pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    match args.service {
        Service::Versioning(service) => match service.job {
            Job::Migrate { owner_url } => migrate(&owner_url, signoff_versioning::migrations())
                .await
                .context("cannot bring the database of versioning up to date"),
            Job::Serve(args) => {
                telemetry::init(args.server.log_json)?;
                let stop = shutdown::token(service.stop_with_stdin)?;
                signoff_versioning::serve(args, stop).await
            }
        },
    }
}
