//! Gates of phases: begun, opened, fenced, sealed, released. Which phase rests on which is the
//! phase table's to say; how attempts and holds work, the ledger's.

use std::sync::Arc;

use serde_json::{Value, json};
use signoff_ledger::gates::{
    BeginRefused, Fenced, Foundation, Gate, OpenRefused, Opened, SealRefused, TrailHead,
};
use signoff_workflow::{PhaseRow, Scope, Violations};
use uuid::Uuid;

use super::Change;
use super::details::Details;
use crate::domain::error::{Error, GateRefused};
use crate::domain::phase::{Standing as PhaseStanding, not_covered};
use crate::store::{coverage, versions};

impl Change {
    /// Begins an attempt to open the phase.
    ///
    /// # Errors
    /// It is open, or stale and not to be reaffirmed, or others rest on it as it is.
    pub async fn begin_open(&mut self, reaffirm: bool) -> Result<i64, Error> {
        let mut gate = self.command.gate().clone();
        let before = gate.clone();
        let attempt = gate.begin_open(reaffirm).map_err(|refused| match refused {
            BeginRefused::AlreadyOpen => self.gate_refused(GateRefused::AlreadyOpen),
            BeginRefused::Stale => self.gate_refused(GateRefused::Stale),
            BeginRefused::Sealed { holders } => self.closed(self.sealed_by(&holders)),
        })?;
        self.save_gate("phase.open_begun", None, &before, &gate).await?;
        Ok(attempt)
    }

    /// Opens the phase, if the attempt is its current one.
    ///
    /// # Errors
    /// The attempt is over, `rests_on` is not exactly what the phase must rest on, or others rest on
    /// the phase as it is.
    pub async fn open(&mut self, attempt: i64, rests_on: Vec<Foundation>) -> Result<Gate, Error> {
        let mut gate = self.command.gate().clone();
        let before = gate.clone();
        let required: Vec<&str> = self
            .row
            .rests_on
            .iter()
            .filter_map(|phase| self.phases.get(*phase))
            .map(|row| row.slug)
            .collect();
        let opened = Opened { attempt, at: self.command.now(), by: self.actor.user_id };
        gate.open(opened, rests_on, &required).map_err(|refused| match refused {
            OpenRefused::AlreadyOpen => self.gate_refused(GateRefused::AlreadyOpen),
            OpenRefused::NotCurrent { current } => {
                self.gate_refused(GateRefused::AttemptSuperseded { current })
            }
            OpenRefused::WrongFoundations { missing, unexpected } => {
                let violations = self.wrong_foundation(&missing, &unexpected);
                self.gate_refused(GateRefused::WrongFoundation(violations))
            }
            OpenRefused::Sealed { holders } => self.closed(self.sealed_by(&holders)),
        })?;
        if gate != before {
            self.save_gate("phase.opened", None, &before, &gate).await?;
        }
        Ok(gate)
    }

    /// Asks whether an attempt is dead, and sees to it that a dead one stays so.
    ///
    /// # Errors
    /// The attempt was never given out.
    pub async fn fence(&mut self, attempt: i64) -> Result<bool, Error> {
        let mut gate = self.command.gate().clone();
        if attempt > gate.attempt {
            let never = "was never given out";
            return Err(Error::Invalid(Violations::one("attempt", never)));
        }
        let before = gate.clone();
        let dead = gate.fence(attempt) == Fenced::Dead;
        if gate != before {
            self.save_gate("phase.fenced", None, &before, &gate).await?;
        }
        Ok(dead)
    }

