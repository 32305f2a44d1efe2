//! The backends, and what the gateway asks of them itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::uri::PathAndQuery;
use prost::Message;
use signoff_chassis::Refusal;
use signoff_contract::convert::RequestScope;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use super::{Replicas, Signer, Target, Who};
use crate::domain::roles::Roles;

/// The user id of the gateway. It is no person.
pub const GATEWAY_ID: i64 = 1;
/// How the gateway calls itself.
pub const GATEWAY_SUBJECT: &str = "signoff-gateway";

/// Longest answer that the gateway takes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// All backends.
#[derive(Debug)]
pub struct Backends {
    versioning: Replicas,
    audit: Replicas,
    signer: Arc<Signer>,
    /// Paths, so that each is made once.
    paths: Mutex<HashMap<&'static str, Arc<str>>>,
}

impl Backends {
    /// At these addresses, with what vouches for callers.
    pub fn new(versioning: Replicas, audit: Replicas, signer: Arc<Signer>) -> Self {
        Self { versioning, audit, signer, paths: Mutex::default() }
    }

    /// The replicas of a backend; none of the gateway itself.
    pub fn of(&self, target: Target) -> Option<&Replicas> {
        match target {
            Target::Versioning => Some(&self.versioning),
            Target::Audit => Some(&self.audit),
            Target::Own | Target::Source => None,
        }
    }

    /// Asks a backend, for somebody, about a scope. If one replica cannot be reached, another one is
    /// asked, once: whatever is changed is changed once, by its id.
    ///
    /// # Errors
    /// What the backend answers, or that it is away.
    pub async fn ask<Q, A>(
        &self,
        (target, path): (Target, &'static str),
        who: &Who,
        scope: Option<RequestScope>,
        request: Q,
    ) -> Result<A, Status>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let replicas = self.of(target).ok_or_else(Refusal::internal)?;
        let assertion = self.signer.assertion(who, &self.path(path), scope)?;
        let assertion =
            MetadataValue::try_from(assertion.as_bytes()).map_err(|_| Refusal::internal())?;
        let again = replicas.are_several().then(|| request.clone());
        let mut away = None;
        for request in [Some(request), again].into_iter().flatten() {
            let (at, channel) = replicas.channel(away).ok_or_else(|| replicas.away())?;
            let mut request = Request::new(request);
            request.metadata_mut().insert("authorization", assertion.clone());
            match unary(channel, path, request).await {
                // The transport's own words are no answer to a caller.
                Err(status) if is_transport(&status) => {
                    tracing::warn!(replica = at, error = ?status, %path, "cannot be reached");
                    replicas.pass_over(at);
                    away = Some(at);
                }
                answered => return answered,
            }
        }
        Err(replicas.away().into())
    }

    fn path(&self, path: &'static str) -> Arc<str> {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(paths.entry(path).or_insert_with(|| path.into()))
    }
}

async fn unary<Q, A>(channel: Channel, path: &'static str, request: Request<Q>) -> Result<A, Status>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let mut client = tonic::client::Grpc::new(channel)
        .max_decoding_message_size(MAX_ANSWER)
        .max_encoding_message_size(MAX_ANSWER);
    let ready = client.ready().await;
    ready.map_err(|error| Status::unavailable(error.to_string()))?;
    let codec = ProstCodec::<Q, A>::default();
    let answered = client.unary(request, PathAndQuery::from_static(path), codec).await;
    Ok(answered?.into_inner())
}

/// Whether a status was made by the transport rather than by a service.
fn is_transport(status: &Status) -> bool {
    status.details().is_empty()
        && matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled
        )
}

impl Who {
    /// The gateway by itself: it reads, and does what is only its own.
    pub fn gateway() -> Self {
        use signoff_workflow::Role;

        Self {
            subject: GATEWAY_SUBJECT.into(),
            user_id: GATEWAY_ID,
            on_behalf_of: None,
            roles: [Role::Gateway, Role::Service].into_iter().collect(),
            report_roles: Roles::NONE,
        }
    }

    /// The gateway for somebody: what only the gateway may, and in their name.
    pub fn gateway_for(person: i64) -> Self {
        Self { on_behalf_of: Some(person), ..Self::gateway() }
    }
}
