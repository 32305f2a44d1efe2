//! Phases as a whole: started, reopened, reaffirmed, freed of dead seals.

mod runner;
mod turns;

use signoff_chassis::{Refusal, Unmet as Named};
use signoff_contract::workflow::v1::{ErrorReason, PhaseStatus, Unmet};
use signoff_workflow::{Command, Phase, Scope, Workflow, check};
use tonic::Status;
use uuid::Uuid;

use crate::Gateway;
use crate::board::Board;
use crate::forward::{Who, reason_of};
use crate::protocol::{Answer, End, Message, Program};

pub use turns::Turns;

/// How often an opening is tried again that met another gateway's.
const TRIES: usize = 4;

/// The phases of a workflow, for one command of somebody.
#[derive(Clone, Debug)]
pub struct Phases {
    gateway: Gateway,
    workflow: Workflow,
    /// As whom it is done: the gateway, in the person's name.
    who: Who,
    /// The id of the command: those of its steps follow from it.
    command: Uuid,
    reason: String,
}

impl Phases {
    /// For a command of somebody.
    pub fn new(gateway: Gateway, workflow: Workflow, by: &Who, command: Uuid) -> Self {
        let reason = "finished what was begun".to_owned();
        Self { gateway, workflow, who: Who::gateway_for(by), command, reason }
    }

    /// The workflow.
    pub(crate) fn workflow(&self) -> Workflow {
        self.workflow
    }

    /// As whom it is done.
    pub(crate) fn who(&self) -> &Who {
        &self.who
    }

    /// The request id of a step of this command.
    pub(crate) fn step(&self, name: &str) -> String {
        Uuid::new_v5(&self.command, name.as_bytes()).to_string()
    }

    /// Starts a phase. One that is open already stays as it is.
    ///
    /// # Errors
    /// `PHASE_DEPENDENCY_UNMET` names everything that is missing.
    pub async fn start(&self, phase: Phase) -> Result<PhaseStatus, Status> {
        self.open(phase, Command::Start(phase)).await
    }

    /// Opens a stale phase again, on what is there now.
    ///
    /// # Errors
    /// It is not stale, or something is missing.
    pub async fn reaffirm(&self, phase: Phase) -> Result<PhaseStatus, Status> {
        self.open(phase, Command::Reaffirm(phase)).await
    }

    /// Takes a phase up again that others rest on; gives what is downstream of it.
    ///
    /// # Errors
    /// There is nothing to reopen.
    pub async fn reopen(
        &self,
        phase: Phase,
        reason: String,
    ) -> Result<(PhaseStatus, Vec<Phase>), Status> {
        let board = Board::read(&self.gateway, self.workflow).await?;
        let program = match board.reopening(phase) {
            0 => {
                self.require(&board, Command::Reopen(phase))?;
                Program::Reopen(phase)
            }
            under_way => Program::help(self.gateway.table(), phase, under_way),
        };
        let with_reason = Self { reason, ..self.clone() };
        match with_reason.run(program).await {
            End::Refused(status) => Err(status),
            End::Unmet(unmet) => Err(dependency_unmet(&unmet).into()),
            End::Opened | End::AlreadyOpen | End::Lifted(_) | End::Reopened => {
                let board = Board::read(&self.gateway, self.workflow).await?;
                let stale = self.gateway.table().downstream(phase);
                let is_stale = |phase: &Phase| board.facts(*phase).is_some_and(|of| of.stale);
                Ok((board.status(phase)?, stale.into_iter().filter(is_stale).collect()))
            }
        }
    }

    /// Finishes a reopening that somebody began, by its number.
    ///
    /// # Errors
    /// A backend is away.
    pub async fn finish_reopening(&self, phase: Phase, reopening: i64) -> Result<(), Status> {
        if reopening == 0 {
            return Ok(());
        }
        // Another command than the one that met it: its steps have ids of their own.
        let helping = Self { command: Uuid::new_v4(), ..self.clone() };
        match helping.run(Program::help(self.gateway.table(), phase, reopening)).await {
            End::Refused(status) => Err(status),
            _ => Ok(()),
        }
    }

