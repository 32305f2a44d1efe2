//! Boards that somebody watches: one reader for all who watch the same workflow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use signoff_contract::gateway::v1 as wire;
use signoff_workflow::Workflow;
use tokio::sync::watch;
use tonic::Status;

use super::Board;
use crate::Gateway;

/// How often a watched board is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What watchers see: the board, or why it cannot be read.
pub type Seen = Option<Result<wire::Board, Status>>;

/// The boards that are watched.
#[derive(Debug, Default)]
pub struct Watching(Mutex<HashMap<Workflow, Weak<watch::Sender<Seen>>>>);

impl Watching {
    /// What is seen of a workflow, as long as somebody holds it.
    pub fn watch(&self, gateway: &Gateway, workflow: Workflow) -> watch::Receiver<Seen> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, sender| sender.strong_count() > 0);
        if let Some(sender) = watched.get(&workflow).and_then(Weak::upgrade) {
            // What the others have seen already is new to this one.
            let mut receiver = sender.subscribe();
            receiver.mark_changed();
            return receiver;
        }
        let (sender, receiver) = watch::channel(None);
        let sender = Arc::new(sender);
        watched.insert(workflow, Arc::downgrade(&sender));
        tokio::spawn(look(gateway.clone(), workflow, sender));
        receiver
    }
}

/// Looks at a board again and again, until nobody watches it.
async fn look(gateway: Gateway, workflow: Workflow, sender: Arc<watch::Sender<Seen>>) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = sender.closed() => return,
            _ = tick.tick() => {}
        }
        let board = Board::read(&gateway, workflow).await;
        let seen = board.map(|board| board.to_wire(gateway.table()));
        sender.send_if_modified(|last| {
            let differs = !is_same(last.as_ref(), &seen);
            if differs {
                *last = Some(seen);
            }
            differs
        });
    }
}

/// Whether a board is as it was; when it was read does not matter.
fn is_same(last: Option<&Result<wire::Board, Status>>, now: &Result<wire::Board, Status>) -> bool {
    match (last, now) {
        (Some(Ok(last)), Ok(now)) => {
            wire::Board { read_at: None, ..last.clone() }
                == wire::Board { read_at: None, ..now.clone() }
        }
        (Some(Err(last)), Err(now)) => last.code() == now.code(),
        _ => false,
    }
}
