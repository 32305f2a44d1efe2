//! The services of a server.

use std::convert::Infallible;

use axum::body::Body as AxumBody;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::{Service, ServiceExt as _};

use super::ServerError;
use crate::middleware::{HttpRequest, HttpResponse};

/// Services, collected before they are served. Their message size limits are their own.
#[derive(Clone, Debug, Default)]
pub struct Mount {
    names: Vec<&'static str>,
    routes: Routes,
}

impl Mount {
    /// No services yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more service.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: Service<HttpRequest, Response = HttpResponse, Error = Infallible, Future: Send>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.names.push(S::NAME);
        self.routes = self.routes.add_service(service);
        self
    }

    /// Services that somebody else serves, by their full names: all of their methods go to
    /// `forwarder`.
    #[must_use]
    pub fn with_forwarded<S>(mut self, names: &[&'static str], forwarder: S) -> Self
    where
        S: Service<HttpRequest, Response = HttpResponse, Error = Infallible, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        let mut router = std::mem::take(&mut self.routes).into_axum_router();
        for name in names {
            let forwarder = forwarder
                .clone()
                .map_request(|request: http::Request<AxumBody>| request.map(Body::new));
            router = router.route_service(&format!("/{name}/{{method}}"), forwarder);
            self.names.push(name);
        }
        self.routes = router.into();
        self
    }

    /// The full names of the services.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// With `grpc.health.v1` for each service and for the server (the empty name), and reflection
    /// in both its versions.
    pub(super) async fn with_health_and_reflection(
        mut self,
    ) -> Result<(Self, HealthReporter), ServerError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        for name in &self.names {
            reporter.set_service_status(*name, ServingStatus::Serving).await;
        }
        let v1 = self.reflection().build_v1()?;
        let v1alpha = self.reflection().build_v1alpha()?;
        self.routes = self.routes.add_service(health).add_service(v1).add_service(v1alpha);
        Ok((self, reporter))
    }

    pub(super) fn into_parts(self) -> (Vec<&'static str>, Routes) {
        (self.names, self.routes)
    }

    fn reflection(&self) -> tonic_reflection::server::Builder<'static> {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(signoff_contract::DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        self.names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    }
}
