//! Asks a running system as an auditor would: at its gateway.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use signoff_chassis::identity::{SigningKey, TokenClaims};
use signoff_contract::convert::workflow_to_wire;
use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_ledger::Source;
use signoff_workflow::{Role, Workflow};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use super::data_folder;
use crate::stack::{provider_key, running_endpoints};

/// How long a token is good for: it is shown once, at once.
const TOKEN_LIFE: Duration = Duration::from_secs(30);
/// Who asks. Reading leaves no trace in a trail.
const USER: i64 = 1;

/// A connection to the gateway, for the chain that one service keeps.
pub(super) struct Auditor {
    source: Source,
    workflow: Workflow,
    key: SigningKey,
    client: TrailServiceClient<Channel>,
}

impl Auditor {
    /// Connects to the gateway of the system that runs on a data folder.
    pub(super) async fn of(
        source: Source,
        (cycle_id, report_id): (uuid::Uuid, uuid::Uuid),
        data: Option<PathBuf>,
    ) -> Result<Self> {
        let folder = data_folder(data)?;
        let channel = gateway_of(&folder).await?;
        Ok(Self {
            source,
            workflow: Workflow { cycle_id, report_id },
            key: provider_key(&folder)?,
            client: TrailServiceClient::new(channel),
        })
    }

    /// Has the service verify the chain and the rows that it speaks of.
    pub(super) async fn verify(&mut self) -> Result<feed::VerifyTrailResponse> {
        let wanted = feed::VerifyTrailRequest {
            scope: Some(workflow_to_wire(self.workflow)),
            source: self.source_to_wire().into(),
        };
        let request = self.signed(wanted)?;
        Ok(self
            .client
            .verify_trail(request)
            .await
            .map_err(|status| self.refused(&status))?
            .into_inner())
    }

    /// The chain as a file, piece by piece.
    pub(super) async fn export(&mut self) -> Result<Streaming<feed::ExportTrailResponse>> {
        let wanted = feed::ExportTrailRequest {
            scope: Some(workflow_to_wire(self.workflow)),
            source: self.source_to_wire().into(),
        };
        let request = self.signed(wanted)?;
        Ok(self
            .client
            .export_trail(request)
            .await
            .map_err(|status| self.refused(&status))?
            .into_inner())
    }

    /// What a refusal or a failure of the service means here.
    pub(super) fn refused(&self, status: &Status) -> anyhow::Error {
        anyhow!(
            "the service {} answers {:?}: {}",
            self.source.name(),
            status.code(),
            status.message()
        )
    }

    /// A request with a token that is good for reading this workflow.
    fn signed<R>(&self, wanted: R) -> Result<Request<R>> {
        let claims = claims().on(self.workflow);
        let mut request = Request::new(wanted);
        let token = format!("Bearer {}", self.key.sign_token(&claims)?);
        request.metadata_mut().insert("authorization", token.parse()?);
        Ok(request)
    }

    fn source_to_wire(&self) -> feed::Source {
        match self.source {
            Source::Versioning => feed::Source::Versioning,
            Source::Audit => feed::Source::Audit,
            Source::Gateway => feed::Source::Gateway,
        }
    }
}

/// Connects to the gateway of the system that runs on a data folder.
///
/// # Errors
/// None runs, or it cannot be reached.
pub(super) async fn gateway_of(folder: &Path) -> Result<Channel> {
    let endpoints = running_endpoints(folder)?;
    let address = endpoints
        .service("gateway")
        .ok_or_else(|| anyhow!("no gateway runs on {}", folder.display()))?;
    Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await
        .with_context(|| format!("the gateway is not to be reached at {address}"))
}

/// A token with which everything can be read.
///
/// # Errors
/// The folder has no key to sign it.
pub(super) fn token(folder: &Path) -> Result<String> {
    Ok(provider_key(folder)?.sign_token(&claims())?)
}

fn claims() -> TokenClaims {
    TokenClaims::new(USER, "signoff", TOKEN_LIFE).with_roles([Role::Auditor])
}
