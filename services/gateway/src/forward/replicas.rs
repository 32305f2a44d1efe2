//! The replicas of one backend: calls go to them in turns, and past those that do not answer.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::Full;
use prost::bytes::Bytes;
use signoff_chassis::Refusal;
use signoff_chassis::middleware::{HttpRequest, HttpResponse};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::{Service as _, ServiceExt as _};

/// How long a replica that could not be reached is passed over, if there is another one.
const EJECTED: Duration = Duration::from_secs(1);
/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How often a silent connection is asked whether it is still there, and how long it may take to
/// answer.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How much may be on its way on one stream, and on one connection: as many streams as there may be
/// calls, so that those who do not read hold nobody else up.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024 * 1024;

/// One backend.
#[derive(Debug)]
pub struct Replicas {
    name: &'static str,
    replicas: Vec<Replica>,
    turn: AtomicUsize,
    began: Instant,
}

#[derive(Debug)]
struct Replica {
    channel: Channel,
    /// Until when it is passed over, in milliseconds since the beginning.
    away_until: AtomicU64,
}

impl Replicas {
    /// At these addresses, none of which need be there yet.
    pub fn new(name: &'static str, urls: Vec<Uri>) -> Self {
        let replica = |url: Uri| Replica {
            channel: Endpoint::from(url)
                .connect_timeout(CONNECT_WITHIN)
                .tcp_nodelay(true)
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
                .keep_alive_while_idle(true)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .connect_lazy(),
            away_until: AtomicU64::new(0),
        };
        let replicas = urls.into_iter().map(replica).collect();
        Self { name, replicas, turn: AtomicUsize::new(0), began: Instant::now() }
    }

    /// Sends a request. If it did not get there and its whole body is `kept`, it is sent to another
    /// replica, once: whatever it asks for is done once by its id.
    ///
    /// # Errors
    /// The backend is away.
    pub async fn send(
        &self,
        request: HttpRequest,
        kept: Option<&Bytes>,
    ) -> Result<HttpResponse, Refusal> {
        let (parts, body) = request.into_parts();
        let first = self.next(None);
        let again = kept.filter(|_| self.are_several()).map(|kept| (parts.clone(), kept));
        let sent = self.send_to(first, HttpRequest::from_parts(parts, body), kept.is_some()).await;
        match (sent, again) {
            (Some(response), _) => Ok(response),
            (None, Some((parts, kept))) => {
                let body = Body::new(Full::new(kept.clone()));
                let request = HttpRequest::from_parts(parts, body);
                let sent = self.send_to(self.next(Some(first)), request, true).await;
                sent.ok_or_else(|| self.away())
            }
            (None, None) => Err(self.away()),
        }
    }

    /// A channel to one of them, not to this one if there is another, and which it is.
    pub(crate) fn channel(&self, but: Option<usize>) -> Option<(usize, Channel)> {
        let at = self.next(but);
        self.replicas.get(at).map(|replica| (at, replica.channel.clone()))
    }

    /// Whether there is more than one.
    pub(crate) fn are_several(&self) -> bool {
        self.replicas.len() > 1
    }

    /// That none could be reached.
    pub(crate) fn away(&self) -> Refusal {
        Refusal::unavailable(format!("the {} service is away: try again", self.name))
            .with_metadata("service", self.name)
    }

    /// Whether it could not be reached is known of a whole request only: the body of a stream may fail by
    /// itself.
    async fn send_to(
        &self,
        at: usize,
        request: HttpRequest,
        is_whole: bool,
    ) -> Option<HttpResponse> {
        let replica = self.replicas.get(at)?;
        let mut channel = replica.channel.clone();
        let sent = match channel.ready().await {
            Ok(channel) => channel.call(request).await,
            Err(error) => Err(error),
        };
        match sent {
            Ok(response) => Some(response),
            Err(error) => {
                tracing::warn!(service = self.name, replica = at, error = ?error, "cannot be reached");
                if !is_whole {
                    return None;
                }
                let until = self.began.elapsed() + EJECTED;
                let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
                replica.away_until.store(until, Ordering::Relaxed);
                None
            }
        }
    }

    /// Whose turn it is: of those that are there, if any is.
    fn next(&self, but: Option<usize>) -> usize {
        let count = self.replicas.len();
        if count < 2 {
            return 0;
        }
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = || (0..count).map(|i| (turn + i) % count).filter(|at| Some(*at) != but);
        let is_there = |at: &usize| {
            let replica = self.replicas.get(*at);
            replica.is_some_and(|of| of.away_until.load(Ordering::Relaxed) <= now)
        };
        in_turn().find(is_there).or_else(|| in_turn().next()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn replicas_take_turns_and_who_is_away_is_passed_over() {
        let url = |port: u16| format!("http://127.0.0.1:{port}").parse().unwrap();
        let replicas = Replicas::new("audit", vec![url(1), url(2), url(3)]);
        let turns: Vec<usize> = (0..4).map(|_| replicas.next(None)).collect();
        assert_eq!(turns, [0, 1, 2, 0]);
        replicas.replicas[1].away_until.store(u64::MAX, Ordering::Relaxed);
        assert!((0..6).all(|_| replicas.next(None) != 1));
        assert!((0..6).all(|_| replicas.next(Some(0)) == 2));
        for replica in &replicas.replicas {
            replica.away_until.store(u64::MAX, Ordering::Relaxed);
        }
        assert_ne!(replicas.next(Some(1)), 1, "somebody is tried, if all are away");
    }

    #[tokio::test]
    async fn a_backend_that_is_away_is_unavailable_at_once() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let replicas = Replicas::new("audit", vec![format!("http://{free}").parse().unwrap()]);
        let request = HttpRequest::new(Body::empty());
        let refused = replicas.send(request, None).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unavailable);
    }
}
