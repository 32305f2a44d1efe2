//! A backend that hands each call to the test, which looks at it and answers.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use futures::StreamExt as _;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use prost::Message;
use prost::bytes::Bytes;
use signoff_gateway::GatewayArgs;
use signoff_tests::{Aside, House};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::raw::{FOREVER, framed};

/// The backend.
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    calls: Mutex<mpsc::UnboundedReceiver<Asked>>,
}

/// A call that waits for its answer.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    body: axum::body::Body,
    answer: oneshot::Sender<Response<axum::body::Body>>,
}

/// An answer under way.
pub(crate) struct Answering(mpsc::UnboundedSender<Frame<Bytes>>);

impl Recorder {
    /// Listens on a port of its own until the test ends.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, calls) = mpsc::unbounded_channel();
        let handler = move |request: Request<axum::body::Body>| {
            let asked = asked.clone();
            async move {
                let (head, body) = request.into_parts();
                let (answer, answered) = oneshot::channel();
                let path = head.uri.path().to_owned();
                let _ = asked.send(Asked { path, headers: head.headers, body, answer });
                answered.await.unwrap_or_else(|_| Status::aborted("no answer").into_http())
            }
        };
        let (_, health) = tonic_health::server::health_reporter();
        let routes = Routes::from(axum::Router::new().fallback(handler)).add_service(health);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        tokio::spawn(Server::builder().add_routes(routes).serve_with_incoming(incoming));
        Self { address, calls: Mutex::new(calls) }
    }

    /// A gateway that takes it for both backends.
    pub(crate) async fn gateway(&self) -> Aside {
        self.gateway_with(|_| {}).await
    }

    /// The same, told something else, too.
    pub(crate) async fn gateway_with(&self, change: impl FnOnce(&mut GatewayArgs) + Send) -> Aside {
        let here: tonic::transport::Uri = format!("http://{}", self.address).parse().unwrap();
        let house = House::shared().await;
        house
            .aside(|args| {
                args.versioning_url = vec![here.clone()];
                args.audit_url = vec![here];
                change(args);
            })
            .await
    }

    /// The next call.
    pub(crate) async fn asked(&self) -> Asked {
        let next = async { self.calls.lock().await.recv().await.unwrap() };
        tokio::time::timeout(FOREVER, next).await.expect("the backend is asked")
    }
}

impl Recorder {
    /// Expects that nothing was asked that nobody looked at.
    pub(crate) async fn expect_nothing_more(&self) {
        assert!(self.calls.lock().await.try_recv().is_err(), "the backend was asked once more");
    }
}

impl Asked {
    /// The next bytes of the request; none after its end.
    pub(crate) async fn hear(&mut self) -> Option<Bytes> {
        loop {
            let frame = tokio::time::timeout(FOREVER, self.body.frame()).await.expect("bytes");
            let bytes = frame?.unwrap().into_data().unwrap();
            // The end may come with a frame of its own.
            if !bytes.is_empty() {
                return Some(bytes);
            }
        }
    }

    /// Begins to answer.
    pub(crate) fn begin(self, headers: &[(&'static str, &str)]) -> Answering {
        let (sender, mut frames) = mpsc::unbounded_channel();
        let frames = futures::stream::poll_fn(move |cx| frames.poll_recv(cx));
        let body = StreamBody::new(frames.map(Ok::<_, Infallible>));
        let mut response = Response::builder().header("content-type", "application/grpc");
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let _ = self.answer.send(response.body(axum::body::Body::new(body)).unwrap());
        Answering(sender)
    }

    /// Answers with a message.
    pub(crate) fn answer(self, message: &impl Message) {
        let answering = self.begin(&[]);
        answering.say(framed(message));
        answering.end(&[("grpc-status", "0")]);
    }

    /// Refuses.
    pub(crate) fn refuse(self, status: Status) {
        let _ = self.answer.send(status.into_http::<Body>().map(axum::body::Body::new));
    }

    /// Waits until nobody waits for the answer any more.
    pub(crate) async fn dropped(mut self) {
        tokio::time::timeout(FOREVER, self.answer.closed()).await.expect("the call is dropped");
    }
}

impl Answering {
    /// Says something.
    pub(crate) fn say(&self, bytes: Bytes) {
        self.0.send(Frame::data(bytes)).unwrap();
    }

    /// Says how it ended.
    pub(crate) fn end(self, trailers: &[(&'static str, &str)]) {
        let trailers =
            trailers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        self.0.send(Frame::trailers(trailers.collect())).unwrap();
    }

    /// Waits until nobody listens any more.
    pub(crate) async fn dropped(self) {
        tokio::time::timeout(FOREVER, self.0.closed()).await.expect("the stream is dropped");
    }
}
