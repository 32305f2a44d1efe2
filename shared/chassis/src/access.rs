//! The door of a server: nobody gets in without an assertion or a service's own token, and every
//! method has a rule.

mod admission;
mod bearer;

use std::sync::Arc;

use http::HeaderMap;
use signoff_contract::access::AccessPolicy;
use tonic::Status;
use tower::Layer;

use crate::Refusal;
use crate::identity::{
    AssertionVerifier, Caller, ISSUER, TokenError, TokenVerifier, claimed_issuer,
};
use crate::middleware::{Guarded, HttpRequest, HttpResponse, Middleware, Next};

pub use admission::{Actor, Admission};
pub use bearer::bearer;

/// The services that need no assertion. They say nothing about any report.
pub const EXEMPT_SERVICES: [&str; 3] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Lets a request in with a verified assertion, and puts an [`Admission`] into its extensions. Where
/// tokens of the identity provider are known, it lets services read with theirs.
///
/// The handler decodes what the request is about and asks the admission whether the caller may.
/// A method without a rule is unimplemented here, whatever is mounted behind.
#[derive(Clone)]
pub struct AccessLayer {
    verifier: Arc<AssertionVerifier>,
    tokens: Option<Arc<TokenVerifier>>,
    policy: Arc<AccessPolicy>,
}

impl AccessLayer {
    /// A door with these keys and rules.
    pub fn new(verifier: Arc<AssertionVerifier>, policy: Arc<AccessPolicy>) -> Self {
        Self { verifier, tokens: None, policy }
    }

    /// The same, and services may read with tokens of their own.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Arc<TokenVerifier>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    // Parts of the request, since its body cannot be shared between threads.
    async fn admit(&self, path: &str, headers: &HeaderMap) -> Result<Admission, Status> {
        let Some(rule) = self.policy.rule(path) else {
            return Err(Refusal::unsupported("no such method").into());
        };
        let token = bearer(headers).map_err(Refusal::from)?;
        let caller = self.caller(token, path).await.map_err(Refusal::from)?;
        tracing::Span::current().record("user_id", caller.user_id);
        Ok(Admission::new(caller, path.to_owned(), rule.clone()))
    }

    async fn caller(&self, token: &str, path: &str) -> Result<Arc<Caller>, TokenError> {
        if let Some(tokens) = &self.tokens
            && claimed_issuer(token).is_some_and(|issuer| issuer != ISSUER)
        {
            let service = Caller::service(&*tokens.verify(token).await?)?;
            if self.policy.changes(path) {
                return Err(TokenError::Changes);
            }
            return Ok(Arc::new(service));
        }
        let caller = self.verifier.verify(token)?;
        if caller.method.as_deref() != Some(path) {
            return Err(TokenError::OtherCall("method"));
        }
        Ok(caller)
    }
}

/// Whether a path belongs to a service that needs no assertion.
pub fn is_exempt(path: &str) -> bool {
    path.strip_prefix('/')
        .and_then(|path| path.split_once('/'))
        .is_some_and(|(service, _)| EXEMPT_SERVICES.contains(&service))
}

impl Middleware for AccessLayer {
    async fn handle<S: Next>(
        &self,
        mut request: HttpRequest,
        mut next: S,
    ) -> Result<HttpResponse, S::Error> {
        if !is_exempt(request.uri().path()) {
            match self.admit(request.uri().path(), request.headers()).await {
                Ok(admission) => request.extensions_mut().insert(admission),
                Err(refused) => return Ok(refused.into_http()),
            };
        }
        next.call(request).await
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Guarded<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded::new(self.clone(), inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_health_and_reflection_are_exempt() {
        for exempt in [
            "/grpc.health.v1.Health/Check",
            "/grpc.health.v1.Health/Watch",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ] {
            assert!(is_exempt(exempt), "{exempt}");
        }
        for other in [
            "/",
            "",
            "grpc.health.v1.Health/Check",
            "/grpc.health.v1.Health",
            "/grpc.health.v1.HealthX/Check",
            "//grpc.health.v1.Health/Check",
            "/signoff.feed.v1.TrailService/GetTrail",
            "/signoff.feed.v1.TrailService/grpc.health.v1.Health/Check",
        ] {
            assert!(!is_exempt(other), "{other}");
        }
    }
}
