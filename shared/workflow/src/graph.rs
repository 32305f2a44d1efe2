//! The rule of the dependency graph: what a board allows, and what is missing where it does not.
//!
//! Whoever decides asks here; the services enforce the same in their own transactions, because a
//! board is only what was true when it was read.

mod grounds;

use crate::board::{Board, PhaseFacts, PhaseState};
use crate::table::{PhaseRow, PhaseTable};
use crate::{Lane, Phase};
use grounds::Reader;

/// What somebody wants to do with a phase as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// Start it.
    Start(Phase),
    /// Change anything in it.
    Change(Phase),
    /// Take it up again although other phases rest on it; everything downstream becomes stale.
    Reopen(Phase),
    /// Go on after something before it was reopened: start it again on what is there now.
    Reaffirm(Phase),
}

impl Command {
    /// The phase that it is about.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Start(phase)
            | Self::Change(phase)
            | Self::Reopen(phase)
            | Self::Reaffirm(phase) => phase,
        }
    }

    /// Everything that can be wanted of a phase.
    pub const fn all(phase: Phase) -> [Self; 4] {
        [Self::Start(phase), Self::Change(phase), Self::Reopen(phase), Self::Reaffirm(phase)]
    }
}

/// One thing that is missing, named so that a person knows what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// The phase in which something is to be done, or to be waited for.
    pub phase: Phase,
    /// What it is about: the id of a line of business, or else the phase's slug.
    pub subject: String,
    /// What is missing, and what to do: a sentence without a full stop.
    pub what: String,
    /// Whether the phase's gate tells it: not started, being reopened, stale. All else is work that
    /// is not done.
    pub of_gate: bool,
}

/// Where one phase stands and how it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The phase.
    pub phase: Phase,
    /// How far it is.
    pub state: PhaseState,
    /// Everything that may be done with it now.
    pub allowed: Vec<Command>,
    /// What comes next in the course of the work: starting it, reaffirming it if it is stale,
    /// else changing it.
    pub next: Command,
    /// What blocks that; empty if nothing does.
    pub unmet: Vec<Unmet>,
}

/// Whether the board allows a command.
///
/// - *Start*: not started, not stale, not being reopened, not held; and it has grounds to stand
///   on: every phase that it rests on is complete, not stale and not being reopened, and every
///   phase that feeds it is started, not stale and not being reopened, with at least one lane or
///   case that is through it.
/// - *Change*: started, not stale, not being reopened, not held.
/// - *Reopen*: held, or else started and complete; not stale, not being reopened. What is in
///   progress can be changed as it is; what is stale is reaffirmed.
/// - *Reaffirm*: stale, not being reopened, with the grounds of a start. It need not be complete.
///
/// # Errors
/// Everything that is missing: at least one thing.
pub fn check(table: &PhaseTable, board: &Board, command: Command) -> Result<(), Vec<Unmet>> {
    let reader = Reader { table, board };
    let phase = command.phase();
    let unmet = match table.get(phase) {
        None => vec![Unmet {
            phase,
            subject: phase.number().to_string(),
            what: format!("There is no phase {}: choose another one", phase.number()),
            of_gate: false,
        }],
        Some(row) => match command {
            Command::Start(_) => reader.start(row),
            Command::Change(_) => reader.change(row),
            Command::Reopen(_) => reader.reopen(row),
            Command::Reaffirm(_) => reader.reaffirm(row),
        },
    };
    if unmet.is_empty() { Ok(()) } else { Err(unmet) }
}

/// How every phase goes on, in the order of the table: what can be done, and what blocks the
/// rest.
pub fn next(table: &PhaseTable, board: &Board) -> Vec<Step> {
    let nothing = PhaseFacts::default();
    let step = |row: &PhaseRow| {
        let phase = row.phase;
        let facts = board.phases.get(&phase).unwrap_or(&nothing);
        let next = match facts {
            PhaseFacts { stale: true, .. } => Command::Reaffirm(phase),
            PhaseFacts { opened: true, .. } => Command::Change(phase),
            PhaseFacts { .. } => Command::Start(phase),
        };
        Step {
            phase,
            state: facts.state(),
            allowed: Command::all(phase)
                .into_iter()
                .filter(|command| check(table, board, *command).is_ok())
                .collect(),
            next,
            unmet: check(table, board, next).err().unwrap_or_default(),
        }
    };
    table.rows().iter().map(step).collect()
}
