//! TEMPORARY
#![allow(missing_docs)]
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    #[arg(long, env = "SIGNOFF_LISTEN")]
    pub listen: SocketAddr,
    #[arg(long, env = "SIGNOFF_JWKS")]
    pub jwks: std::path::PathBuf,
    #[arg(long, env = "SIGNOFF_DATABASE_URL", hide_env_values = true)]
    pub database_url: secrecy::SecretString,
}
pub async fn serve(args: ServeArgs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
    tonic::transport::Server::builder()
        .add_service(service)
        .serve_with_shutdown(args.listen, shutdown.cancelled_owned())
        .await?;
    Ok(())
}
pub fn migrations() -> Vec<sqlx::migrate::Migration> {
    vec![]
}
