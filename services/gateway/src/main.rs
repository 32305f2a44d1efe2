//! The gateway alone, for those who run it without the operator's binary.

use clap::Parser;
use signoff_chassis::{shutdown, telemetry};
use signoff_gateway::{GatewayArgs, serve};

/// The door for people and browsers: gRPC, grpc-web and HTTP on one port.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    serve: GatewayArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(cli.serve.log_json)?;
    serve(cli.serve, shutdown::token(false)?).await
}
