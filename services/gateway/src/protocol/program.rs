//! The programs, message by message.

use signoff_contract::workflow::v1::{Foundation, Unmet};
use signoff_workflow::{Phase, PhaseTable, VersioningType};

/// What is sent to a backend; of one phase, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Gives out an attempt to open it. `seen` is the attempt that was current when it was looked at.
    BeginOpen {
        /// Which.
        phase: Phase,
        /// Opens a stale one again.
        reaffirm: bool,
        /// Names the message, so that a repeat of it gives the same attempt out.
        seen: i64,
    },
    /// Seals phases of one backend in one transaction.
    Seal {
        /// Which.
        phases: Vec<Phase>,
        /// For whom.
        holder: Phase,
        /// For which of its attempts.
        attempt: i64,
        /// What Observation Management must cover.
        required: Vec<String>,
    },
    /// Asks once more whether the phase may be opened, now that nothing below can change.
    Confirm {
        /// Which.
        phase: Phase,
        /// Whether it is to be opened again.
        reaffirm: bool,
    },
    /// Opens it.
    Open {
        /// Which.
        phase: Phase,
        /// By which attempt.
        attempt: i64,
        /// On what.
        rests_on: Vec<Foundation>,
    },
    /// Asks whether an attempt is dead, and keeps a dead one so.
    Fence {
        /// Of which phase.
        phase: Phase,
        /// Which attempt.
        attempt: i64,
    },
    /// Drops a hold.
    Release {
        /// On which phase.
        phase: Phase,
        /// Whose.
        holder: Phase,
        /// Up to which of its attempts.
        up_to: i64,
    },
    /// Asks who holds it.
    Look(Phase),
    /// Marks it as being reopened.
    BeginReopen(Phase),
    /// Marks it as stale.
    MarkStale {
        /// Which.
        phase: Phase,
        /// What is being reopened.
        because: Phase,
        /// By which reopening.
        reopening: i64,
    },
    /// Takes the mark away, and with it all holds.
    FinishReopen {
        /// Of which phase.
        phase: Phase,
        /// Of which reopening.
        reopening: i64,
    },
}

/// What came of a message. `R` says why something was refused, for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer<R> {
    /// The attempt.
    Begun(i64),
    /// The phase is open, and needs no opening.
    AlreadyOpen,
    /// What the sealed phases stand at, and what whoever rests on them must cover.
    Sealed {
        /// What to rest on.
        rests_on: Vec<Foundation>,
        /// Test executions that need an observation.
        execution_ids: Vec<String>,
    },
    /// Something is missing.
    Unmet(Vec<Unmet>),
    /// It was done, or may be.
    Done,
    /// Whether the attempt is dead.
    Fenced {
        /// It never will hold.
        dead: bool,
    },
    /// Who holds the phase, by which attempts.
    Holders(Vec<(Phase, i64)>),
    /// The number of the reopening under way.
    Reopening(i64),
    /// It was not done.
    Refused(R),
    /// There was no answer: it may have been done, or may be later.
    Lost(R),
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum End<R> {
    /// The phase is open.
    Opened,
    /// It was open before.
    AlreadyOpen,
    /// It is not open: something is missing.
    Unmet(Vec<Unmet>),
    /// It was refused, or an answer was lost.
    Refused(R),
    /// How many dead holds were lifted.
    Lifted(usize),
    /// The reopening is finished.
    Reopened,
}

/// Why an opening failed, while its seals are taken back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Why<R> {
    /// Something is missing.
    Unmet(Vec<Unmet>),
    /// It was refused, or an answer was lost.
    Refused(R),
}

impl<R> From<Why<R>> for End<R> {
    fn from(why: Why<R>) -> Self {
        match why {
            Why::Unmet(unmet) => Self::Unmet(unmet),
            Why::Refused(refused) => Self::Refused(refused),
        }
    }
}

/// An opening under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Opening {
    phase: Phase,
    reaffirm: bool,
    attempt: i64,
    /// What was sealed, or may have been.
    sealed: Vec<Phase>,
    rests_on: Vec<Foundation>,
    /// What is to be covered by what is sealed next.
    to_cover: Vec<String>,
}

