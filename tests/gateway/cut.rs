//! Wires between the gateway and its backends that can be cut at each message that concerns a gate.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use prost::bytes::Bytes;
use signoff_tests::House;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint, Server};
use tower::Service;

/// The messages that open, seal, free and reopen.
const GATES: [&str; 8] = [
    "BeginOpen",
    "Seal",
    "Open",
    "Fence",
    "ReleaseSeal",
    "BeginReopen",
    "MarkStale",
    "FinishReopen",
];

/// Who ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The gateway: it sends nothing more.
    Gateway,
    /// The backend: there is no answer.
    Backend,
}

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Before the backend does what it is asked for.
    Before,
    /// After it did.
    After,
}

/// A cut.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    /// Who ends.
    pub(crate) who: Who,
    /// When.
    pub(crate) when: When,
    /// At which messages, from 0.
    pub(crate) at: Range<usize>,
}

/// What a message that was cut has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    No,
    /// The gateway waits for its answer.
    Waiting,
    /// It waits no more.
    GivenUp,
}

struct Wire {
    seen: AtomicUsize,
    cut: Mutex<Option<Cut>>,
    held: watch::Sender<Held>,
    /// What did not arrive.
    late: Mutex<Vec<(Channel, Request<Bytes>)>>,
}

/// The wires of a house.
#[derive(Clone)]
pub(crate) struct Wires(Arc<Wire>);

/// A house whose gateway reaches its backends through wires that can be cut.
pub(crate) async fn house() -> (House, Wires) {
    let listeners = [listener().await, listener().await];
    let addresses = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
    let url = |address: SocketAddr| format!("http://{address}").parse().unwrap();
    let house = House::with(|args| {
        args.versioning_url = vec![url(addresses[0])];
        args.audit_url = vec![url(addresses[1])];
    })
    .await;
    let wire = Wire {
        seen: AtomicUsize::new(0),
        cut: Mutex::default(),
        held: watch::channel(Held::No).0,
        late: Mutex::default(),
    };
    let wires = Wires(Arc::new(wire));
    for (listener, backend) in
        listeners.into_iter().zip([house.versioning.address, house.audit.address])
    {
        let endpoint = Endpoint::from_shared(format!("http://{backend}")).unwrap();
        let end = End { wires: wires.clone(), channel: endpoint.connect_lazy() };
        let routes = Routes::from(Routes::default().into_axum_router().fallback_service(end));
        let server = Server::builder().add_routes(routes);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    }
    (house, wires)
}

async fn listener() -> tokio::net::TcpListener {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
}

impl Wires {
    /// Cuts, from the next message on.
    pub(crate) fn cut(&self, cut: Cut) {
        self.0.seen.store(0, Ordering::SeqCst);
        self.0.held.send_replace(Held::No);
        *self.0.cut.lock().unwrap() = Some(cut);
    }

    /// Cuts no more; says whether it came to the cut.
    pub(crate) fn mend(&self) -> bool {
        let cut = self.0.cut.lock().unwrap().take();
        cut.is_some_and(|cut| self.0.seen.load(Ordering::SeqCst) > cut.at.start)
    }

    /// Waits for the answer of a call, which ends with its gateway if that is what is cut.
    pub(crate) async fn answer<T>(
        &self,
        call: impl Future<Output = Result<T, Status>>,
    ) -> Option<Result<T, Status>> {
        let mut held = self.0.held.subscribe();
        let answer = tokio::select! {
            answer = call => Some(answer),
            _ = held.wait_for(|held| *held == Held::Waiting) => None,
        };
        if answer.is_none() {
            held.wait_for(|held| *held == Held::GivenUp).await.unwrap();
        }
        answer
    }

    /// What did not arrive arrives now.
    pub(crate) async fn deliver_late(&self) -> usize {
        let late = std::mem::take(&mut *self.0.late.lock().unwrap());
        let count = late.len();
        for (channel, request) in late {
            let _ = send(channel, request).await;
        }
        count
    }

    /// What is to be done with a message.
    fn deed(&self, path: &str) -> Option<Cut> {
        let method = path.rsplit('/').next().unwrap();
        if !GATES.contains(&method) {
            return None;
        }
        let cut = self.0.cut.lock().unwrap();
        let number = self.0.seen.fetch_add(1, Ordering::SeqCst);
        cut.clone().filter(|cut| cut.at.contains(&number))
    }
}

/// The end of a wire at which the gateway is.
#[derive(Clone)]
struct End {
    wires: Wires,
    channel: Channel,
}

impl<B> Service<Request<B>> for End
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (end, request) = (self.clone(), request.map(Body::new));
        Box::pin(
            async move { Ok(end.pass(request).await.unwrap_or_else(|status| status.into_http())) },
        )
    }
}

impl End {
    async fn pass(self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let request = Request::from_parts(parts, body);
        let Some(cut) = self.wires.deed(request.uri().path()) else {
            return send(self.channel, request).await;
        };
        match cut.when {
            When::After => {
                send(self.channel, request).await?;
            }
            When::Before => self.wires.0.late.lock().unwrap().push((self.channel, request)),
        }
        if cut.who == Who::Backend {
            return Err(Status::unavailable("the wire was cut"));
        }
        // Nobody is there to take an answer.
        let _gone = Gone(&self.wires.0.held);
        self.wires.0.held.send_replace(Held::Waiting);
        std::future::pending().await
    }
}

/// Tells that the gateway does not wait any more.
struct Gone<'a>(&'a watch::Sender<Held>);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.send_replace(Held::GivenUp);
    }
}

async fn send(mut channel: Channel, request: Request<Bytes>) -> Result<Response<Body>, Status> {
    let away = |error: tonic::transport::Error| Status::unavailable(error.to_string());
    std::future::poll_fn(|context| channel.poll_ready(context)).await.map_err(away)?;
    channel.call(request.map(|body| Body::new(Full::new(body)))).await.map_err(away)
}
