//! Messages of a feed, put together into records.

use signoff_contract::feed::v1 as wire;
use signoff_ledger::{Hash, Source};
use signoff_workflow::{PhaseTable, Workflow};
use tonic::Status;

use crate::domain::count::{Arrived, Read, understand};
use crate::domain::touch::touches;
use crate::store::feeds::{HeldBy, Said};

/// Up to how many records are counted in one transaction, and single decisions.
const RECORDS: usize = 2_000;
const TOUCHES: usize = 20_000;

/// Records whose end did not come yet, and those that are whole.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Whole ones.
    pub(super) reads: Vec<Read>,
    /// Behind the last of them.
    pub(super) cursor: Option<String>,
    /// What the feed said behind them.
    pub(super) said: Option<Said>,
    touched: usize,
    open: Option<Open>,
}

/// A record whose details are still coming.
#[derive(Debug)]
struct Open {
    record: Arrived,
    root: signoff_ledger::DetailsRoot,
}

impl Batch {
    /// Whether it is enough for one transaction.
    pub(super) fn is_full(&self) -> bool {
        self.reads.len() >= RECORDS || self.touched >= TOUCHES
    }

    /// Whether there is something to keep.
    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty() && self.said.is_none()
    }

    /// What is whole, as a batch of its own; a record that is still coming stays.
    pub(super) fn take(&mut self) -> Self {
        let open = self.open.take();
        let whole = std::mem::take(self);
        self.open = open;
        whole
    }

    /// Adds a message.
    ///
    /// # Errors
    /// It is no message of a feed.
    pub(super) fn add(
        &mut self,
        message: wire::SubscribeResponse,
        source: Source,
        with_details: bool,
    ) -> Result<(), Status> {
        for part in message.records {
            let mut open = match (part.record, self.open.take()) {
                (Some(record), None) => Open {
                    record: arrived(part.scope.as_ref(), record),
                    root: signoff_ledger::DetailsRoot::default(),
                },
                (None, Some(open)) => open,
                (Some(_), Some(_)) => return Err(odd("a record begins before the last one ended")),
                (None, None) => return Err(odd("details of no record")),
            };
            for chunk in part.details {
                open.take_in(&chunk);
            }
            if part.details_follow {
                self.open = Some(open);
                continue;
            }
            if part.cursor.is_empty() {
                return Err(odd("a record without a cursor"));
            }
            open.record.details = open.root.finish();
            self.touched += open.record.touches.len();
            self.cursor = Some(part.cursor);
            let phases = PhaseTable::standard();
            self.reads.push(understand(open.record, source, with_details, phases));
        }
        if let Some(heartbeat) = message.heartbeat {
            self.said = Some(said(heartbeat));
        }
        Ok(())
    }
}

impl Open {
    fn take_in(&mut self, chunk: &wire::FeedDetails) {
        if !self.root.add(&chunk.body, &chunk.hash) {
            self.record.odd = Some(format!("the hash of its chunk {} is not right", chunk.chunk));
        }
        // What a new version begins with are no verdicts, and may be much.
        let makes_version = ["version.created", "version.revised"].iter().any(|action| {
            self.record.canonical.starts_with(format!("{{\"action\":\"{action}\"").as_bytes())
        });
        if makes_version {
            return;
        }
        match touches(&chunk.body) {
            Ok(more) => self.record.touches.extend(more),
            Err(odd) => self.record.odd = Some(format!("its chunk {}: {odd}", chunk.chunk)),
        }
    }
}

/// A record as it came. What is no id, hash or format is one that no record has: then it is counted among
/// those that could not be.
fn arrived(
    scope: Option<&signoff_contract::workflow::v1::Scope>,
    record: wire::TrailRecord,
) -> Arrived {
    let id = |id: Option<&String>| id.and_then(|id| id.parse().ok()).unwrap_or_default();
    Arrived {
        workflow: Workflow {
            cycle_id: id(scope.map(|scope| &scope.cycle_id)),
            report_id: id(scope.map(|scope| &scope.report_id)),
        },
        sequence: record.sequence,
        format: i16::try_from(record.format).unwrap_or(-1),
        previous_hash: hash(&record.previous_hash),
        hash: hash(&record.hash),
        canonical: record.canonical,
        touches: Vec::new(),
        details: None,
        odd: None,
    }
}

fn hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap_or_default()
}

fn odd(what: &str) -> Status {
    Status::internal(format!("the feed sends {what}"))
}

fn said(heartbeat: wire::Heartbeat) -> Said {
    Said {
        watermark: heartbeat.watermark.and_then(|at| {
            chrono::DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?)
        }),
        waiting: heartbeat.waiting,
        waiting_or_more: heartbeat.waiting_or_more,
        held_by: heartbeat.held_by.map(|holder| HeldBy {
            process_id: holder.process_id,
            database: holder.database,
            role: holder.role,
            application: holder.application,
            seconds: holder.seconds,
        }),
    }
}
