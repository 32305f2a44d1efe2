//! The least that a read can be: one tonic method over one row by its primary key, in sqlx, with
//! a pool as large as the service's. No token, no scope, no log, no deadline.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::task::{Context, Poll};

use anyhow::Result;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use signoff_contract::versioning::v1 as wire;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Row as _};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// The path of the one method.
pub const PATH: &str = "/bench.v1.BareService/Get";

/// What it is told: the same as the service, of which it needs less.
#[derive(Clone, Debug, clap::Args)]
pub struct BareArgs {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
    /// Not looked at.
    #[arg(long)]
    jwks: PathBuf,
    /// The database.
    #[arg(long, env = "SIGNOFF_DATABASE_URL", hide_env_values = true)]
    database_url: SecretString,
    /// How many connections to the database at most.
    #[arg(long, default_value_t = 6)]
    database_connections: u32,
}

/// Serves until `shutdown`.
///
/// # Errors
/// The address or the database cannot be used.
pub async fn serve(args: BareArgs, shutdown: CancellationToken) -> Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(args.database_connections)
        .connect(args.database_url.expose_secret())
        .await?;
    tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .add_service(Bare(pool))
        .serve_with_shutdown(args.listen, shutdown.cancelled_owned())
        .await?;
    Ok(())
}

#[derive(Clone)]
struct Bare(PgPool);

impl NamedService for Bare {
    const NAME: &'static str = "bench.v1.BareService";
}

impl Service<http::Request<Body>> for Bare {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let get = Get(self.0.clone());
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(get, request).await) })
    }
}

/// The version with this primary key.
struct Get(PgPool);

impl UnaryService<wire::GetVersionRequest> for Get {
    type Response = wire::GetVersionResponse;
    type Future = BoxFuture<'static, Result<Response<Self::Response>, Status>>;

    fn call(&mut self, request: Request<wire::GetVersionRequest>) -> Self::Future {
        let pool = self.0.clone();
        Box::pin(async move {
            let version = read(&pool, request.get_ref()).await;
            let version = Some(version.map_err(|error| Status::internal(error.to_string()))?);
            Ok(Response::new(wire::GetVersionResponse { version }))
        })
    }
}

async fn read(pool: &PgPool, request: &wire::GetVersionRequest) -> Result<wire::Version> {
    // `LINE/NUMBER`, the primary key.
    let (line_no, number) = request.version_id.split_once('/').unwrap_or_default();
    let row = sqlx::query(
        "select version_id, state, revision, total, created_by from versions
         where line_no = $1 and number = $2",
    )
    .bind(line_no.parse::<i64>()?)
    .bind(number.parse::<i32>()?)
    .fetch_one(pool)
    .await?;
    let version_id: uuid::Uuid = row.try_get("version_id")?;
    let revision: i64 = row.try_get("revision")?;
    let total = row.try_get("total")?;
    Ok(wire::Version {
        version_id: version_id.to_string(),
        number: number.parse()?,
        etag: revision.to_string(),
        counts: Some(wire::VersionCounts { total, ..Default::default() }),
        created_by: row.try_get("created_by")?,
        creation_notes: row.try_get("state")?,
        ..Default::default()
    })
}
