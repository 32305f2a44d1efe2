//! Whether a chain is what it was: pure, fed record by record.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};
use signoff_workflow::Workflow;

use super::{Content, DetailChunk, Details, FORMAT, Hash, Head, Link, Record, Source, record_hash};

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A record is missing, or stands where it does not belong.
    #[error("record {found} stands where record {expected} belongs")]
    Sequence {
        /// The number that belongs there.
        expected: i64,
        /// The number that stands there.
        found: i64,
    },
    /// It does not follow the record before it.
    #[error("its previous hash is not the hash of the record before it")]
    PreviousHash,
    /// Its hash is not that of its bytes.
    #[error("its hash is not the hash of its bytes")]
    Hash,
    /// A newer format, or none.
    #[error("its format {0} is not known")]
    Format(i16),
    /// Its bytes are no record.
    #[error("its bytes cannot be read as a record")]
    Unreadable,
    /// A column, or the chain that it stands in, is not what its bytes say.
    #[error("its {0} is not what its bytes say")]
    Column(&'static str),
    /// A row of the service is not what the chain says of it.
    #[error("{0}")]
    Row(String),
    /// A chunk's hash is not that of its body.
    #[error("the hash of detail chunk {0} is not the hash of its body")]
    Chunk(i32),
    /// A chunk is missing.
    #[error("detail chunk {0} is missing")]
    ChunkMissing(i32),
    /// A chunk that the record knows nothing of.
    #[error("detail chunk {0} does not belong to it")]
    ChunkExtra(i32),
    /// The chunks fit, but are not those of this record.
    #[error("the root of its detail chunks is not what its bytes say")]
    Root,
    /// The chain ends before a record of which chunks are left.
    #[error("it is missing: chunks of record {0} are there")]
    ChunksLeft(i64),
    /// The chain ends before a head that was kept elsewhere.
    #[error(
        "it is missing: the chain was cut, or is an older one; the head of record {0} was kept"
    )]
    Cut(i64),
    /// The record is another one than when its head was kept elsewhere.
    #[error(
        "its hash is not that of the head that was kept: it, or one behind record {after}, was \
         written anew"
    )]
    Rewritten {
        /// The last record before it whose head was kept as well, and fits; 0 if there is none.
        after: i64,
    },
}

/// The first record that does not fit, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence}: {what}")]
pub struct Damage {
    /// Its number; of a missing one, the number that is missing.
    pub sequence: i64,
    /// Why it does not fit.
    pub what: Flaw,
}

/// The outcome of a walk along a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether all of it fits.
    pub intact: bool,
    /// How many records of the chain fit before the first that does not.
    pub records: i64,
    /// The last of them. Compare it with a head that was kept elsewhere: a chain
    /// whose end was cut off is a shorter chain that fits.
    pub head: Head,
    /// The first record that does not fit.
    pub first_damaged: Option<Damage>,
}

/// Walks a chain: each [`record`](Self::record) is followed by its
/// [`chunk`](Self::chunk)s, in order. After the first error nothing more is to be fed.
#[derive(Debug)]
pub struct Verifier {
    source: Source,
    workflow: Workflow,
    head: Head,
    /// The record whose chunks are coming.
    open: Option<Open>,
    /// Heads that were kept elsewhere, in order, and the last of them that the chain was found to have.
    kept: VecDeque<Head>,
    confirmed: i64,
}

#[derive(Debug)]
struct Open {
    head: Head,
    expected: Option<Details>,
    seen: i32,
    root: Sha256,
}

impl Verifier {
    /// A walk from the beginning of the chain that `source` keeps of `workflow`.
    pub fn new(source: Source, workflow: Workflow) -> Self {
        let (kept, confirmed) = (VecDeque::new(), 0);
        Self { source, workflow, head: Head::EMPTY, open: None, kept, confirmed }
    }

    /// Expects the chain to have these heads, which were kept elsewhere.
    #[must_use]
    pub fn with_kept(mut self, heads: impl IntoIterator<Item = Head>) -> Self {
        let mut heads: Vec<Head> = heads.into_iter().filter(|head| *head != Head::EMPTY).collect();
        heads.sort_unstable();
        self.kept = heads.into();
        self
    }

    /// The last record that fits.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The next record.
    ///
    /// # Errors
    /// It does not fit, or a chunk of the one before is missing.
    pub fn record(&mut self, record: &Record) -> Result<(), Damage> {
        self.next(&record.link(), |content| check_columns(record, content))
    }

    /// The next record, where its columns are not at hand.
    ///
    /// # Errors
    /// It does not fit, or a chunk of the one before is missing.
    pub fn link(&mut self, link: &Link<'_>) -> Result<(), Damage> {
        self.next(link, |_| Ok(()))
    }

    fn next(
        &mut self,
        link: &Link<'_>,
        more: impl FnOnce(&Content) -> Result<(), Flaw>,
    ) -> Result<(), Damage> {
        self.close()?;
        let expected = self.head.sequence + 1;
        let checked = self.check(link, expected).and_then(|content| {
            more(&content)?;
            Ok(content)
        });
        let content = checked.map_err(|what| Damage { sequence: expected, what })?;
        self.open = Some(Open {
            head: Head { sequence: link.sequence, hash: link.hash },
            expected: content.details,
            seen: 0,
            root: Sha256::new(),
        });
        Ok(())
    }

