//! A connection to a service, on which each call comes with what its caller shows: an assertion for
//! this very call, as the gateway makes it, or a token.

use std::collections::HashMap;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http_body::{Body as _, Frame, SizeHint};
use prost::Message as _;
use prost::bytes::Bytes;
use signoff_chassis::identity::{Claims, SigningKey};
use signoff_contract::workflow::v1::Scope;
use signoff_workflow::Workflow;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{HeaderValue, Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::transport::{Channel, Error};
use uuid::Uuid;

/// How long an assertion is good for.
const LIFE: Duration = Duration::from_secs(60);
/// How long it is shown again for the same call: signing must not be what a measurement measures.
const KEPT: Duration = Duration::from_secs(50);
/// The bytes before each message: a flag and a length.
const PREFIX: usize = 5;

/// A connection on which somebody calls.
#[derive(Clone)]
pub struct Connection {
    channel: Channel,
    shown: Shown,
}

#[derive(Clone)]
enum Shown {
    Nothing,
    Token(HeaderValue),
    /// A service's token, and for whom it acts.
    Acting(HeaderValue, HeaderValue),
    Assertions(Arc<Signer>),
}

impl Connection {
    /// On which nothing is shown.
    pub fn bare(channel: Channel) -> Self {
        Self { channel, shown: Shown::Nothing }
    }

    /// On which this token is shown with each call.
    pub fn with_token(channel: Channel, token: &str) -> Self {
        Self { channel, shown: Shown::Token(bearer(token)) }
    }

    /// On which a service shows its token, and says for whom it acts.
    pub fn acting(channel: Channel, token: &str, person: i64) -> Self {
        Self { channel, shown: Shown::Acting(bearer(token), HeaderValue::from(person)) }
    }

    /// On which each call comes with an assertion of its own: these claims, for this call. Roles on a
    /// report are in it only if the call is about the claims' workflow.
    pub fn signing(channel: Channel, key: &Arc<SigningKey>, claims: Claims) -> Self {
        let (key, kept) = (Arc::clone(key), Mutex::default());
        Self { channel, shown: Shown::Assertions(Arc::new(Signer { key, claims, kept })) }
    }
}

fn bearer(token: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {token}")).expect("a token is ASCII")
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<Response<Body>, Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The channel that is ready is the one that is called.
        let other = self.channel.clone();
        let mut channel = mem::replace(&mut self.channel, other);
        match &self.shown {
            Shown::Nothing => Box::pin(channel.call(request)),
            Shown::Token(token) => {
                request.headers_mut().insert(AUTHORIZATION, token.clone());
                Box::pin(channel.call(request))
            }
            Shown::Acting(token, person) => {
                request.headers_mut().insert(AUTHORIZATION, token.clone());
                request.headers_mut().insert("on-behalf-of", person.clone());
                Box::pin(channel.call(request))
            }
            Shown::Assertions(signer) => {
                let signer = Arc::clone(signer);
                Box::pin(async move { channel.call(signer.sign(request).await).await })
            }
        }
    }
}

/// Signs assertions as the gateway does.
struct Signer {
    key: Arc<SigningKey>,
    claims: Claims,
    kept: Mutex<HashMap<Call, (HeaderValue, Instant)>>,
}

/// What an assertion is for.
#[derive(PartialEq, Eq, Hash)]
struct Call {
    method: String,
    workflow: Option<Workflow>,
    phase: Option<i32>,
}

/// What a request has in common with all others.
#[derive(prost::Message)]
struct About {
    #[prost(message, tag = "1")]
    scope: Option<Scope>,
}

impl Signer {
    /// The request with an assertion. Of its body the first message was looked at.
    async fn sign(&self, request: Request<Body>) -> Request<Body> {
        let (mut parts, body) = request.into_parts();
        let (first, body) = first_message(body).await;
        let scope = first.and_then(|first| About::decode(first).ok()?.scope);
        let workflow = scope.as_ref().and_then(workflow_of);
        let phase = scope.map(|scope| scope.phase).filter(|phase| *phase != 0);
        let phase = workflow.and(phase);
        let call = Call { method: parts.uri.path().to_owned(), workflow, phase };
        parts.headers.insert(AUTHORIZATION, self.assertion(call));
        Request::from_parts(parts, body)
    }

    fn assertion(&self, call: Call) -> HeaderValue {
        let mut kept = self.kept.lock().expect("no panic");
        if let Some((assertion, made)) = kept.get(&call)
            && made.elapsed() < KEPT
        {
            return assertion.clone();
        }
        let own = self.claims.cycle_id.zip(self.claims.report_id);
        let theirs = call.workflow.map(|workflow| (workflow.cycle_id, workflow.report_id));
        let on_report = own.is_some() && own == theirs;
        let fresh = Claims::new(0, "", LIFE);
        let claims = Claims {
            exp: fresh.exp,
            iat: fresh.iat,
            report_roles: if on_report { self.claims.report_roles.clone() } else { Vec::new() },
            method: Some(call.method.clone()),
            cycle_id: theirs.map(|(cycle_id, _)| cycle_id),
            report_id: theirs.map(|(_, report_id)| report_id),
            phase: call.phase,
            ..self.claims.clone()
        };
        let assertion = bearer(&self.key.sign(&claims).expect("a signature"));
        kept.insert(call, (assertion.clone(), Instant::now()));
        assertion
    }
}

/// The workflow of a scope that names one.
fn workflow_of(scope: &Scope) -> Option<Workflow> {
    Some(Workflow {
        cycle_id: Uuid::parse_str(&scope.cycle_id).ok()?,
        report_id: Uuid::parse_str(&scope.report_id).ok()?,
    })
}

