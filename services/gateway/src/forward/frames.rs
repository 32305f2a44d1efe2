//! The first message of a call, read from its body frame by frame (gRPC over HTTP/2: a byte that
//! says whether it is compressed, four of its length, the message).

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use prost::bytes::{Buf as _, Bytes, BytesMut};
use signoff_chassis::Refusal;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::Violations;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;
use tonic::{Code, Status};

/// Longest message that needs no room of its own, in bytes.
const SHORT: usize = 64 * 1024;
/// In which steps room is taken, in bytes.
const AT_ONCE: usize = 256 * 1024;
/// When to try again, where there is no room.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Bytes before each message.
const PREFIX: usize = 5;

/// The first message of a call, and what comes after it.
#[derive(Debug)]
pub struct First {
    /// The message itself.
    pub message: Bytes,
    /// All that was read: the message with its prefix, and maybe the begin of what comes next.
    pub read: Bytes,
    /// What was not read yet.
    pub rest: Body,
    /// Its share of what may be held at once, if it is a long one.
    pub held: Option<OwnedSemaphorePermit>,
}

/// Why there is no first message.
#[derive(Debug)]
pub enum NoMessage {
    /// A refusal.
    Refused(Refusal),
    /// It is compressed, which nobody offered.
    Compressed,
    /// The client went away.
    Gone(Status),
}

impl From<NoMessage> for Status {
    fn from(none: NoMessage) -> Self {
        match none {
            NoMessage::Refused(refusal) => refusal.into(),
            NoMessage::Compressed => {
                Refusal::unsupported("compressed messages are not taken").into()
            }
            NoMessage::Gone(status) => status,
        }
    }
}

/// Reads the first message, of at most `longest` bytes. `room` has a permit for each KiB that may be
/// held at once; a short message takes none.
///
/// # Errors
/// There is none, it is too long, there is no room for it, or it is compressed.
pub async fn first_message(
    mut body: Body,
    longest: usize,
    room: &Arc<Semaphore>,
) -> Result<First, NoMessage> {
    let mut held: Option<OwnedSemaphorePermit> = None;
    let mut read = Bytes::new();
    let mut more = BytesMut::new();
    let mut needed = PREFIX;
    loop {
        let have = if more.is_empty() { &read[..] } else { &more[..] };
        if have.len() >= PREFIX {
            let (flag, length) = prefix(have);
            if flag != 0 {
                return Err(NoMessage::Compressed);
            }
            if length > longest {
                let what = format!("the message has {length} bytes; at most {longest} are taken");
                return Err(NoMessage::Refused(Refusal::limit_exceeded(what, None)));
            }
            needed = PREFIX + length;
        }
        if have.len() >= needed {
            break;
        }
        match body.frame().await {
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { return Err(missing()) };
                // Most messages come in one frame, which is then not copied.
                if read.is_empty() && more.is_empty() {
                    read = data;
                } else {
                    if more.is_empty() {
                        more.reserve(needed.min(longest + PREFIX));
                        more.extend_from_slice(&std::mem::take(&mut read));
                    }
                    more.extend_from_slice(&data);
                }
                hold(&mut held, read.len().max(more.len()), room).map_err(NoMessage::Refused)?;
            }
            Some(Err(status)) => return Err(NoMessage::Gone(status)),
            None => return Err(missing()),
        }
    }
    let read = if more.is_empty() { read } else { more.freeze() };
    Ok(First { message: read.slice(PREFIX..needed), read, rest: body, held })
}

/// Reads a body to its end, which comes right after the message of a call that has one.
///
/// # Errors
/// More comes.
pub(crate) async fn expect_end(first: &mut First) -> Result<(), NoMessage> {
    let more = first.read.len() > PREFIX + first.message.len();
    while let Some(frame) = first.rest.frame().await {
        let data = frame.map_err(NoMessage::Gone)?.into_data().unwrap_or_default();
        if !data.is_empty() {
            return Err(several());
        }
    }
    if more { Err(several()) } else { Ok(()) }
}

fn several() -> NoMessage {
    NoMessage::Refused(Refusal::invalid(Violations::one("message", "the method takes one")))
}

