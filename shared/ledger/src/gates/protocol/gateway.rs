//! What a gateway does, message by message.

use super::*;

/// What a gateway is at.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Program {
    /// Opens a phase, or reaffirms it.
    Begin(P),
    Seal {
        target: P,
        attempt: i64,
        sealed: Vec<P>,
        rests_on: Vec<Foundation>,
    },
    Open {
        target: P,
        attempt: i64,
        rests_on: Vec<Foundation>,
    },
    /// Opening failed: fence the attempt, then release what was sealed for it.
    Fence {
        target: P,
        attempt: i64,
        sealed: Vec<P>,
    },
    Release {
        target: P,
        attempt: i64,
        left: Vec<P>,
    },
    /// Somebody met a seal: ask its holders whether they live.
    Look(P),
    Ask {
        target: P,
        left: Vec<(P, i64)>,
    },
    Lift {
        target: P,
        left: Vec<(P, i64)>,
    },
    /// Reopens a phase, or finishes what somebody else began.
    Reopen(P),
    Mark {
        target: P,
        reopening: i64,
        left: Vec<P>,
    },
    Finish {
        target: P,
        reopening: i64,
    },
}

impl Graph {
    /// The next message of a program.
    pub(super) fn message(self, program: &Program) -> Message {
        match program {
            Program::Begin(target) => Message::Begin(*target),
            Program::Seal { target, attempt, rests_on, .. } => Message::Seal {
                phase: self.predecessors[*target][rests_on.len()],
                holder: *target,
                attempt: *attempt,
            },
            Program::Open { target, attempt, rests_on } => {
                Message::Open { phase: *target, attempt: *attempt, rests_on: rests_on.clone() }
            }
            Program::Fence { target, attempt, .. } => {
                Message::Fence { phase: *target, attempt: *attempt }
            }
            Program::Release { target, attempt, left } => {
                Message::Release { phase: left[0], holder: *target, up_to: *attempt }
            }
            Program::Look(target) => Message::Holders(*target),
            Program::Ask { left, .. } => Message::Fence { phase: left[0].0, attempt: left[0].1 },
            Program::Lift { target, left } => {
                Message::Release { phase: *target, holder: left[0].0, up_to: left[0].1 }
            }
            Program::Reopen(target) => Message::BeginReopen(*target),
            Program::Mark { target, reopening, left } => {
                Message::MarkStale { phase: left[0], because: *target, reopening: *reopening }
            }
            Program::Finish { target, reopening } => {
                Message::FinishReopen { phase: *target, reopening: *reopening }
            }
        }
    }

    /// How a program goes on after an answer; `None` when it is through.
    pub(super) fn after(self, program: Program, answer: Answer) -> Option<Program> {
        match (program, answer) {
            (Program::Begin(target), Answer::Begun(attempt)) => {
                let (sealed, rests_on) = (Vec::new(), Vec::new());
                Some(if self.predecessors[target].is_empty() {
                    Program::Open { target, attempt, rests_on }
                } else {
                    Program::Seal { target, attempt, sealed, rests_on }
                })
            }
            (Program::Begin(_), _) => None,
            (
                Program::Seal { target, attempt, mut sealed, mut rests_on },
                Answer::Sealed(foundation),
            ) => {
                sealed.push(self.predecessors[target][rests_on.len()]);
                rests_on.push(foundation);
                Some(if rests_on.len() < self.predecessors[target].len() {
                    Program::Seal { target, attempt, sealed, rests_on }
                } else {
                    Program::Open { target, attempt, rests_on }
                })
            }
            (Program::Seal { target, attempt, mut sealed, rests_on }, answer) => {
                // A seal without an answer may have been made.
                if matches!(answer, Answer::Timeout) {
                    sealed.push(self.predecessors[target][rests_on.len()]);
                }
                (!sealed.is_empty()).then_some(Program::Fence { target, attempt, sealed })
            }
            (Program::Open { .. }, Answer::Done) => None,
            (Program::Open { target, attempt, .. }, _) => {
                let sealed = self.predecessors[target].to_vec();
                (!sealed.is_empty()).then_some(Program::Fence { target, attempt, sealed })
            }
            (Program::Fence { target, attempt, sealed }, Answer::Fenced(Fenced::Dead)) => {
                Some(Program::Release { target, attempt, left: sealed })
            }
            (Program::Fence { .. }, _) => None,
            (Program::Release { target, attempt, mut left }, _) => {
                left.remove(0);
                (!left.is_empty()).then_some(Program::Release { target, attempt, left })
            }
            (Program::Look(target), Answer::Holders(left)) => {
                (!left.is_empty()).then_some(Program::Ask { target, left })
            }
            (Program::Look(_), _) => None,
            (Program::Ask { target, left }, Answer::Fenced(Fenced::Dead)) => {
                Some(Program::Lift { target, left })
            }
            (Program::Ask { target, mut left } | Program::Lift { target, mut left }, _) => {
                left.remove(0);
                (!left.is_empty()).then_some(Program::Ask { target, left })
            }
            (Program::Reopen(target), Answer::Reopening(reopening)) => {
                Some(marking(target, reopening, self.downstream(target)))
            }
            (Program::Mark { target, reopening, mut left }, Answer::Done) => {
                left.remove(0);
                Some(marking(target, reopening, left))
            }
            // Whoever meets the mark begins again.
            (Program::Reopen(_) | Program::Mark { .. } | Program::Finish { .. }, _) => None,
        }
    }

    /// Everything that rests on a phase, directly or not: the nearest first, unless that is left
    /// out.
    fn downstream(self, phase: P) -> Vec<P> {
        let mut found: Vec<P> = Vec::new();
        let mut nearest = vec![phase];
        while !nearest.is_empty() {
            let rests = |p: P| self.predecessors[p].iter().any(|before| nearest.contains(before));
            let next: Vec<P> =
                (0..self.names.len()).filter(|p| rests(*p) && !found.contains(p)).collect();
            found.extend(&next);
            nearest = next;
        }
        if self.without == Some(Part::NearestFirst) {
            found.reverse();
        }
        found
    }

    /// Runs a program to its end, undisturbed.
    pub(super) fn run(self, phases: &mut [Phase], program: Program) {
        let mut next = Some(program);
        while let Some(program) = next {
            let answer = self.serve(phases, &self.message(&program));
            next = self.after(program, answer);
        }
    }
}

fn marking(target: P, reopening: i64, left: Vec<P>) -> Program {
    if left.is_empty() {
        Program::Finish { target, reopening }
    } else {
        Program::Mark { target, reopening, left }
    }
}
