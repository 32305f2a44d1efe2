//! The line in front of a workflow: who waits for a busy one holds no connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use signoff_workflow::Workflow;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{LedgerError, RETRY_AFTER};

/// How many may wait for one workflow, and how long.
#[derive(Clone, Copy, Debug)]
pub struct QueueOptions {
    /// How many commands may wait behind the one that runs.
    pub max_waiting: usize,
    /// How long a command may wait.
    pub max_wait: Duration,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { max_waiting: 64, max_wait: Duration::from_secs(5) }
    }
}

/// The lines of all workflows that have one now.
#[derive(Debug)]
pub(crate) struct Queues {
    options: QueueOptions,
    lines: Mutex<HashMap<Workflow, Line>>,
}

#[derive(Debug)]
struct Line {
    turn: Arc<Semaphore>,
    /// The one whose turn it is, and those behind it.
    members: usize,
}

/// A place in a line. Dropping it leaves the line.
#[derive(Debug)]
struct Place {
    queues: Arc<Queues>,
    workflow: Workflow,
}

/// The turn in a workflow. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Turn {
    // Before the place: the line must still be there when the turn is passed on.
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

impl Queues {
    pub(crate) fn new(options: QueueOptions) -> Self {
        Self { options, lines: Mutex::default() }
    }

    /// Waits for the turn in a workflow: first come, first served.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] when the line is full or the wait too long.
    pub(crate) async fn wait(self: &Arc<Self>, workflow: Workflow) -> Result<Turn, LedgerError> {
        let busy = LedgerError::Busy { retry_after: RETRY_AFTER };
        let Some((place, turn)) = self.join(workflow) else { return Err(busy) };
        match tokio::time::timeout(self.options.max_wait, turn.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit, _place: place }),
            // A closed semaphore cannot be: nobody closes it.
            Ok(Err(_)) | Err(_) => Err(busy),
        }
    }

    fn join(self: &Arc<Self>, workflow: Workflow) -> Option<(Place, Arc<Semaphore>)> {
        let mut lines = self.lines();
        let line = lines
            .entry(workflow)
            .or_insert_with(|| Line { turn: Arc::new(Semaphore::new(1)), members: 0 });
        if line.members > self.options.max_waiting {
            return None;
        }
        line.members += 1;
        Some((Place { queues: Arc::clone(self), workflow }, Arc::clone(&line.turn)))
    }

    // A panic under the lock is impossible, and would leave the map whole.
    fn lines(&self) -> MutexGuard<'_, HashMap<Workflow, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn members(&self, workflow: Workflow) -> usize {
        self.lines().get(&workflow).map_or(0, |line| line.members)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.queues.lines();
        if let Some(line) = lines.get_mut(&self.workflow) {
            line.members -= 1;
            if line.members == 0 {
                lines.remove(&self.workflow);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn workflow(n: u128) -> Workflow {
        Workflow { cycle_id: Uuid::from_u128(n), report_id: Uuid::from_u128(n) }
    }

    fn queues(max_waiting: usize, max_wait: Duration) -> Arc<Queues> {
        Arc::new(Queues::new(QueueOptions { max_waiting, max_wait }))
    }

    async fn until(queues: &Arc<Queues>, members: usize) {
        while queues.members(workflow(1)) != members {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_line_is_bounded_and_other_workflows_are_free() {
        let queues = queues(1, Duration::from_secs(60));
        let first = queues.wait(workflow(1)).await.unwrap();
        let second = tokio::spawn({
            let queues = Arc::clone(&queues);
            async move { queues.wait(workflow(1)).await }
        });
        until(&queues, 2).await;
        let third = queues.wait(workflow(1)).await;
        assert!(matches!(third, Err(LedgerError::Busy { .. })));
        queues.wait(workflow(2)).await.unwrap();
        drop(first);
        drop(second.await.unwrap().unwrap());
        assert!(queues.lines().is_empty(), "lines that nobody stands in are gone");
    }

    #[tokio::test]
    async fn who_is_cancelled_leaves_the_line() {
        let queues = queues(1, Duration::from_secs(60));
        let first = queues.wait(workflow(1)).await.unwrap();
        let second = tokio::spawn({
            let queues = Arc::clone(&queues);
            async move { queues.wait(workflow(1)).await.map(drop) }
        });
        until(&queues, 2).await;
        second.abort();
        assert!(second.await.unwrap_err().is_cancelled());
        assert_eq!(queues.members(workflow(1)), 1);
        drop(first);
        queues.wait(workflow(1)).await.unwrap();
        assert!(queues.lines().is_empty());
    }

    #[tokio::test]
    async fn a_wait_ends() {
        let queues = queues(5, Duration::from_millis(1));
        let _first = queues.wait(workflow(1)).await.unwrap();
        let second = queues.wait(workflow(1)).await;
        assert!(matches!(second, Err(LedgerError::Busy { .. })));
        assert_eq!(queues.members(workflow(1)), 1);
    }
}
