//! The backends, and what the gateway asks of them itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;
use http::header::AUTHORIZATION;
use prost::Message;
use signoff_chassis::Refusal;
use signoff_contract::convert::RequestScope;
use tonic::Status;

use super::{Replicas, Signer, Target, Who, unary};
use crate::domain::roles::Roles;

/// The user id of the gateway. It is no person.
pub const GATEWAY_ID: i64 = 1;
/// How the gateway calls itself.
pub const GATEWAY_SUBJECT: &str = "signoff-gateway";

/// How long an answer may take; whoever waits for it may wait less long.
const WITHIN: &str = "60S";
/// Longest answer that the gateway takes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// All backends.
#[derive(Debug)]
pub struct Backends {
    versioning: Replicas,
    audit: Replicas,
    metrics: Replicas,
    signer: Arc<Signer>,
    /// Paths, so that each is made once.
    paths: Mutex<HashMap<&'static str, Arc<str>>>,
}

impl Backends {
    /// At these addresses, with what vouches for callers.
    pub fn new(
        versioning: Replicas,
        audit: Replicas,
        metrics: Replicas,
        signer: Arc<Signer>,
    ) -> Self {
        Self { versioning, audit, metrics, signer, paths: Mutex::default() }
    }

    /// The replicas of a backend; none of the gateway itself.
    pub fn of(&self, target: Target) -> Option<&Replicas> {
        match target {
            Target::Versioning => Some(&self.versioning),
            Target::Audit => Some(&self.audit),
            Target::Metrics => Some(&self.metrics),
            Target::Own | Target::Source => None,
        }
    }

    /// Asks a backend, for somebody, about a scope.
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
        Q: Message,
        A: Message + Default,
    {
        let replicas = self.of(target).ok_or_else(Refusal::internal)?;
        let assertion = self.signer.assertion(who, &self.path(path), scope)?;
        let body = unary::framed(&request);
        let mut request = unary::request(path, body.clone())?;
        request.headers_mut().insert(AUTHORIZATION, assertion);
        request.headers_mut().insert("grpc-timeout", HeaderValue::from_static(WITHIN));
        let response = replicas.send(request, Some(&body)).await?;
        match unary::answer(response, MAX_ANSWER).await {
            // Somebody on the way said so, not the service: it would say why.
            Err(status) if is_transport(&status) => Err(replicas.away().into()),
            answered => answered,
        }
    }

    fn path(&self, path: &'static str) -> Arc<str> {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(paths.entry(path).or_insert_with(|| path.into()))
    }
}

/// Whether a status was made on the way rather than by a service.
fn is_transport(status: &Status) -> bool {
    use tonic::Code::{Cancelled, Internal, Unavailable, Unknown};

    status.details().is_empty()
        && matches!(status.code(), Unavailable | Unknown | Internal | Cancelled)
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

    /// The gateway for somebody: what only the gateway may, and in their name. Should a service act for
    /// them, the subject says so.
    pub fn gateway_for(by: &Self) -> Self {
        let subject = match by.on_behalf_of {
            Some(_) => format!("{GATEWAY_SUBJECT} for {}", by.subject).into(),
            None => GATEWAY_SUBJECT.into(),
        };
        Self { subject, on_behalf_of: Some(by.person()), ..Self::gateway() }
    }
}