/// Takes room for what has come, not for what is announced: that may never come.
pub(crate) fn hold(
    held: &mut Option<OwnedSemaphorePermit>,
    length: usize,
    room: &Arc<Semaphore>,
) -> Result<(), Refusal> {
    let needed = if length > SHORT { length.div_ceil(AT_ONCE) * (AT_ONCE / 1024) } else { 0 };
    let more = needed.saturating_sub(held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
    if more == 0 {
        return Ok(());
    }
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    let Ok(permit) = Arc::clone(room).try_acquire_many_owned(more) else {
        let what = "the gateway holds as much as it can: try again";
        return Err(Refusal::limit_exceeded(what, Some(RETRY_AFTER)));
    };
    match held {
        Some(held) => held.merge(permit),
        None => *held = Some(permit),
    }
    Ok(())
}

fn prefix(mut bytes: &[u8]) -> (u8, usize) {
    let flag = bytes.get_u8();
    (flag, usize::try_from(bytes.get_u32()).unwrap_or(usize::MAX))
}

fn missing() -> NoMessage {
    let violations = Violations::one("message", "the call ended before its first message did");
    NoMessage::Refused(Refusal::invalid(violations))
}

/// The reason of a refusal that a backend answered without a message: its code and details.
pub(crate) fn reason_of(status: &Status) -> Option<ErrorReason> {
    use tonic_types::StatusExt as _;

    if status.code() == Code::Ok {
        return None;
    }
    let info = status.get_details_error_info()?;
    ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason))
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;
    use tonic::Code;

    use super::*;

    fn body(frames: &[&[u8]]) -> Body {
        let frames: Vec<_> = frames
            .iter()
            .map(|data| Ok::<_, Status>(http_body::Frame::data(Bytes::copy_from_slice(data))))
            .collect();
        Body::new(StreamBody::new(futures::stream::iter(frames)))
    }

    async fn first_message(body: Body, longest: usize) -> Result<First, NoMessage> {
        super::first_message(body, longest, &Arc::new(Semaphore::new(1))).await
    }

    #[tokio::test]
    async fn a_long_message_needs_room() {
        let long = [&[0, 0, 1, 0, 1][..], &vec![0; 65_537]].concat();
        let none = first_message(body(&[&long]), 1 << 20).await.unwrap_err();
        assert_eq!(Status::from(none).code(), Code::ResourceExhausted);
        let room = Arc::new(Semaphore::new(256));
        let first = super::first_message(body(&[&long]), 1 << 20, &room).await.unwrap();
        assert_eq!(room.available_permits(), 0);
        drop(first);
        assert_eq!(room.available_permits(), 256);
    }

    #[tokio::test]
    async fn a_message_is_read_however_it_is_cut() {
        let whole = [0, 0, 0, 0, 3, 7, 8, 9, 0, 0];
        for size in 1..=whole.len() {
            let frames: Vec<&[u8]> = whole.chunks(size).collect();
            let first = first_message(body(&frames), 3).await.unwrap();
            assert_eq!(&first.message[..], [7, 8, 9], "frames of {size}");
            let rest = first.rest.collect().await.unwrap().to_bytes();
            assert_eq!([&first.read[..], &rest[..]].concat(), whole, "frames of {size}");
        }
    }

    #[tokio::test]
    async fn after_one_message_comes_the_end() {
        let mut one = first_message(body(&[&[0, 0, 0, 0, 1, 7], &[]]), 3).await.unwrap();
        assert!(expect_end(&mut one).await.is_ok());
        for frames in [&[&[0, 0, 0, 0, 1, 7, 0][..]][..], &[&[0, 0, 0, 0, 1, 7], &[0]]] {
            let mut first = first_message(body(frames), 3).await.unwrap();
            let refused = Status::from(expect_end(&mut first).await.unwrap_err());
            assert_eq!(refused.code(), Code::InvalidArgument);
        }
    }

    #[tokio::test]
    async fn an_empty_message_is_one() {
        let first = first_message(body(&[&[0, 0, 0, 0, 0]]), 3).await.unwrap();
        assert!(first.message.is_empty());
    }

    #[tokio::test]
    async fn what_is_no_message_is_refused() {
        let cases: [(&[&[u8]], Code); 5] = [
            (&[], Code::InvalidArgument),
            (&[&[0, 0, 0]], Code::InvalidArgument),
            (&[&[0, 0, 0, 0, 3, 1]], Code::InvalidArgument),
            (&[&[1, 0, 0, 0, 1, 1]], Code::Unimplemented),
            (&[&[0, 0, 0, 0, 4, 1, 2, 3, 4]], Code::ResourceExhausted),
        ];
        for (frames, code) in cases {
            let none = first_message(body(frames), 3).await.unwrap_err();
            assert_eq!(Status::from(none).code(), code, "{frames:?}");
        }
    }

    #[tokio::test]
    async fn a_length_that_is_too_long_is_refused_before_it_comes() {
        let none = first_message(body(&[&[0, 255, 255, 255, 255]]), 1 << 20).await.unwrap_err();
        assert_eq!(Status::from(none).code(), Code::ResourceExhausted);
    }
}
