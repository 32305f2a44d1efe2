//! One opening of a phase at a time, in this process: those who come meanwhile find it open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use signoff_workflow::Scope;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Which phases are being opened. Correct without it: each opening reads the board more than once,
/// and many at the same time overtake one another and leave the backends no connections.
#[derive(Debug, Default)]
pub struct Openings(Mutex<HashMap<Scope, Weak<Turn<()>>>>);

impl Openings {
    /// Waits until nobody else here opens this phase.
    pub(super) async fn turn(&self, scope: Scope) -> OwnedMutexGuard<()> {
        self.of(scope).lock_owned().await
    }

    fn of(&self, scope: Scope) -> Arc<Turn<()>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = known.get(&scope).and_then(Weak::upgrade) {
            return turn;
        }
        known.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        known.insert(scope, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use signoff_workflow::{Phase, Workflow};
    use uuid::Uuid;

    use super::*;

    fn scope(report: u128, phase: Phase) -> Scope {
        let (cycle_id, report_id) = (Uuid::from_u128(1), Uuid::from_u128(report));
        Scope { workflow: Workflow { cycle_id, report_id }, phase }
    }

    #[tokio::test]
    async fn one_phase_is_opened_once_at_a_time_and_others_meanwhile() {
        let openings = Openings::default();
        let first = openings.turn(scope(1, Phase::PLANNING)).await;
        assert!(openings.turn(scope(1, Phase::PLANNING)).now_or_never().is_none());
        let _phase = openings.turn(scope(1, Phase::SCOPING)).await;
        let _report = openings.turn(scope(2, Phase::PLANNING)).await;
        drop(first);
        let _second = openings.turn(scope(1, Phase::PLANNING)).await;
    }

    #[tokio::test]
    async fn what_is_over_is_forgotten() {
        let openings = Openings::default();
        for report in 0..10 {
            drop(openings.turn(scope(report, Phase::PLANNING)).await);
        }
        assert_eq!(openings.0.lock().unwrap().len(), 1);
    }
}
