//! The feed on the wire.

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream;
use signoff_chassis::{Admission, Refusal};
use signoff_contract::convert::{time_to_wire, workflow_to_wire};
use signoff_contract::feed::v1 as wire;
use signoff_contract::feed::v1::feed_service_server::{FeedService, FeedServiceServer};
use signoff_ledger::{Cursor, DetailChunk, Feed, FeedError, FeedRecord, FeedStanding};
use signoff_workflow::Violations;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::trail::{content_to_wire, expect_own, source_to_wire};
use super::{Answers, MAX_MESSAGE};
use crate::{Fault, Keeper, ServiceError as _};

/// About how many bytes of records one message carries.
const PIECE: usize = 512 * 1024;
/// How long one subscription lasts: the next one brings a token that is still good.
pub const SUBSCRIBED: Duration = Duration::from_secs(10 * 60);

/// `signoff.feed.v1.FeedService` over a service's trail.
#[derive(Clone, Debug)]
pub struct FeedRpc<B>(B);

/// The feed's service, to be mounted.
pub fn service<B: Keeper>(backend: B) -> FeedServiceServer<FeedRpc<B>> {
    FeedServiceServer::new(FeedRpc(backend)).max_decoding_message_size(MAX_MESSAGE)
}

#[tonic::async_trait]
impl<B: Keeper> FeedService for FeedRpc<B> {
    type SubscribeStream = Answers<wire::SubscribeResponse>;

    async fn subscribe(
        &self,
        request: Request<wire::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        Admission::from(&request)?.permit(None, None)?;
        let (request, backend) = (request.into_inner(), self.0.clone());
        let begun = async {
            expect_own(request.source, backend.ledger().source())?;
            let position =
                match request.cursor.as_str() {
                    "" => None,
                    given => Some(given.parse::<Cursor>().map_err(|bad| {
                        Fault::Invalid(Violations::one("cursor", bad.to_string()))
                    })?),
                };
            Ok(backend.ledger().follow(position).await.map_err(refused))
        };
        let feed = begun.await.map_err(|fault: Fault| Status::from(fault.refusal(None)))??;
        let (room, mut taken) = mpsc::channel(1);
        let following = Following { backend, feed, request, room };
        // A task of its own: what has begun to read goes on until its connection is given back.
        tokio::spawn(following.run().in_current_span());
        Ok(Response::new(Box::pin(stream::poll_fn(move |context| taken.poll_recv(context)))))
    }
}

/// A subscription under way.
struct Following<B> {
    backend: B,
    feed: Feed,
    request: wire::SubscribeRequest,
    room: Room,
}

type Room = mpsc::Sender<Result<wire::SubscribeResponse, Status>>;

/// Why nothing more is sent.
enum Stop {
    /// Nobody takes it any more.
    Gone,
    /// The subscriber is told why.
    Refused(Status),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.refusal(None).into())
    }
}

impl<B: Keeper> Following<B> {
    async fn run(mut self) {
        let followed = tokio::time::timeout(SUBSCRIBED, self.follow()).await;
        if let Ok(Err(Stop::Refused(status))) = followed {
            // Whoever is gone does not hear it.
            let _ = self.room.send(Err(status)).await;
        }
    }

    async fn follow(&mut self) -> Result<(), Stop> {
        loop {
            // Read on only when what was sent is taken.
            drop(self.room.reserve().await.map_err(|_gone| Stop::Gone)?);
            let page = tokio::select! {
                () = self.room.closed() => return Err(Stop::Gone),
                page = self.feed.next() => page.map_err(|error| Stop::Refused(refused(error)))?,
            };
            let mut out = Out::to(&self.room);
            let mut details = Details::of(&self.feed, &page.records, self.request.with_details);
            for (nth, record) in (1..).zip(&page.records) {
                let mut told = self.told(record)?;
                let mut size = record.canonical.len();
                while let Some(chunk) = details.next_of(nth).await? {
                    if size + chunk.body.len() > PIECE {
                        let more = following(&told);
                        told.details_follow = true;
                        out.add(std::mem::replace(&mut told, more), size).await?;
                        size = 0;
                    }
                    size += chunk.body.len();
                    told.details.push(chunk);
                }
                told.cursor = record.cursor.to_string();
                out.add(told, size).await?;
            }
            out.end(page.standing.map(|standing| heartbeat(standing, self.feed.position())))
                .await?;
        }
    }

