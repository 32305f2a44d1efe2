//! Calls as bytes: what no client library would send.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use http_body_util::{BodyExt as _, Full, StreamBody};
use prost::Message;
use prost::bytes::{BufMut as _, Bytes, BytesMut};
use signoff_tests::world::connect;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service as _;
use tonic::codegen::http::header::{AUTHORIZATION, CONTENT_TYPE};
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use tonic::transport::Channel;

/// Longer than any test may last: what takes this long hangs.
pub(crate) const FOREVER: Duration = Duration::from_secs(60);

/// A message with its prefix.
pub(crate) fn framed(message: &impl Message) -> Bytes {
    frame(0, &message.encode_to_vec())
}

/// Bytes with a prefix.
pub(crate) fn frame(flag: u8, bytes: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(flag);
    framed.put_u32(u32::try_from(bytes.len()).unwrap());
    framed.extend_from_slice(bytes);
    framed.freeze()
}

/// A body that comes all at once.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Body::new(Full::new(bytes.into()))
}

/// A body that comes as it is sent, and ends when nobody can send any more.
pub(crate) fn piecewise() -> (mpsc::UnboundedSender<Bytes>, Body) {
    let (sender, mut pieces) = mpsc::unbounded_channel();
    let pieces = futures::stream::poll_fn(move |cx| pieces.poll_recv(cx));
    let frames = pieces.map(|bytes| Ok::<_, Status>(http_body::Frame::data(bytes)));
    (sender, Body::new(StreamBody::new(frames)))
}

/// Somebody who sends bytes.
#[derive(Clone)]
pub(crate) struct Sender {
    channel: Channel,
    headers: HeaderMap,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) http: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Sender {
    /// At an address, with a token.
    pub(crate) async fn new(address: SocketAddr, token: &str) -> Self {
        let headers = HeaderMap::new();
        let sender = Self { channel: connect(address).await, headers };
        let sender = sender.with("content-type", "application/grpc").with("te", "trailers");
        sender.with(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// With another header.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut sender = self.clone();
        sender
            .headers
            .insert(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
        sender
    }

    /// With one more value of a header.
    pub(crate) fn and(&self, name: HeaderName, value: &str) -> Self {
        let mut sender = self.clone();
        sender.headers.append(name, HeaderValue::try_from(value).unwrap());
        sender
    }

    /// Without saying what it sends.
    pub(crate) fn untyped(&self) -> Self {
        let mut sender = self.clone();
        sender.headers.remove(CONTENT_TYPE);
        sender
    }

    /// Sends a call, and gives its answer as it begins.
    pub(crate) async fn begin(
        &self,
        path: &str,
        body: Body,
    ) -> Result<Response<Body>, tonic::transport::Error> {
        let mut request = Request::post(path).body(body).unwrap();
        *request.headers_mut() = self.headers.clone();
        let mut channel = self.channel.clone();
        std::future::poll_fn(|cx| channel.poll_ready(cx)).await?;
        channel.call(request).await
    }

    /// Sends a call, and gives its whole answer.
    pub(crate) async fn send(&self, path: &str, body: Body) -> Heard {
        let heard = async {
            let (head, body) = self.begin(path, body).await.unwrap().into_parts();
            let body = body.collect().await.unwrap();
            Heard {
                http: head.status,
                headers: head.headers,
                trailers: body.trailers().cloned().unwrap_or_default(),
                body: body.to_bytes(),
            }
        };
        tokio::time::timeout(FOREVER, heard).await.unwrap_or_else(|_| panic!("{path} hangs"))
    }
}

impl Heard {
    /// How the call ended.
    #[track_caller]
    pub(crate) fn status(&self) -> Status {
        let status = Status::from_header_map(&self.trailers);
        status.or_else(|| Status::from_header_map(&self.headers)).expect("a status")
    }
}

/// Sends bytes on a connection of its own, and gives what comes until the other side closes it.
pub(crate) async fn say(address: SocketAddr, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(bytes).await.unwrap();
    rest(&mut connection).await
}

/// What comes until the other side closes the connection.
pub(crate) async fn rest(connection: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    let read = tokio::time::timeout(FOREVER, connection.read_to_end(&mut heard)).await;
    // What was not read yet when it was closed makes it a reset.
    let _ = read.expect("it is answered or closed");
    String::from_utf8_lossy(&heard).into_owned()
}
