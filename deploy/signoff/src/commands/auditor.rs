//! Asks a running system as an auditor would: at its gateway.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use signoff_chassis::identity::{SigningKey, TokenClaims};
use signoff_contract::convert::workflow_to_wire;
use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_contract::workflow::v1 as wire;
use signoff_ledger::{Head, Source};
use signoff_workflow::{Role, Workflow};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status, Streaming};

use super::data_folder;
use crate::cli::SystemArgs;
use crate::connection::{Bearer, Connection};
use crate::stack::{provider_key, running_endpoints};

/// How long a token is good for: it is shown once, at once.
const TOKEN_LIFE: Duration = Duration::from_secs(30);
/// Who asks. Reading leaves no trace in a trail.
const USER: i64 = 1;

/// How many heads a service compares with a chain at once.
const HEADS: usize = 1000;

/// The services that keep trails.
const SOURCES: [Source; 3] = [Source::Versioning, Source::Audit, Source::Gateway];

/// By which token somebody asks.
#[derive(Clone)]
enum Access {
    /// One that is signed for each call, as the provider of a data folder does.
    Signed(Arc<SigningKey>),
    /// One that somebody put into a file.
    Kept(PathBuf),
}

impl Access {
    /// A token with which a workflow can be read, or everything.
    fn token(&self, workflow: Option<Workflow>) -> Result<String> {
        match self {
            Self::Signed(key) => {
                let all = TokenClaims::new(USER, "signoff", TOKEN_LIFE).with_roles([Role::Auditor]);
                let claims = match workflow {
                    Some(workflow) => all.on(workflow),
                    None => all,
                };
                Ok(key.sign_token(&claims)?)
            }
            Self::Kept(file) => {
                let token = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                Ok(token.trim().to_owned())
            }
        }
    }
}

/// Those who ask at the gateway of one running system.
pub(super) struct Auditors {
    access: Access,
    channel: Channel,
    sources: Vec<Source>,
}

impl Auditors {
    /// Connects to the gateway.
    ///
    /// # Errors
    /// No system runs on the data folder, its key cannot be read, or the gateway cannot be reached.
    pub(super) async fn of(system: SystemArgs) -> Result<Self> {
        if let (Some(gateway), Some(file)) = (system.gateway, system.token_file) {
            let channel = connect(gateway.as_str()).await.with_context(|| away(&gateway))?;
            return Ok(Self { access: Access::Kept(file), channel, sources: SOURCES.to_vec() });
        }
        let folder = data_folder(system.data)?;
        let endpoints = running_endpoints(&folder)?;
        let address = endpoints
            .service("gateway")
            .ok_or_else(|| anyhow!("no gateway runs on {}", folder.display()))?;
        let channel =
            connect(&format!("http://{address}")).await.with_context(|| away(&address))?;
        let access = Access::Signed(Arc::new(provider_key(&folder)?));
        let runs = |source: &Source| endpoints.service(source.name()).is_some();
        let sources = SOURCES.into_iter().filter(runs).collect();
        Ok(Self { access, channel, sources })
    }

    /// The services that keep trails.
    pub(super) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// For one trail.
    pub(super) fn auditor(&self, (source, workflow): (Source, Workflow)) -> Auditor {
        let client = TrailServiceClient::new(self.channel.clone());
        Auditor { source, workflow, access: self.access.clone(), client }
    }

    /// For what is about no trail.
    ///
    /// # Errors
    /// There is no token.
    pub(super) fn connection(&self) -> Result<Connection> {
        Ok(Connection::new(self.channel.clone(), Bearer::new(&self.access.token(None)?, None)?))
    }
}

fn away(address: &impl Display) -> String {
    format!("the gateway is not to be reached at {address}")
}

async fn connect(address: &str) -> Result<Channel> {
    let mut endpoint = Endpoint::from_shared(address.to_owned())?;
    // Without encryption, a machine need not know any authority.
    if endpoint.uri().scheme_str() == Some("https") {
        endpoint = endpoint.tls_config(ClientTlsConfig::new().with_enabled_roots())?;
    }
    Ok(endpoint.connect().await?)
}

/// A connection to the gateway, for the chain that one service keeps.
pub(super) struct Auditor {
    source: Source,
    workflow: Workflow,
    access: Access,
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
        let bearer = Bearer::new(&self.access.token(Some(self.workflow))?, None)?;
        let mut request = Request::new(wanted);
        bearer.show(request.metadata_mut());
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
