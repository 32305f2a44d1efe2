//! The shape that all middleware here has: a request, what comes next, a response.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http_body::{Body as _, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tower::{Layer, Service};

/// A gRPC request, undecoded.
pub type HttpRequest = http::Request<Body>;
/// A gRPC response, encoded.
pub type HttpResponse = http::Response<Body>;

/// Something that stands before a service.
pub trait Middleware: Clone + Send + Sync + 'static {
    /// Answers a request, with or without asking `next`.
    fn handle<S: Next>(
        &self,
        request: HttpRequest,
        next: S,
    ) -> impl Future<Output = Result<HttpResponse, S::Error>> + Send;
}

/// Keeps something until the end of an answer: what counts or holds a call, for as long as it lasts.
pub fn until_the_end<G: Send + Unpin + 'static>(response: HttpResponse, kept: G) -> HttpResponse {
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|inner| Body::new(Keeping { inner, _kept: kept }))
}

struct Keeping<G> {
    inner: Body,
    _kept: G,
}

impl<G: Send + Unpin + 'static> http_body::Body for Keeping<G> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// What a middleware stands before: the next one, or the routes.
pub trait Next:
    Service<HttpRequest, Response = HttpResponse, Error: Send, Future: Send> + Clone + Send + 'static
{
}

impl<S> Next for S where
    S: Service<HttpRequest, Response = HttpResponse, Error: Send, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Puts a middleware before a service.
#[derive(Clone, Debug)]
pub struct With<M>(pub M);

impl<M: Clone, S> Layer<S> for With<M> {
    type Service = Guarded<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { middleware: self.0.clone(), inner }
    }
}

/// A service with a middleware before it.
#[derive(Clone, Debug)]
pub struct Guarded<M, S> {
    middleware: M,
    inner: S,
}

impl<M, S> Guarded<M, S> {
    pub(crate) fn new(middleware: M, inner: S) -> Self {
        Self { middleware, inner }
    }
}

impl<M: Middleware, S: Next> Service<HttpRequest> for Guarded<M, S> {
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<HttpResponse, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest) -> Self::Future {
        // The service that was polled ready is the one to call; its clone may not be ready.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        let middleware = self.middleware.clone();
        Box::pin(async move { middleware.handle(request, ready).await })
    }
}
