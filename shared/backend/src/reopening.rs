//! Phases that are taken up again although others rest on them: a durable mark, everything
//! downstream marked stale, the mark gone. The gateway goes through these steps; whoever meets the
//! mark goes through them again.

use signoff_ledger::gates::{Gate, ReopenRefused, Stale};
use signoff_workflow::PhaseRow;

use crate::{Closed, Fault, Work};

impl Work {
    /// Begins to reopen the phase, or joins the reopening that is under way; gives its number.
    ///
    /// # Errors
    /// There is nothing to reopen, or the phase is stale.
    pub async fn begin_reopen(&mut self, reason: &str) -> Result<i64, Fault> {
        let mut gate = self.command.gate().clone();
        let before = gate.clone();
        let reopening = gate.begin_reopen().map_err(|refused| {
            self.closed(match refused {
                ReopenRefused::NotStarted => Closed::NotStarted,
                ReopenRefused::Stale { because } => Closed::Stale(self.display_name(&because)),
            })
        })?;
        if gate != before {
            self.save_gate("phase.reopen_begun", Some(reason), &before, &gate).await?;
        }
        Ok(reopening)
    }

    /// Marks the phase as stale, since one that it rests on, directly or not, is being reopened.
    ///
    /// # Errors
    /// What the database says.
    pub async fn mark_stale(&mut self, because: &PhaseRow, reopening: i64) -> Result<Gate, Fault> {
        let mut gate = self.command.gate().clone();
        let before = gate.clone();
        gate.mark_stale(Stale { because: because.slug.to_owned(), reopening });
        self.save_gate("phase.marked_stale", None, &before, &gate).await?;
        Ok(gate)
    }

    /// Finishes a reopening of the phase, if it is the one under way.
    ///
    /// # Errors
    /// What the database says.
    pub async fn finish_reopen(&mut self, reopening: i64) -> Result<Gate, Fault> {
        let mut gate = self.command.gate().clone();
        let before = gate.clone();
        if gate.finish_reopen(reopening) {
            self.save_gate("phase.reopened", None, &before, &gate).await?;
        }
        Ok(gate)
    }
}
