//! Somebody who follows a feed and takes nothing on trust.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use signoff_ledger::{Cursor, Feed, FeedRecord, FeedStanding, Head, Ledger};
use signoff_workflow::Workflow;

/// A follower, what it got and what it was told.
pub(super) struct Follower {
    pub(super) feed: Feed,
    pub(super) got: Vec<FeedRecord>,
    /// Each watermark, and how many records had come with it or before.
    pub(super) watermarks: Vec<(DateTime<Utc>, usize)>,
    standing: Option<FeedStanding>,
    heads: HashMap<Workflow, Head>,
}

impl Follower {
    pub(super) async fn of(ledger: &Ledger, position: Option<Cursor>) -> Self {
        let feed = ledger.follow(position).await.unwrap();
        let (got, watermarks, heads) = (Vec::new(), Vec::new(), HashMap::new());
        Self { feed, got, watermarks, standing: None, heads }
    }

    /// Subscribes anew, behind what it has.
    pub(super) async fn resume(&mut self, ledger: &Ledger) {
        self.feed = ledger.follow(self.feed.position()).await.unwrap();
    }

    /// Takes the next page, each record of which must follow what was there before.
    pub(super) async fn next(&mut self) {
        let page = self.feed.next().await.unwrap();
        for record in page.records {
            assert!(record.link().is_intact());
            let (cursor, before) = (record.cursor, self.got.last().map(|of| of.cursor));
            let place = |cursor: Cursor| (cursor.epoch, cursor.txid, cursor.sequence);
            assert!(before.map(place) < Some(place(cursor)), "{before:?} {cursor:?}");
            let head = self.heads.entry(cursor.workflow).or_insert(Head::EMPTY);
            assert_eq!((cursor.sequence, record.previous_hash), (head.sequence + 1, head.hash));
            *head = Head { sequence: cursor.sequence, hash: cursor.hash };
            self.got.push(record);
        }
        assert_eq!(self.feed.position(), self.got.last().map(|of| of.cursor));
        if let Some(standing) = page.standing {
            self.watermarks.extend(standing.watermark.map(|at| (at, self.got.len())));
            self.standing = Some(standing);
        }
    }

    /// What it was told last of where the feed stands.
    pub(super) fn standing(&self) -> &FeedStanding {
        self.standing.as_ref().expect("it was told")
    }

    /// Where the chain of a workflow ends, as far as it came.
    pub(super) fn head(&self, workflow: Workflow) -> Head {
        self.heads.get(&workflow).copied().unwrap_or(Head::EMPTY)
    }
}
