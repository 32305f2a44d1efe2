//! Where a phase stands: derived from its gate and from what the service knows, never stored.

use chrono::{DateTime, Utc};
use signoff_ledger::gates::Gate;
use signoff_workflow::{PhaseFacts, PhaseRow, PhaseState, PhaseTable, Scope, Unmet};
use uuid::Uuid;

/// A phase of a workflow, and its gate as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Which.
    pub scope: Scope,
    /// Its row.
    pub row: &'a PhaseRow,
    /// Its gate.
    pub gate: &'a Gate,
    /// The moment that counts: of the command, or none where somebody only looks. The database's own
    /// clock stands still in a transaction, from before its turn came.
    pub at: Option<DateTime<Utc>>,
}

/// What for it is asked where a phase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// To tell: all that it stands at.
    Status {
        /// Whether what is handed on to whoever rests on it is asked for.
        handed_on: bool,
        /// What it must cover, if that is known of a phase that may be sealed unopened.
        required: Option<&'a [Uuid]>,
    },
    /// To rest on it: what blocks that, and what is handed on to whoever rests on it.
    Seal {
        /// What it must cover, if the phase may be sealed unopened; empty for all others.
        required: &'a [Uuid],
    },
}

impl<'a> Asked<'a> {
    /// To tell, by one who knows no more than the service.
    pub const STATUS: Self = Self::Status { handed_on: false, required: None };

    /// What the phase must cover, if that is known.
    pub const fn required(self) -> Option<&'a [Uuid]> {
        match self {
            Self::Status { required, .. } => required,
            Self::Seal { required } => Some(required),
        }
    }

    /// Whether what is handed on to whoever rests on the phase is asked for.
    pub const fn hands_on(self) -> bool {
        matches!(self, Self::Status { handed_on: true, .. } | Self::Seal { .. })
    }
}

/// What a service knows of where a phase stands, its gate apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its approved version, if it has versions.
    pub current_version_id: Option<Uuid>,
    /// Its open version, if it has versions.
    pub open_version_id: Option<Uuid>,
    /// When what completes it was done. It is told only while the phase is complete.
    pub completed_at: Option<DateTime<Utc>>,
    /// How many things need nothing more, and how many there are.
    pub progress: (i64, i64),
    /// What is missing before others can rest on it.
    pub blocks: Vec<Unmet>,
    /// What it lacks to be complete beside that. Nobody need know of it who rests on it.
    pub lacks: Vec<Unmet>,
    /// The test executions that are handed on to whoever rests on it.
    pub execution_ids: Vec<Uuid>,
}

impl Standing {
    /// All that is missing before others can rest on the phase: what its gate tells, and what the
    /// service does. A phase that may be sealed unopened needs no opening.
    pub fn missing(&self, of: Subject<'_>, phases: &PhaseTable) -> Vec<Unmet> {
        let name = of.row.display_name;
        let mut missing = Vec::new();
        let mut add = |what: String| {
            let (phase, subject) = (of.row.phase, of.row.slug.to_owned());
            missing.push(Unmet { phase, subject, what, of_gate: true });
        };
        if of.gate.opened.is_none() && !of.row.seals_unopened {
            add(format!("{name} was not started: start it"));
        }
        if of.gate.reopening > 0 {
            add(format!("{name} is being reopened: wait until that is done"));
        }
        if let Some(stale) = &of.gate.stale {
            let because = phases.by_slug(&stale.because);
            let because = because.map_or(stale.because.as_str(), |row| row.display_name);
            add(format!("{name} is stale since {because} was reopened: reaffirm it"));
        }
        missing.extend_from_slice(&self.blocks);
        missing
    }

    /// All that the phase lacks to be complete.
    pub fn unmet(&self, of: Subject<'_>, phases: &PhaseTable) -> Vec<Unmet> {
        let mut unmet = self.missing(of, phases);
        unmet.extend_from_slice(&self.lacks);
        unmet
    }

    /// How far the phase is.
    pub fn state(&self, of: Subject<'_>, phases: &PhaseTable) -> PhaseState {
        let facts = PhaseFacts {
            opened: of.gate.opened.is_some(),
            complete: self.unmet(of, phases).is_empty(),
            stale: of.gate.stale.is_some(),
            reopening: of.gate.reopening > 0,
            holders: of
                .gate
                .holds
                .keys()
                .filter_map(|slug| phases.by_slug(slug))
                .map(|row| row.phase)
                .collect(),
            ..PhaseFacts::default()
        };
        facts.state()
    }
}

#[cfg(test)]
mod tests;