/// What a gateway is at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Program<R> {
    /// Opens a phase, or opens a stale one again.
    Begin {
        /// Which.
        phase: Phase,
        /// Whether it is stale.
        reaffirm: bool,
        /// The attempt that was current when it was looked at.
        seen: i64,
    },
    /// Seals what it rests on: `left` says what, backend by backend.
    Seal {
        /// The opening.
        opening: Opening,
        /// What is to be sealed yet.
        left: Vec<Vec<Phase>>,
    },
    /// All is sealed.
    Confirm(Opening),
    /// And is as it must be.
    Open(Opening),
    /// It failed: the attempt must never hold.
    Fence {
        /// The opening.
        opening: Opening,
        /// Why it failed.
        why: Why<R>,
    },
    /// It never will: what was sealed for it is released.
    Release {
        /// The opening.
        opening: Opening,
        /// Why it failed.
        why: Why<R>,
    },
    /// Somebody met a seal.
    Look(Phase),
    /// Asks a holder whether it rests on it.
    Ask {
        /// What is held.
        phase: Phase,
        /// Who is to be asked yet.
        left: Vec<(Phase, i64)>,
        /// How many holds were lifted.
        lifted: usize,
    },
    /// It does not.
    Lift {
        /// What is held.
        phase: Phase,
        /// The dead holder first.
        left: Vec<(Phase, i64)>,
        /// How many holds were lifted.
        lifted: usize,
    },
    /// Reopens a phase, or joins a reopening that is under way.
    Reopen(Phase),
    /// Marks what is downstream.
    Mark {
        /// What is reopened.
        phase: Phase,
        /// The reopening.
        reopening: i64,
        /// What is to be marked yet, nearest first.
        left: Vec<Phase>,
    },
    /// All of it is marked.
    Finish {
        /// What is reopened.
        phase: Phase,
        /// The reopening.
        reopening: i64,
    },
}

/// How it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step<R> {
    /// With this.
    Go(Program<R>),
    /// Not at all.
    End(End<R>),
}

impl<R> Program<R> {
    /// Finishes a reopening that somebody else began, by its number. One that is finished meanwhile
    /// stays as it is: to begin anew would be to reopen the phase once more.
    pub fn help(table: &PhaseTable, phase: Phase, reopening: i64) -> Self {
        match marking(phase, reopening, table.downstream(phase)) {
            Step::Go(program) => program,
            Step::End(_) => Self::Finish { phase, reopening },
        }
    }

    /// The next message.
    pub fn message(&self, table: &PhaseTable) -> Message {
        match self {
            Self::Begin { phase, reaffirm, seen } => {
                Message::BeginOpen { phase: *phase, reaffirm: *reaffirm, seen: *seen }
            }
            Self::Seal { opening, left } => {
                let phases = left.first().cloned().unwrap_or_default();
                let covers = |phase| table.get(phase).is_some_and(|row| row.seals_unopened);
                let required = if phases.iter().copied().any(covers) {
                    opening.to_cover.clone()
                } else {
                    Vec::new()
                };
                let (holder, attempt) = (opening.phase, opening.attempt);
                Message::Seal { phases, holder, attempt, required }
            }
            Self::Confirm(opening) => {
                Message::Confirm { phase: opening.phase, reaffirm: opening.reaffirm }
            }
            Self::Open(opening) => Message::Open {
                phase: opening.phase,
                attempt: opening.attempt,
                rests_on: opening.rests_on.clone(),
            },
            Self::Fence { opening, .. } => {
                Message::Fence { phase: opening.phase, attempt: opening.attempt }
            }
            Self::Release { opening, .. } => Message::Release {
                phase: opening.sealed.first().copied().unwrap_or(opening.phase),
                holder: opening.phase,
                up_to: opening.attempt,
            },
            Self::Look(phase) => Message::Look(*phase),
            Self::Ask { phase, left, .. } => {
                let (holder, attempt) = left.first().copied().unwrap_or((*phase, 0));
                Message::Fence { phase: holder, attempt }
            }
            Self::Lift { phase, left, .. } => {
                let (holder, up_to) = left.first().copied().unwrap_or((*phase, 0));
                Message::Release { phase: *phase, holder, up_to }
            }
            Self::Reopen(phase) => Message::BeginReopen(*phase),
            Self::Mark { phase, reopening, left } => Message::MarkStale {
                phase: left.first().copied().unwrap_or(*phase),
                because: *phase,
                reopening: *reopening,
            },
            Self::Finish { phase, reopening } => {
                Message::FinishReopen { phase: *phase, reopening: *reopening }
            }
        }
    }

