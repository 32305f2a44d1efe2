//! The gateway as a process of its own, for the tests that kill it or look at its memory.

use clap::Parser;
use signoff_chassis::{shutdown, telemetry};
use signoff_gateway::{GatewayArgs, serve};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    serve: GatewayArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(cli.serve.log_json)?;
    // Ends with the test, even if that one is killed.
    serve(cli.serve, shutdown::token(true)?).await
}
