//! Somebody who follows a feed, and checks what comes.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message as _;
use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::feed_service_client::FeedServiceClient;
use signoff_contract::workflow::v1::Scope;
use tonic::{Code, Status, Streaming};

use crate::people::{MAX_ANSWER, Person};

/// There is a message every second; what is silent for so long hangs.
const SILENT: Duration = Duration::from_secs(60);
/// How long a message may be: pieces of half a mebibyte, and what a record's own bytes say beside it.
const LONGEST: usize = 1024 * 1024;

/// A record as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Whose chain it is of.
    pub scope: Scope,
    /// The record.
    pub record: feed::TrailRecord,
    /// Its details.
    pub details: Vec<feed::FeedDetails>,
    /// In how many parts it came.
    pub parts: usize,
    /// Goes on behind it.
    pub cursor: String,
}

/// A subscription.
pub struct Subscriber {
    answers: Streaming<feed::SubscribeResponse>,
    /// What came whole.
    pub got: Vec<Received>,
    /// What it was told last of where the feed stands.
    pub heartbeat: Option<feed::Heartbeat>,
    coming: Option<Received>,
    heads: HashMap<(String, String), feed::TrailRecord>,
}

impl Person {
    /// Subscribes to a feed.
    pub async fn subscribe(&self, request: feed::SubscribeRequest) -> Result<Subscriber, Status> {
        let mut client =
            FeedServiceClient::new(self.connection.clone()).max_decoding_message_size(MAX_ANSWER);
        let answers = client.subscribe(request).await?.into_inner();
        let (got, heads) = (Vec::new(), HashMap::new());
        Ok(Subscriber { answers, got, heartbeat: None, coming: None, heads })
    }
}

impl Subscriber {
    /// Takes the next message.
    ///
    /// # Errors
    /// How the subscription ended.
    pub async fn next(&mut self) -> Result<(), Status> {
        let answer = tokio::time::timeout(SILENT, self.answers.message()).await;
        let answer =
            answer.expect("a heartbeat")?.ok_or_else(|| Status::new(Code::Ok, "the end"))?;
        assert!(answer.encoded_len() <= LONGEST, "{}", answer.encoded_len());
        for part in answer.records {
            self.take(part);
        }
        if let Some(heartbeat) = answer.heartbeat {
            assert!(self.coming.is_none(), "not within a record");
            if let Some(last) = self.got.last() {
                assert_eq!(heartbeat.cursor, last.cursor);
            }
            self.heartbeat = Some(heartbeat);
        }
        Ok(())
    }

    /// Takes messages until nothing waits to be sent, and something came.
    ///
    /// # Errors
    /// How the subscription ended.
    pub async fn all(&mut self) -> Result<(), Status> {
        let is_done = |heartbeat: &feed::Heartbeat| heartbeat.waiting == 0;
        self.heartbeat = None;
        while self.got.is_empty() || !self.heartbeat.as_ref().is_some_and(is_done) {
            self.next().await?;
        }
        Ok(())
    }

    /// How it ends, whatever comes before.
    pub async fn end(mut self) -> Status {
        loop {
            if let Err(status) = self.next().await {
                return status;
            }
        }
    }

    fn take(&mut self, part: feed::FeedRecord) {
        let scope = part.scope.expect("whose it is");
        let coming = self.coming.take();
        let mut record = match part.record {
            Some(record) => {
                assert_eq!(coming, None, "its chunks follow");
                self.expect_next(&scope, &record);
                let (details, cursor) = (Vec::new(), String::new());
                Received { scope, record, details, parts: 0, cursor }
            }
            None => {
                let coming = coming.expect("a record before its chunks");
                assert_eq!(coming.scope, scope);
                assert!(!part.details.is_empty());
                coming
            }
        };
        record.parts += 1;
        for chunk in part.details {
            assert_eq!(usize::try_from(chunk.chunk), Ok(record.details.len()));
            record.details.push(chunk);
        }
        assert_eq!(part.details_follow, part.cursor.is_empty());
        record.cursor = part.cursor;
        match part.details_follow {
            true => self.coming = Some(record),
            false => self.got.push(record),
        }
    }

    /// Within a workflow the order is that of the chain.
    fn expect_next(&mut self, scope: &Scope, record: &feed::TrailRecord) {
        assert_eq!(scope.phase, 0, "a chain is of a whole workflow");
        let workflow = (scope.cycle_id.clone(), scope.report_id.clone());
        if let Some(before) = self.heads.insert(workflow, record.clone()) {
            assert_eq!(record.sequence, before.sequence + 1);
            assert_eq!(record.previous_hash, before.hash);
        }
    }
}
