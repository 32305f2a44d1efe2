//! The audit service alone, for those who run it without the operator's binary.

use clap::Parser;
use signoff_audit::{ServeArgs, serve};
use signoff_chassis::{shutdown, telemetry};

/// The three audit-only phases over gRPC.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    serve: ServeArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(cli.serve.server.log_json)?;
    serve(cli.serve, shutdown::token(false)?).await
}
