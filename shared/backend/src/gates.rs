//! Gates of phases: begun, opened, fenced, sealed, released. Which phase rests on which is the
//! phase table's to say; how attempts and holds work, the ledger's.

use signoff_ledger::gates::{
    BeginRefused, Fenced, Foundation, Gate, OpenRefused, Opened, SealRefused, TrailHead,
};
use signoff_workflow::{PhaseRow, Scope, Violations};
use uuid::Uuid;

use crate::{Asked, Backend, Fault, GateRefused, Subject, Work};

/// Phases that were sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What they stand at, in their order.
    pub rests_on: Vec<Foundation>,
    /// The test executions that they hand on.
    pub execution_ids: Vec<Uuid>,
}

impl Work {
    /// Begins an attempt to open the phase.
    ///
    /// # Errors
    /// It is open, or stale and not to be reaffirmed, or others rest on it as it is.
    pub async fn begin_open(&mut self, reaffirm: bool) -> Result<i64, Fault> {
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
    pub async fn open(&mut self, attempt: i64, rests_on: Vec<Foundation>) -> Result<Gate, Fault> {
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
    pub async fn fence(&mut self, attempt: i64) -> Result<bool, Fault> {
        let mut gate = self.command.gate().clone();
        if attempt > gate.attempt {
            let never = "was never given out";
            return Err(Fault::Invalid(Violations::one("attempt", never)));
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
    /// Phases that may be sealed unopened must cover what is `required`.
    ///
    /// # Errors
    /// [`Fault::Unmet`] says what is missing, or the attempt is not the holder's current one.
    pub async fn seal<B: Backend>(
        &mut self,
        backend: &B,
        rows: &[PhaseRow],
        holder: &PhaseRow,
        attempt: i64,
        required: &[Uuid],
    ) -> Result<Sealed, B::Error> {
        let slugs: Vec<&str> = rows.iter().map(|row| row.slug).chain([holder.slug]).collect();
        let mut gates = self.command.load_gates(&slugs).await?;
        // A holder of another service gives its attempts out there, and has no gate here.
        let given_out = gates.remove(holder.slug).map_or(0, |of| of.attempt);
        if given_out > 0 && attempt != given_out {
            let refused = GateRefused::AttemptSuperseded { current: given_out };
            let phase = holder.display_name.to_owned();
            return Err(Fault::Gate { phase, reason: refused }.into());
        }
        let at = self.now();
        let (mut foundations, mut unmet, mut sealed) = (Vec::new(), Vec::new(), Vec::new());
        let mut execution_ids = Vec::new();
        for row in rows {
            let scope = Scope { phase: row.phase, ..self.scope() };
            let before = gates.remove(row.slug).unwrap_or_default();
            let of = Subject { scope, row, gate: &before, at: Some(at) };
            let required = if row.seals_unopened { required } else { &[] };
            let standing = backend.standing(self.conn(), of, Asked::Seal { required }).await?;
            let missing = standing.missing(of, &self.phases);
            let mut gate = before.clone();
            let complete = missing.is_empty();
            match gate.seal(holder.slug, attempt, complete, row.seals_unopened) {
                Ok(()) => {
                    foundations.push((row, standing.current_version_id));
                    execution_ids.extend(standing.execution_ids);
                    sealed.push((row, before, gate));
                }
                Err(SealRefused::LaterAttempt { attempt: current }) => {
                    let reason = GateRefused::AttemptSuperseded { current };
                    return Err(self.gate_refused(reason).into());
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
            return Err(Fault::Unmet(unmet).into());
        }
        for (row, before, gate) in sealed {
            if gate != before {
                self.save_gate_of(row, "phase.sealed", None, &before, &gate).await?;
            }
        }
        let head = self.command.head();
        let trail_head = TrailHead { sequence: head.sequence, hash: hex::encode(head.hash) };
        let rests_on = foundations
            .into_iter()
            .map(|(row, version_id)| Foundation {
                phase: row.slug.to_owned(),
                version_id,
                trail_head: Some(trail_head.clone()),
            })
            .collect();
        Ok(Sealed { rests_on, execution_ids })
    }

    /// Drops a holder's hold on the phase, up to one of its attempts.
    ///
    /// # Errors
    /// The holder is open on that hold.
    pub async fn release_seal(&mut self, holder: &PhaseRow, up_to: i64) -> Result<Gate, Fault> {
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

    fn gate_refused(&self, reason: GateRefused) -> Fault {
        Fault::Gate { phase: self.row.display_name.to_owned(), reason }
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
    pub(crate) async fn save_gate(
        &mut self,
        action: &'static str,
        reason: Option<&str>,
        before: &Gate,
        after: &Gate,
    ) -> Result<(), Fault> {
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
    ) -> Result<(), Fault> {
        self.command.save_gate(row.slug, after).await?;
        let (before, after) = (Some(before.summary()), Some(after.summary()));
        let subject = row.slug.to_owned();
        self.record_in(row.slug, action, subject, reason, (before, after), Vec::new())
    }
}
