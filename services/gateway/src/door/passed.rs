//! What the door found out about a call.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use prost::bytes::Bytes;
use signoff_chassis::Refusal;
use signoff_chassis::identity::TokenError;
use signoff_contract::convert::RequestScope;
use tokio::sync::OwnedSemaphorePermit;
use tonic::body::Body;

use crate::forward::{Method, Target, Who};

/// A call whose caller may make it.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Which.
    pub method: Arc<Method>,
    /// Who serves it.
    pub target: Target,
    /// For whom it is made.
    pub who: Who,
    /// What it is about.
    pub scope: Option<RequestScope>,
    /// Its whole body, if that is one message.
    pub kept: Option<Bytes>,
    /// When the token expires; seconds since 1970.
    pub until: u64,
    /// Room for a long message.
    pub(super) _held: Option<Arc<OwnedSemaphorePermit>>,
}

impl Passed {
    /// # Errors
    /// The token has expired since the call began.
    pub fn expect_valid(&self) -> Result<(), Refusal> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if now > self.until { Err(TokenError::Expired.into()) } else { Ok(()) }
    }
}

/// The body of a request after its first part was read.
pub(super) fn reassembled(read: Bytes, rest: Body) -> Body {
    use http_body::Body as _;

    if rest.is_end_stream() {
        return Body::new(Full::new(read));
    }
    let first = futures::stream::once(async move { Ok(Frame::data(read)) });
    Body::new(StreamBody::new(
        first.chain(rest.into_data_stream().map(|data| data.map(Frame::data))),
    ))
}