    /// The next chunk; `sequence` and `chunk` are what it is filed under.
    ///
    /// # Errors
    /// It does not fit.
    pub fn chunk(
        &mut self,
        sequence: i64,
        chunk: i32,
        content: &DetailChunk,
    ) -> Result<(), Damage> {
        let damage = |what| Err(Damage { sequence, what });
        if self.open.as_ref().is_some_and(|open| open.head.sequence != sequence) {
            self.close()?;
        }
        let Some(open) = &mut self.open else { return damage(Flaw::ChunkExtra(chunk)) };
        if open.expected.as_ref().is_none_or(|details| open.seen >= details.chunks) {
            return damage(Flaw::ChunkExtra(chunk));
        }
        if chunk != open.seen {
            return damage(Flaw::ChunkMissing(open.seen));
        }
        if <Hash>::from(Sha256::digest(&content.body)) != content.hash {
            return damage(Flaw::Chunk(chunk));
        }
        open.root.update(content.hash);
        open.seen += 1;
        Ok(())
    }

    /// The end of the chain, if nothing has failed.
    pub fn finish(mut self) -> Verification {
        match self.complete() {
            Ok(()) => Verification {
                intact: true,
                records: self.head.sequence,
                head: self.head,
                first_damaged: None,
            },
            Err(damage) => self.damaged(damage),
        }
    }

    /// The end of the walk at a record that does not fit.
    pub fn damaged(self, damage: Damage) -> Verification {
        Verification {
            intact: false,
            records: self.head.sequence,
            head: self.head,
            first_damaged: Some(damage),
        }
    }

    /// All chunks of the open record are there: the chain's last record is looked at in full.
    ///
    /// # Errors
    /// They are not, or not those that it speaks of.
    pub(crate) fn close(&mut self) -> Result<(), Damage> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let sequence = open.head.sequence;
        if let Some(details) = open.expected {
            if open.seen != details.chunks {
                return Err(Damage { sequence, what: Flaw::ChunkMissing(open.seen) });
            }
            if <Hash>::from(open.root.finalize()) != details.root {
                return Err(Damage { sequence, what: Flaw::Root });
            }
        }
        while let Some(kept) = self.kept.pop_front_if(|kept| kept.sequence <= sequence) {
            if kept != open.head {
                return Err(Damage { sequence, what: Flaw::Rewritten { after: self.confirmed } });
            }
            self.confirmed = sequence;
        }
        self.head = open.head;
        Ok(())
    }

    /// Behind the last record there are chunks of one that is gone.
    pub(crate) fn behind(&mut self, sequence: i64) -> Result<(), Damage> {
        self.close()?;
        let missing = self.head.sequence + 1;
        Err(Damage { sequence: missing, what: Flaw::ChunksLeft(sequence) })
    }

    /// Nothing comes any more.
    ///
    /// # Errors
    /// The last record does not fit in full, or a head was kept of one that should come.
    pub(crate) fn complete(&mut self) -> Result<(), Damage> {
        self.close()?;
        match self.kept.front() {
            Some(kept) => {
                Err(Damage { sequence: self.head.sequence + 1, what: Flaw::Cut(kept.sequence) })
            }
            None => Ok(()),
        }
    }

    /// The record whose chunks have not all come.
    pub(crate) fn waiting(&self) -> Option<i64> {
        let open = self.open.as_ref()?;
        let all = open.expected.as_ref()?.chunks;
        (open.seen < all).then_some(open.head.sequence)
    }

    fn check(&self, link: &Link<'_>, expected: i64) -> Result<Content, Flaw> {
        if link.sequence != expected {
            return Err(Flaw::Sequence { expected, found: link.sequence });
        }
        if link.previous_hash != self.head.hash {
            return Err(Flaw::PreviousHash);
        }
        if link.hash != record_hash(&link.previous_hash, link.canonical) {
            return Err(Flaw::Hash);
        }
        if link.format != FORMAT {
            return Err(Flaw::Format(link.format));
        }
        let content: Content =
            serde_json::from_slice(link.canonical).map_err(|_| Flaw::Unreadable)?;
        first_that_differs([
            ("source", content.source == self.source),
            ("cycle_id", content.cycle_id == self.workflow.cycle_id),
            ("report_id", content.report_id == self.workflow.report_id),
            ("sequence", content.sequence == link.sequence),
            ("format", content.format == link.format),
            ("previous_hash", content.previous_hash == link.previous_hash),
        ])?;
        Ok(content)
    }
}

fn check_columns(record: &Record, content: &Content) -> Result<(), Flaw> {
    first_that_differs([
        ("phase", content.phase == record.phase),
        ("action", content.action == record.action),
        ("actor", content.actor.user_id == record.actor),
        ("subject", content.subject == record.subject),
        ("request_id", content.request_id == record.request_id),
        ("recorded_at", content.recorded_at == record.recorded_at),
        ("occurred_at", content.occurred_at == record.occurred_at),
        ("origin", content.origin == record.origin),
    ])
}

fn first_that_differs<const N: usize>(columns: [(&'static str, bool); N]) -> Result<(), Flaw> {
    match columns.into_iter().find(|(_, same)| !same) {
        Some((column, _)) => Err(Flaw::Column(column)),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
