//! Somebody between people and their gateway, who writes down what they send: requests of real work.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt as _;
use prost::bytes::{Buf as _, Bytes};
use signoff_tests::world::connect;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service as _;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{Request, Response};
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};

/// A call that somebody made.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// `/package.Service/Method`.
    pub(crate) path: String,
    /// The caller's token.
    pub(crate) token: String,
    /// What was sent.
    pub(crate) messages: Vec<Vec<u8>>,
}

/// Who listens.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Listener {
    /// Listens before the gateway at this address until the test ends.
    pub(crate) async fn before(gateway: SocketAddr) -> Self {
        let channel = connect(gateway).await;
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let listener = Self { address: socket.local_addr().unwrap(), heard: Arc::default() };
        let heard = Arc::clone(&listener.heard);
        let handler = move |request: Request<axum::body::Body>| {
            let (channel, heard) = (channel.clone(), Arc::clone(&heard));
            async move { passed_on(channel, &heard, request).await }
        };
        let routes = Routes::from(axum::Router::new().fallback(handler));
        let incoming = TcpIncoming::from(socket).with_nodelay(Some(true));
        tokio::spawn(Server::builder().add_routes(routes).serve_with_incoming(incoming));
        listener
    }

    /// What was heard so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

async fn passed_on(
    mut channel: Channel,
    heard: &Mutex<Vec<Heard>>,
    request: Request<axum::body::Body>,
) -> Response<axum::body::Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let token = head.headers[AUTHORIZATION].to_str().unwrap().trim_start_matches("Bearer ");
    heard.lock().unwrap().push(Heard {
        path: head.uri.path().to_owned(),
        token: token.to_owned(),
        messages: messages(body.clone()),
    });
    let request = Request::from_parts(head, Body::new(http_body_util::Full::new(body)));
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
    match channel.call(request).await {
        Ok(response) => response.map(axum::body::Body::new),
        Err(error) => Status::unavailable(error.to_string()).into_http(),
    }
}

/// The messages of a body.
fn messages(mut body: Bytes) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while body.remaining() > 5 {
        body.advance(1);
        let length = usize::try_from(body.get_u32()).unwrap();
        messages.push(body.split_to(length).to_vec());
    }
    messages
}