    /// Makes a phase take a change that was refused, if it can be made to: starts it, if the change is
    /// one that may, lifts dead holds, finishes a reopening. Whether the change may be sent again.
    ///
    /// # Errors
    /// It cannot be started: what is missing.
    pub async fn mend(
        &self,
        phase: Phase,
        refused: &Status,
        starts_phase: bool,
    ) -> Result<bool, Status> {
        match reason_of(refused) {
            Some(ErrorReason::PhaseNotStarted) if starts_phase => {
                self.start(phase).await?;
                Ok(true)
            }
            Some(ErrorReason::PhaseSealed) => Ok(self.lift_dead_holds(phase).await? > 0),
            Some(ErrorReason::PhaseReopening) => {
                let board = Board::read(&self.gateway, self.workflow).await?;
                self.finish_reopening(phase, board.reopening(phase)).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Asks whoever holds a phase whether they rest on it, and lifts the holds of those who do not;
    /// gives how many.
    ///
    /// # Errors
    /// A backend is away.
    pub async fn lift_dead_holds(&self, phase: Phase) -> Result<usize, Status> {
        match self.run(Program::Look(phase)).await {
            End::Lifted(lifted) => Ok(lifted),
            End::Refused(status) => Err(status),
            _ => Ok(0),
        }
    }

    async fn open(&self, phase: Phase, command: Command) -> Result<PhaseStatus, Status> {
        let reaffirm = matches!(command, Command::Reaffirm(_));
        let turn = self.gateway.turns().at(Scope { workflow: self.workflow, phase });
        let _turn = turn.lock().await;
        let mut refused = None;
        for _ in 0..TRIES {
            let mut board = Board::read(&self.gateway, self.workflow).await?;
            let is_open = board.facts(phase).is_some_and(|facts| facts.opened && !facts.stale);
            if is_open {
                let done = !reaffirm || refused.is_some() || self.has_opened(&board, phase).await?;
                if done {
                    return board.status(phase);
                }
            }
            if self.clear_the_way(&board, phase).await? {
                board = Board::read(&self.gateway, self.workflow).await?;
            }
            self.require(&board, command)?;
            let seen = board.attempt(phase);
            match self.run(Program::Begin { phase, reaffirm, seen }).await {
                End::Unmet(unmet) => return Err(dependency_unmet(&unmet).into()),
                // Another opening was quicker: it is looked at again.
                End::Refused(status) if is_overtaken(&status) => refused = Some(status),
                End::Refused(status) => return Err(status),
                End::Opened | End::AlreadyOpen | End::Lifted(_) | End::Reopened => {
                    let board = Board::read(&self.gateway, self.workflow).await?;
                    return board.status(phase);
                }
            }
        }
        Err(refused.unwrap_or_else(|| Refusal::conflict().into()))
    }

    /// Whether this command opened a phase before, though nobody heard of it: its attempt is given out
    /// to it again.
    async fn has_opened(&self, board: &Board, phase: Phase) -> Result<bool, Status> {
        let attempt = board.attempt(phase);
        let begin = Message::BeginOpen { phase, reaffirm: true, seen: attempt - 1 };
        Ok(matches!(self.send(&begin).await?, Answer::Begun(begun) if begun == attempt))
    }

    /// Whoever meets a mark finishes the reopening, and whoever meets a dead hold lifts it. Whether
    /// anything was done.
    async fn clear_the_way(&self, board: &Board, phase: Phase) -> Result<bool, Status> {
        let table = self.gateway.table();
        let mut done = false;
        for row in table.rows() {
            let before = row.phase == phase || table.downstream(row.phase).contains(&phase);
            let under_way = board.reopening(row.phase);
            if before && under_way > 0 {
                self.finish_reopening(row.phase, under_way).await?;
                done = true;
            }
        }
        if board.facts(phase).is_some_and(|facts| !facts.holders.is_empty()) {
            done |= self.lift_dead_holds(phase).await? > 0;
        }
        Ok(done)
    }

    /// # Errors
    /// `PHASE_DEPENDENCY_UNMET`, with a violation for each thing that is missing.
    fn require(&self, board: &Board, command: Command) -> Result<(), Refusal> {
        check(self.gateway.table(), board.facts_of_all(), command).map_err(|unmet| {
            let named =
                unmet.into_iter().map(|of| Named { subject: of.subject, description: of.what });
            refusal(named.collect())
        })
    }
}

/// Whether an opening failed because there was another one, or the phase moved under it.
fn is_overtaken(status: &Status) -> bool {
    use ErrorReason as Reason;

    matches!(
        reason_of(status),
        Some(Reason::AttemptSuperseded | Reason::PhaseAlreadyOpen | Reason::Conflict)
    )
}

/// Something is missing, each thing by name.
pub(crate) fn dependency_unmet(unmet: &[Unmet]) -> Refusal {
    let named =
        unmet.iter().map(|of| Named { subject: of.subject.clone(), description: of.what.clone() });
    refusal(named.collect())
}

fn refusal(unmet: Vec<Named>) -> Refusal {
    let message = match unmet.as_slice() {
        [] => "something is missing first, and nobody says what: ask again".to_owned(),
        [one] => one.description.clone(),
        [first, more @ ..] => format!("{}; and {} more", first.description, more.len()),
    };
    Refusal::precondition(ErrorReason::PhaseDependencyUnmet, message, unmet)
}