    fn told(&self, record: &FeedRecord) -> Result<wire::FeedRecord, Fault> {
        let (link, source) = (record.link(), source_to_wire(self.feed.source()));
        let told = match self.request.bytes_only {
            true => wire::TrailRecord {
                sequence: link.sequence,
                source: source.into(),
                format: link.format.into(),
                canonical: link.canonical.to_vec(),
                previous_hash: link.previous_hash.to_vec(),
                hash: link.hash.to_vec(),
                ..wire::TrailRecord::default()
            },
            false => content_to_wire(&link, source, self.backend.phases())?,
        };
        Ok(wire::FeedRecord {
            scope: Some(workflow_to_wire(record.cursor.workflow)),
            record: Some(told),
            ..wire::FeedRecord::default()
        })
    }
}

/// What goes on with the chunks of the same record.
fn following(told: &wire::FeedRecord) -> wire::FeedRecord {
    wire::FeedRecord { scope: told.scope.clone(), ..wire::FeedRecord::default() }
}

/// Messages of a bounded size on their way.
struct Out<'a> {
    room: &'a Room,
    message: wire::SubscribeResponse,
    size: usize,
}

impl<'a> Out<'a> {
    fn to(room: &'a Room) -> Self {
        Self { room, message: wire::SubscribeResponse::default(), size: 0 }
    }

    async fn add(&mut self, record: wire::FeedRecord, size: usize) -> Result<(), Stop> {
        if self.size > 0 && self.size + size > PIECE {
            self.send().await?;
        }
        self.size += size;
        self.message.records.push(record);
        Ok(())
    }

    async fn end(mut self, heartbeat: Option<wire::Heartbeat>) -> Result<(), Stop> {
        self.message.heartbeat = heartbeat;
        self.send().await
    }

    async fn send(&mut self) -> Result<(), Stop> {
        self.size = 0;
        let message = std::mem::take(&mut self.message);
        if message == wire::SubscribeResponse::default() {
            return Ok(());
        }
        self.room.send(Ok(message)).await.map_err(|_gone| Stop::Gone)
    }
}

/// The chunks of a page of records, in order, read as they are needed.
struct Details<'a> {
    feed: &'a Feed,
    records: &'a [FeedRecord],
    read: VecDeque<(i64, i32, DetailChunk)>,
    /// Behind what was read; nothing once all was.
    after: Option<(i64, i32)>,
}

impl<'a> Details<'a> {
    fn of(feed: &'a Feed, records: &'a [FeedRecord], wanted: bool) -> Self {
        Self { feed, records, read: VecDeque::new(), after: wanted.then_some((1, -1)) }
    }

    /// The next chunk of a record, by its place in the page.
    async fn next_of(&mut self, nth: i64) -> Result<Option<wire::FeedDetails>, Fault> {
        if self.read.is_empty()
            && let Some(after) = self.after
        {
            self.read = self.feed.details(self.records, after).await?.into();
            self.after = self.read.back().map(|(of, chunk, _)| (*of, *chunk));
        }
        if self.read.front().is_none_or(|(of, ..)| *of != nth) {
            return Ok(None);
        }
        Ok(self.read.pop_front().map(|(_, chunk, content)| wire::FeedDetails {
            chunk,
            body: content.body,
            hash: content.hash.to_vec(),
        }))
    }
}

fn heartbeat(standing: FeedStanding, position: Option<Cursor>) -> wire::Heartbeat {
    wire::Heartbeat {
        watermark: standing.watermark.map(time_to_wire),
        waiting: standing.waiting,
        waiting_or_more: standing.waiting_or_more,
        cursor: position.map(|cursor| cursor.to_string()).unwrap_or_default(),
        held_by: standing.held_by.map(|holder| wire::HeldBy {
            process_id: holder.process_id,
            database: holder.database,
            role: holder.role,
            application: holder.application,
            seconds: holder.seconds,
        }),
    }
}

/// What a subscriber hears of a feed that cannot be followed.
fn refused(error: FeedError) -> Status {
    match error {
        FeedError::EpochChanged => Refusal::epoch_changed().into(),
        FeedError::Ended => Refusal::unavailable("the service stops: subscribe again").into(),
        FeedError::Ledger(error) => Fault::from(error).refusal(None).into(),
    }
}
