//! The metrics service alone, for those who run it without the operator's binary.

use clap::Parser;
use signoff_chassis::{shutdown, telemetry};
use signoff_metrics::{MetricsArgs, serve};

/// What the trails add up to, over gRPC.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    serve: MetricsArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(cli.serve.server.log_json)?;
    serve(cli.serve, shutdown::token(false)?).await
}
