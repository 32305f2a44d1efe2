//! `signoff up`: everything on this machine, until Ctrl-C.

use std::path::Path;

use anyhow::{Context, Result};
use signoff_chassis::{shutdown, telemetry};

use super::data_folder;
use crate::{
    cli::UpArgs,
    output::{self, Format},
    stack::{Endpoints, Home, Logs, Stack, UpOptions},
};

/// Starts everything, prints the endpoints, and waits for Ctrl-C, SIGTERM or a failure.
pub(crate) async fn run(args: UpArgs) -> Result<()> {
    telemetry::init(false)?;
    let options = UpOptions {
        home: Home::Folder { path: data_folder(args.data)?, database_url: args.database_url },
        ports: args.ports,
        program: std::env::current_exe().context("cannot find this program's own file")?,
        logs: Logs::Stderr,
    };
    let stop = shutdown::token(false)?;
    let stack = tokio::select! {
        started = Stack::start(options) => started?,
        () = stop.cancelled() => return Ok(()),
    };
    print(args.output, &stack.endpoints().without_password(), stack.data())?;
    let failed = tokio::select! {
        () = stop.cancelled() => Ok(()),
        error = stack.failed() => Err(error),
    };
    let stopped = stack.stop().await;
    // Why it ended says more than what went wrong with the ending.
    failed.and(stopped)
}

fn print(format: Format, endpoints: &Endpoints, data: &Path) -> Result<()> {
    if format == Format::Json {
        return output::json(endpoints);
    }
    output::line("Signoff is running. Ctrl-C stops it.");
    for (service, address) in &endpoints.services {
        output::line(&format!("  {service:<12} {address}"));
    }
    output::line(&format!("  {:<12} http://{}/metrics", "numbers", endpoints.http));
    output::line(&format!("  {:<12} {}", "database", endpoints.database));
    output::line(&format!("  {:<12} {}", "data", data.display()));
    Ok(())
}
