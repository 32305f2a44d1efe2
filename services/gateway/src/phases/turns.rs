//! Openings of the same phase in one gateway, one after the other: each beginning would end the
//! attempt of the one before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use signoff_workflow::Scope;
use tokio::sync::Mutex as AsyncMutex;

/// Whose turn it is, phase by phase.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Scope, Weak<AsyncMutex<()>>>>);

impl Turns {
    /// The turn at one phase of a workflow.
    pub(super) fn at(&self, scope: Scope) -> Arc<AsyncMutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(&scope).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(scope, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use signoff_workflow::{Phase, Workflow};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_phase_has_one_turn_as_long_as_somebody_holds_it() {
        let workflow = Workflow { cycle_id: Uuid::nil(), report_id: Uuid::nil() };
        let scope = |phase| Scope { workflow, phase };
        let turns = Turns::default();
        let one = turns.at(scope(Phase::PLANNING));
        assert!(Arc::ptr_eq(&one, &turns.at(scope(Phase::PLANNING))));
        assert!(!Arc::ptr_eq(&one, &turns.at(scope(Phase::SCOPING))));
        drop(one);
        turns.at(scope(Phase::SCOPING));
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