    /// Seals phases for one that is to rest on them: all, or none. Says what they stand at.
    ///
    /// Of a phase that may be sealed unopened, closed versions must cover the executions that are
    /// `required`.
    ///
    /// # Errors
    /// [`Error::Unmet`] says what is missing, or the attempt is not the holder's current one.
    pub async fn seal(
        &mut self,
        rows: &[PhaseRow],
        holder: &PhaseRow,
        attempt: i64,
        required: &[Uuid],
    ) -> Result<Vec<Foundation>, Error> {
        let phases = Arc::clone(&self.phases);
        let slugs: Vec<&str> = rows.iter().map(|row| row.slug).chain([holder.slug]).collect();
        let mut gates = self.command.load_gates(&slugs).await?;
        // A holder of another service gives its attempts out there, and has no gate here.
        let given_out = gates.remove(holder.slug).map_or(0, |of| of.attempt);
        if given_out > 0 && attempt != given_out {
            let refused = GateRefused::AttemptSuperseded { current: given_out };
            return Err(Error::Gate { phase: holder.display_name.to_owned(), reason: refused });
        }
        let (mut foundations, mut unmet, mut sealed) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let scope = Scope { phase: row.phase, ..self.scope };
            let current = versions::current(self.conn(), scope, row).await?;
            let open = versions::open(self.conn(), scope, row).await?;
            let before = gates.remove(row.slug).unwrap_or_default();
            let standing = PhaseStanding {
                phases: &phases,
                row,
                gate: &before,
                current: current.as_ref(),
                open: open.as_ref(),
                any_closed: false,
            };
            let mut missing = standing.missing();
            if row.seals_unopened && !required.is_empty() {
                let uncovered = coverage::uncovered(self.conn(), scope, row, required).await?;
                missing.extend(not_covered(row, &uncovered));
            }
            let mut gate = before.clone();
            let complete = missing.is_empty();
            match gate.seal(holder.slug, attempt, complete, row.seals_unopened) {
                Ok(()) => {
                    let version_id = current.map(|version| version.version_id);
                    foundations.push((row, version_id));
                    sealed.push((row, before, gate));
                }
                Err(SealRefused::LaterAttempt { attempt: current }) => {
                    return Err(self.gate_refused(GateRefused::AttemptSuperseded { current }));
                }
                Err(
                    SealRefused::NotStarted
                    | SealRefused::Reopening
                    | SealRefused::Stale
                    | SealRefused::Incomplete,
                ) => unmet.extend(missing),
            }
        }
        if !unmet.is_empty() {
            return Err(Error::Unmet(unmet));
        }
        for (row, before, gate) in sealed {
            if gate != before {
                self.save_gate_of(row, "phase.sealed", None, &before, &gate).await?;
            }
        }
        let head = self.command.head();
        let trail_head = TrailHead { sequence: head.sequence, hash: hex::encode(head.hash) };
        let foundations = foundations
            .into_iter()
            .map(|(row, version_id)| Foundation {
                phase: row.slug.to_owned(),
                version_id,
                trail_head: Some(trail_head.clone()),
            })
            .collect();
        Ok(foundations)
    }

    /// Drops a holder's hold on the phase, up to one of its attempts.
    ///
    /// # Errors
    /// The holder is open on that hold.
    pub async fn release_seal(&mut self, holder: &PhaseRow, up_to: i64) -> Result<Gate, Error> {
        let mut gate = self.command.gate().clone();
        let before = gate.clone();
        let resting = self.command.load_gates(&[holder.slug]).await?.remove(holder.slug);
        // A holder of another service is asked by `Fence` there, before it is released here.
        if resting.is_some_and(|of| {
            of.is_open() && of.opened.is_some_and(|opened| opened.attempt <= up_to)
        }) {
            let holder = holder.display_name.to_owned();
            return Err(self.gate_refused(GateRefused::HolderOpen { holder }));
        }
        if gate.release_seal(holder.slug, up_to) {
            self.save_gate("phase.seal_released", None, &before, &gate).await?;
        }
        Ok(gate)
    }

    fn gate_refused(&self, reason: GateRefused) -> Error {
        Error::Gate { phase: self.row.display_name.to_owned(), reason }
    }

    fn wrong_foundation(&self, missing: &[String], unexpected: &[String]) -> Violations {
        let mut violations = Violations::default();
        for slug in missing {
            violations.add("rests_on", format!("lacks {}", self.display_name(slug)));
        }
        for slug in unexpected {
            let name = self.display_name(slug);
            violations.add("rests_on", format!("names {name}, which is none or is there twice"));
        }
        violations
    }

    /// Writes the gate of the phase, and its record.
    pub(super) async fn save_gate(
        &mut self,
        action: &'static str,
        reason: Option<&str>,
        before: &Gate,
        after: &Gate,
    ) -> Result<(), Error> {
        let row = self.row.clone();
        self.save_gate_of(&row, action, reason, before, after).await
    }

    async fn save_gate_of(
        &mut self,
        row: &PhaseRow,
        action: &'static str,
        reason: Option<&str>,
        before: &Gate,
        after: &Gate,
    ) -> Result<(), Error> {
        self.command.save_gate(row.slug, after).await?;
        let (before, after) = (Some(summary(before)), Some(summary(after)));
        let subject = row.slug.to_owned();
        self.record_in(row.slug, action, subject, reason, (before, after), Details::default())
    }
}

/// What the trail says about a gate.
pub(crate) fn summary(gate: &Gate) -> Value {
    let mut summary = json!({
        "attempt": gate.attempt,
        "opened_attempt": gate.opened.map(|opened| opened.attempt),
        "opened_at": gate.opened.map(|opened| opened.at),
        "opened_by": gate.opened.map(|opened| opened.by),
        "stale_because": gate.stale.as_ref().map(|stale| &stale.because),
        "stale_reopening": gate.stale.as_ref().map(|stale| stale.reopening),
        "reopenings": gate.reopenings,
        "reopening": gate.reopening,
        "rests_on": gate.rests_on,
        "holds": gate.holds,
    });
    // Records of phases that nothing was reopened under have no such field.
    if !gate.marks.is_empty() {
        summary["marks"] = json!(gate.marks);
    }
    summary
}
