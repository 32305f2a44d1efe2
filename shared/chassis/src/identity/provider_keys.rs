//! The identity provider's keys, fetched again and again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::key_source::{Fetcher, KeySource};
use super::public_key::PublicKey;
use super::{Jwks, KeyError};

/// How many may wait in line for the same fetch.
const ASKING: usize = 64;
/// How soon a failed fetch is tried again at the earliest, if nobody asks.
const RETRY: Duration = Duration::from_secs(1);

/// Keys by their kid.
pub(super) type KeySet = HashMap<String, PublicKey>;

/// The provider's keys, which one task keeps fresh: there is never more than one fetch at a time.
pub(super) struct ProviderKeys {
    pub(super) current: watch::Receiver<Option<Arc<KeySet>>>,
    asks: mpsc::Sender<oneshot::Sender<()>>,
}

impl ProviderKeys {
    /// Fetches the keys for the first time. A file must be there; behind a URL there may be nobody
    /// yet.
    pub(super) async fn open(
        source: &KeySource,
        refresh: Duration,
        cooldown: Duration,
    ) -> Result<Self, KeyError> {
        let (publish, current) = watch::channel(None);
        let mut keeper = Keeper {
            source: source.clone(),
            fetcher: Fetcher::new(source)?,
            publish,
            text: Vec::new(),
            refresh,
            cooldown,
            asked_at: Instant::now(),
            failed: false,
        };
        match (keeper.fetch().await, source) {
            (Err(error), KeySource::File(_)) => return Err(error),
            (fetched, _) => keeper.note(fetched),
        }
        let (asks, asked) = mpsc::channel(ASKING);
        tokio::spawn(keeper.keep(asked));
        Ok(Self { current, asks })
    }

    /// The last good keys, if there were any.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.current.borrow().clone()
    }

    /// Has them fetched again, unless that was done a moment ago.
    pub(super) async fn ask_again(&self) {
        let (answer, answered) = oneshot::channel();
        if self.asks.send(answer).await.is_ok() {
            // Without an answer the keys stay as they are.
            let _ = answered.await;
        }
    }
}

/// Fetches the keys, as long as somebody is there who needs them.
struct Keeper {
    source: KeySource,
    fetcher: Fetcher,
    publish: watch::Sender<Option<Arc<KeySet>>>,
    /// What was fetched last: as long as it is the same, so are the keys.
    text: Vec<u8>,
    refresh: Duration,
    cooldown: Duration,
    /// When the last fetch ended, well or not.
    asked_at: Instant,
    failed: bool,
}

impl Keeper {
    async fn keep(mut self, mut asked: mpsc::Receiver<oneshot::Sender<()>>) {
        loop {
            let wait =
                if self.failed { self.cooldown.max(RETRY).min(self.refresh) } else { self.refresh };
            let answer = tokio::select! {
                asked = asked.recv() => match asked {
                    Some(answer) => Some(answer),
                    None => return,
                },
                () = sleep_until(self.asked_at + wait) => None,
            };
            if answer.is_none() || self.asked_at.elapsed() >= self.cooldown {
                let fetched = self.fetch().await;
                self.note(fetched);
            }
            if let Some(answer) = answer {
                // Whoever asked may have gone.
                let _ = answer.send(());
            }
        }
    }

    async fn fetch(&mut self) -> Result<(), KeyError> {
        let text = self.fetcher.fetch().await?;
        if text == self.text {
            return Ok(());
        }
        let keys = Jwks::parse(&text)
            .map_err(|reason| KeyError::NotAKeySet { at: self.source.to_string(), reason })?
            .public_keys();
        if keys.is_empty() {
            return Err(KeyError::NoUsableKey(self.source.to_string()));
        }
        self.text = text;
        self.publish.send_replace(Some(Arc::new(keys)));
        Ok(())
    }

    fn note(&mut self, fetched: Result<(), KeyError>) {
        self.asked_at = Instant::now();
        self.failed = fetched.is_err();
        if let Err(error) = fetched {
            let kept = self.publish.borrow().is_some();
            tracing::warn!(%error, kept, "the identity provider's keys cannot be fetched");
        }
    }
}