/// The first message of a body, if it has one, and the body as if nobody had looked.
async fn first_message(mut body: Body) -> (Option<Bytes>, Body) {
    let mut read = Bytes::new();
    let mut early = Vec::new();
    let first = loop {
        if let Some(first) = whole_message(&read) {
            break Some(first);
        }
        match std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            Some(Ok(frame)) => {
                match frame.data_ref() {
                    // Nearly always the whole message comes at once: it is not copied.
                    Some(data) if read.is_empty() => read = data.clone(),
                    Some(data) => read = [read.as_ref(), data.as_ref()].concat().into(),
                    None => {}
                }
                early.push(Ok(frame));
            }
            Some(Err(error)) => {
                early.push(Err(error));
                break None;
            }
            None => break None,
        }
    };
    early.reverse();
    (first, Body::new(Replayed { early, rest: body }))
}

/// The message that these bytes begin with, if they have all of it.
fn whole_message(read: &Bytes) -> Option<Bytes> {
    let prefix = read.first_chunk::<PREFIX>()?;
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
    let end = PREFIX + usize::try_from(length).expect("32 bits");
    (read.len() >= end).then(|| read.slice(PREFIX..end))
}

/// A body whose first frames were looked at.
struct Replayed {
    /// The last one first.
    early: Vec<Result<Frame<Bytes>, Status>>,
    rest: Body,
}

impl http_body::Body for Replayed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(frame) = self.early.pop() {
            return Poll::Ready(Some(frame));
        }
        Poll::Ready(ready!(Pin::new(&mut self.rest).poll_frame(cx)))
    }

    fn is_end_stream(&self) -> bool {
        self.early.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let early = self.early.iter().flatten().filter_map(Frame::data_ref);
        let early: usize = early.map(Bytes::len).sum();
        let early = u64::try_from(early).expect("64 bits");
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + early);
        }
        hint.set_lower(rest.lower() + early);
        hint
    }
}

#[cfg(test)]
mod tests {
    use signoff_chassis::identity::{AssertionVerifier, Jwks, VerifierOptions};
    use signoff_workflow::{Phase, Role};

    use super::*;

    /// A body of these frames.
    fn body(frames: &[&'static [u8]]) -> Body {
        let early =
            frames.iter().rev().map(|data| Ok(Frame::data(Bytes::from_static(data)))).collect();
        Body::new(Replayed { early, rest: Body::empty() })
    }

    async fn rest(mut body: Body) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
        {
            all.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        all
    }

    #[tokio::test]
    async fn the_first_message_is_seen_wherever_it_is_cut_and_the_body_stays_whole() {
        let cuts: [&[&[u8]]; 4] = [
            &[&[0, 0, 0, 0, 2, 7, 8], &[0, 0, 0, 0, 1, 9]],
            &[&[0, 0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 1, 9]],
            &[&[0, 0], &[0, 0, 2, 7], &[8, 0, 0, 0, 0, 1, 9]],
            &[&[], &[0, 0, 0, 0, 2], &[7, 8], &[0, 0, 0, 0, 1, 9]],
        ];
        for frames in cuts {
            let (first, body) = first_message(body(frames)).await;
            assert_eq!(first.unwrap(), [7, 8].as_slice());
            assert_eq!(rest(body).await, [0, 0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 1, 9]);
        }
        for frames in [&[][..], &[&[0, 0, 0, 0, 2, 7][..]]] {
            let (first, body) = first_message(body(frames)).await;
            assert_eq!(first, None);
            assert_eq!(rest(body).await, frames.concat());
        }
    }

    #[test]
    fn an_assertion_is_for_its_call_and_has_roles_where_they_are_held() {
        let id = Uuid::from_u128;
        let here = Workflow { cycle_id: id(1), report_id: id(2) };
        let elsewhere = Workflow { cycle_id: id(1), report_id: id(3) };
        let key = Arc::new(SigningKey::generate().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let jwks = folder.path().join("jwks.json");
        Jwks::of([&*key]).save(&jwks).unwrap();
        let verifier = AssertionVerifier::new(vec![jwks], VerifierOptions::default()).unwrap();

        let claims = Claims::new(10, "user-10", Duration::ZERO).on(here);
        let claims = claims.with_roles([Role::Tester, Role::Auditor]);
        let signer = Signer { key, claims, kept: Mutex::default() };
        let call = |workflow, phase| Call { method: "/a.B/C".to_owned(), workflow, phase };
        for (workflow, phase, on_report) in [
            (Some(here), Some(3), &[Role::Tester][..]),
            (Some(here), None, &[Role::Tester]),
            (Some(elsewhere), Some(3), &[]),
            (None, None, &[]),
        ] {
            let shown = signer.assertion(call(workflow, phase));
            assert_eq!(signer.assertion(call(workflow, phase)), shown, "it is kept");
            let token = shown.to_str().unwrap().strip_prefix("Bearer ").unwrap();
            let caller = verifier.verify(token).unwrap();
            assert_eq!(caller.method.as_deref(), Some("/a.B/C"));
            assert_eq!((caller.workflow, caller.phase.map(Phase::number)), (workflow, phase));
            assert_eq!(
                (caller.roles.as_slice(), caller.report_roles.as_slice()),
                (&[Role::Auditor][..], on_report)
            );
        }
        assert_eq!(signer.kept.lock().unwrap().len(), 4);
    }
}
