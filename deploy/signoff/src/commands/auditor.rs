//! Asks a running system as an auditor would: at its gateway.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use signoff_chassis::identity::{SigningKey, TokenClaims};
use signoff_contract::convert::workflow_to_wire;
use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_contract::workflow::v1 as wire;
use signoff_ledger::{Head, Source};
use signoff_workflow::{Role, Workflow};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::connection::{Bearer, Connection};
use crate::stack::{Endpoints, provider_key, running_endpoints};

/// How long a token is good for: it is shown once, at once.
const TOKEN_LIFE: Duration = Duration::from_secs(30);
/// Who asks. Reading leaves no trace in a trail.
const USER: i64 = 1;

/// How many heads a service compares with a chain at once.
const HEADS: usize = 1000;

/// Those who ask at the gateway of one running system.
pub(super) struct Auditors {
    folder: PathBuf,
    endpoints: Endpoints,
    channel: Channel,
}

impl Auditors {
    /// Connects to the gateway of the system that runs on a data folder.
    ///
    /// # Errors
    /// None runs, or it cannot be reached.
    pub(super) async fn of(folder: &Path) -> Result<Self> {
        let channel = gateway_of(folder).await?;
        Ok(Self { folder: folder.to_owned(), endpoints: running_endpoints(folder)?, channel })
    }

    /// The services that keep trails.
    pub(super) fn sources(&self) -> Vec<Source> {
        let all = [Source::Versioning, Source::Audit, Source::Gateway];
        let runs = |source: &Source| self.endpoints.service(source.name()).is_some();
        all.into_iter().filter(runs).collect()
    }

    /// For one trail.
    ///
    /// # Errors
    /// The folder has no key to sign tokens with.
    pub(super) fn auditor(&self, (source, workflow): (Source, Workflow)) -> Result<Auditor> {
        let client = TrailServiceClient::new(self.channel.clone());
        Ok(Auditor { source, workflow, key: provider_key(&self.folder)?, client })
    }

    /// For what is about no workflow.
    ///
    /// # Errors
    /// The folder has no key to sign tokens with.
    pub(super) fn connection(&self) -> Result<Connection> {
        Ok(Connection::new(self.channel.clone(), Bearer::new(&token(&self.folder)?, None)?))
    }
}

/// A connection to the gateway, for the chain that one service keeps.
pub(super) struct Auditor {
    source: Source,
    workflow: Workflow,
    key: SigningKey,
    client: TrailServiceClient<Channel>,
}

impl Auditor {
    /// Has the service verify the chain, against heads that were kept, and the rows that it speaks of.
    pub(super) async fn verify(&mut self, kept: &[Head]) -> Result<feed::VerifyTrailResponse> {
        let mut some = kept.chunks(HEADS);
        loop {
            let (heads, rest) = (some.next().unwrap_or_default(), some.len());
            let answer = self.verify_against(heads).await?;
            if !answer.intact || rest == 0 {
                return Ok(answer);
            }
        }
    }

    async fn verify_against(&mut self, kept: &[Head]) -> Result<feed::VerifyTrailResponse> {
        let to_wire =
            |head: &Head| wire::TrailHead { sequence: head.sequence, hash: head.hash.to_vec() };
        let wanted = feed::VerifyTrailRequest {
            scope: Some(workflow_to_wire(self.workflow)),
            source: self.source_to_wire().into(),
            kept_heads: kept.iter().map(to_wire).collect(),
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
        refused(self.source.name(), status)
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

/// What a refusal or a failure of a service means here.
pub(super) fn refused(service: &str, status: &Status) -> anyhow::Error {
    anyhow!("the service {service} answers {:?}: {}", status.code(), status.message())
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