    /// How it goes on after an answer.
    pub fn after(self, table: &PhaseTable, answer: Answer<R>) -> Step<R> {
        match self {
            Self::Begin { phase, reaffirm, .. } => match answer {
                Answer::Begun(attempt) => {
                    let opening = Opening {
                        phase,
                        reaffirm,
                        attempt,
                        sealed: Vec::new(),
                        rests_on: Vec::new(),
                        to_cover: Vec::new(),
                    };
                    sealing(opening, groups(table, phase))
                }
                Answer::AlreadyOpen => Step::End(End::AlreadyOpen),
                other => ended(other),
            },
            Self::Seal { opening, left } => sealed(opening, left, answer),
            Self::Confirm(opening) => match answer {
                Answer::Done => Step::Go(Self::Open(opening)),
                other => failed(opening, other),
            },
            Self::Open(opening) => match answer {
                Answer::Done => Step::End(End::Opened),
                other => failed(opening, other),
            },
            Self::Fence { opening, why } => match answer {
                Answer::Fenced { dead: true } => releasing(opening, why),
                // Its answer was lost, and it was opened all the same.
                Answer::Fenced { dead: false } => Step::End(End::Opened),
                _ => Step::End(why.into()),
            },
            Self::Release { mut opening, why } => {
                // What is not released now will be by whoever meets it.
                opening.sealed.remove(0);
                releasing(opening, why)
            }
            Self::Look(phase) => match answer {
                Answer::Holders(left) => asking(phase, left, 0),
                other => ended(other),
            },
            Self::Ask { phase, mut left, lifted } => {
                if matches!(answer, Answer::Fenced { dead: true }) {
                    return Step::Go(Self::Lift { phase, left, lifted });
                }
                left.remove(0);
                asking(phase, left, lifted)
            }
            Self::Lift { phase, mut left, lifted } => {
                left.remove(0);
                asking(phase, left, lifted + usize::from(matches!(answer, Answer::Done)))
            }
            Self::Reopen(phase) => match answer {
                Answer::Reopening(reopening) => marking(phase, reopening, table.downstream(phase)),
                other => ended(other),
            },
            Self::Mark { phase, reopening, mut left } => match answer {
                Answer::Done => {
                    left.remove(0);
                    marking(phase, reopening, left)
                }
                // Whoever meets the mark begins again.
                other => ended(other),
            },
            Self::Finish { .. } => match answer {
                Answer::Done => Step::End(End::Reopened),
                other => ended(other),
            },
        }
    }
}

/// What a phase seals, backend by backend: those that are audited only first, whose answer says what
/// the others must cover.
fn groups(table: &PhaseTable, phase: Phase) -> Vec<Vec<Phase>> {
    let rests_on = table.get(phase).map(|row| row.rests_on).unwrap_or_default();
    let of = |kind: VersioningType| -> Vec<Phase> {
        let is = |phase: &Phase| table.get(*phase).is_some_and(|row| row.kind == kind);
        rests_on.iter().copied().filter(is).collect()
    };
    let groups = [of(VersioningType::AuditOnly), of(VersioningType::Full)];
    groups.into_iter().filter(|group| !group.is_empty()).collect()
}

fn sealing<R>(opening: Opening, left: Vec<Vec<Phase>>) -> Step<R> {
    Step::Go(match left.is_empty() {
        true => Program::Confirm(opening),
        false => Program::Seal { opening, left },
    })
}

fn sealed<R>(mut opening: Opening, mut left: Vec<Vec<Phase>>, answer: Answer<R>) -> Step<R> {
    match answer {
        Answer::Sealed { rests_on, execution_ids } => {
            opening.sealed.extend(left.remove(0));
            opening.rests_on.extend(rests_on);
            opening.to_cover.extend(execution_ids);
            sealing(opening, left)
        }
        Answer::Lost(why) => {
            // A seal without an answer may have been made.
            opening.sealed.extend(left.remove(0));
            failed(opening, Answer::Lost(why))
        }
        other => failed(opening, other),
    }
}

/// The opening came to nothing: its attempt is fenced, if anything was sealed for it.
fn failed<R>(opening: Opening, answer: Answer<R>) -> Step<R> {
    let why = match answer {
        Answer::Unmet(unmet) => Why::Unmet(unmet),
        Answer::Refused(refused) | Answer::Lost(refused) => Why::Refused(refused),
        _ => Why::Unmet(Vec::new()),
    };
    Step::Go(Program::Fence { opening, why })
}

fn releasing<R>(opening: Opening, why: Why<R>) -> Step<R> {
    match opening.sealed.is_empty() {
        true => Step::End(why.into()),
        false => Step::Go(Program::Release { opening, why }),
    }
}

fn asking<R>(phase: Phase, left: Vec<(Phase, i64)>, lifted: usize) -> Step<R> {
    match left.is_empty() {
        true => Step::End(End::Lifted(lifted)),
        false => Step::Go(Program::Ask { phase, left, lifted }),
    }
}

fn marking<R>(phase: Phase, reopening: i64, left: Vec<Phase>) -> Step<R> {
    Step::Go(match left.is_empty() {
        true => Program::Finish { phase, reopening },
        false => Program::Mark { phase, reopening, left },
    })
}

fn ended<R>(answer: Answer<R>) -> Step<R> {
    Step::End(match answer {
        Answer::Refused(refused) | Answer::Lost(refused) => End::Refused(refused),
        Answer::Unmet(unmet) => End::Unmet(unmet),
        _ => End::Unmet(Vec::new()),
    })
}
