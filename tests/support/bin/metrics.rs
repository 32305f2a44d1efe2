//! The metrics service as a process of its own, for the tests that kill it.

use clap::Parser;
use signoff_chassis::{shutdown, telemetry};
use signoff_metrics::{MetricsArgs, serve};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    serve: MetricsArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(cli.serve.server.log_json)?;
    // Ends with the test, even if that one is killed.
    serve(cli.serve, shutdown::token(true)?).await
}
