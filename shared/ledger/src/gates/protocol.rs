//! The protocol between gateways and gates as a state space: two gateways that open phases at
//! the same time, one crash, one message that arrives late or never, people who change what
//! they may. Every reachable state is looked at.

use std::collections::{HashSet, VecDeque};

use chrono::DateTime;

use super::*;

/// A phase of the graph, by its position.
type P = usize;

/// A graph of phases, each with what it rests on. Those that rest on nothing are open.
#[derive(Clone, Copy)]
struct Graph {
    names: &'static [&'static str],
    predecessors: &'static [&'static [P]],
}

const TWO: Graph = Graph { names: &["7", "8", "9"], predecessors: &[&[], &[], &[0, 1]] };
const CHAIN: Graph = Graph { names: &["4", "5", "9"], predecessors: &[&[], &[0], &[1]] };

#[derive(Clone, PartialEq, Eq, Hash)]
struct Phase {
    gate: Gate,
    /// What it stands at.
    revision: i64,
    complete: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Message {
    Begin(P),
    Seal { phase: P, holder: P, attempt: i64 },
    Open { phase: P, attempt: i64, rests_on: Vec<Foundation> },
    Fence { phase: P, attempt: i64 },
    Release { phase: P, holder: P, up_to: i64 },
    Holders(P),
}

enum Answer {
    Begun(i64),
    Sealed(Foundation),
    Done,
    No,
    Fenced(Fenced),
    Holders(Vec<(P, i64)>),
    Timeout,
}

/// What a gateway is at.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Program {
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
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    phases: Vec<Phase>,
    gateways: [Option<Program>; 2],
    late: Vec<Message>,
    to_do: Vec<Program>,
    crashes: u8,
    timeouts: u8,
}

impl Graph {
    fn start(self, to_do: &[Program]) -> World {
        let phase = |predecessors: &&[P]| {
            let mut gate = Gate::default();
            if predecessors.is_empty() {
                gate.begin_open(false).unwrap();
                gate.open(opened(1), Vec::new(), &[]).unwrap();
            }
            Phase { gate, revision: 0, complete: true }
        };
        World {
            phases: self.predecessors.iter().map(phase).collect(),
            gateways: [None, None],
            late: Vec::new(),
            to_do: to_do.to_vec(),
            crashes: 1,
            timeouts: 1,
        }
    }

    /// What a backend does on a message.
    fn serve(self, phases: &mut [Phase], message: &Message) -> Answer {
        match message {
            Message::Begin(phase) => match phases[*phase].gate.begin_open(true) {
                Ok(attempt) => Answer::Begun(attempt),
                Err(_) => Answer::No,
            },
            Message::Seal { phase, holder, attempt } => {
                let Phase { gate, revision, complete } = &mut phases[*phase];
                if gate.seal(self.names[*holder], *attempt, *complete).is_err() {
                    return Answer::No;
                }
                Answer::Sealed(Foundation {
                    phase: self.names[*phase].into(),
                    version_id: None,
                    trail_head: Some(TrailHead { sequence: *revision, hash: String::new() }),
                })
            }
            Message::Open { phase, attempt, rests_on } => {
                let required: Vec<_> =
                    self.predecessors[*phase].iter().map(|&p| self.names[p]).collect();
                let gate = &mut phases[*phase].gate;
                match gate.open(opened(*attempt), rests_on.clone(), &required) {
                    Ok(()) => Answer::Done,
                    Err(_) => Answer::No,
                }
            }
            Message::Fence { phase, attempt } => {
                Answer::Fenced(phases[*phase].gate.fence(*attempt))
            }
            Message::Release { phase, holder, up_to } => {
                phases[*phase].gate.release_seal(self.names[*holder], *up_to);
                Answer::Done
            }
            Message::Holders(phase) => Answer::Holders(
                phases[*phase].gate.holds.iter().map(|(name, a)| (self.find(name), *a)).collect(),
            ),
        }
    }

    fn find(self, name: &str) -> P {
        self.names.iter().position(|known| *known == name).unwrap()
    }

    /// The next message of a program.
    fn message(self, program: &Program) -> Message {
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
        }
    }

    /// How a program goes on after an answer; `None` when it is through.
    fn after(self, program: Program, answer: Answer) -> Option<Program> {
        match (program, answer) {
            (Program::Begin(target), Answer::Begun(attempt)) => {
                let (sealed, rests_on) = (Vec::new(), Vec::new());
                Some(Program::Seal { target, attempt, sealed, rests_on })
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
                Some(Program::Fence { target, attempt, sealed })
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
        }
    }

    /// Runs a program to its end, undisturbed.
    fn run(self, phases: &mut [Phase], program: Program) {
        let mut next = Some(program);
        while let Some(program) = next {
            let answer = self.serve(phases, &self.message(&program));
            next = self.after(program, answer);
        }
    }

    /// Every state that can follow.
    fn successors(self, world: &World, revisions: i64) -> Vec<World> {
        let mut found = Vec::new();
        for (p, phase) in world.phases.iter().enumerate() {
            if phase.gate.admits_change().is_ok() && phase.revision < revisions {
                for complete in [true, false] {
                    let mut next = world.clone();
                    next.phases[p].revision += 1;
                    next.phases[p].complete = complete;
                    found.push(next);
                }
            }
        }
        if let Some(idle) = world.gateways.iter().position(Option::is_none) {
            for i in 0..world.to_do.len() {
                let mut next = world.clone();
                next.gateways[idle] = Some(next.to_do.remove(i));
                found.push(next);
            }
        }
        for (g, program) in world.gateways.iter().enumerate() {
            let Some(program) = program else { continue };
            let message = self.message(program);
            let mut next = world.clone();
            let answer = self.serve(&mut next.phases, &message);
            next.gateways[g] = self.after(program.clone(), answer);
            found.push(next);
            if world.crashes > 0 {
                let mut next = world.clone();
                next.gateways[g] = None;
                next.crashes -= 1;
                found.push(next);
            }
            if world.timeouts > 0 && !matches!(message, Message::Holders(_)) {
                let mut next = world.clone();
                next.gateways[g] = self.after(program.clone(), Answer::Timeout);
                next.late.push(message);
                next.timeouts -= 1;
                found.push(next);
            }
        }
        for (i, message) in world.late.iter().enumerate() {
            let mut next = world.clone();
            self.serve(&mut next.phases, message);
            next.late.remove(i);
            found.push(next);
        }
        found
    }

    /// Who is open rests on what its predecessors stand at now.
    fn check_foundations(self, phases: &[Phase]) {
        for (p, phase) in phases.iter().enumerate().filter(|(_, phase)| phase.gate.is_open()) {
            assert_eq!(phase.gate.rests_on.len(), self.predecessors[p].len());
            for foundation in &phase.gate.rests_on {
                let predecessor = &phases[self.find(&foundation.phase)];
                let sealed_at = foundation.trail_head.as_ref().unwrap().sequence;
                assert_eq!(sealed_at, predecessor.revision, "{} moved", foundation.phase);
                assert!(predecessor.gate.is_open() && predecessor.complete);
            }
        }
    }

    /// When nothing is under way any more: those who meet a seal lift what nobody rests on, and
    /// whatever is complete can be built on.
    fn check_help(self, phases: &[Phase]) {
        let mut phases = phases.to_vec();
        for p in 0..phases.len() {
            self.run(&mut phases, Program::Look(p));
        }
        for phase in &phases {
            for (holder, attempt) in &phase.gate.holds {
                let gate = &phases[self.find(holder)].gate;
                assert!(gate.is_open() && gate.opened.unwrap().attempt == *attempt);
            }
        }
        for (p, predecessors) in self.predecessors.iter().enumerate() {
            self.run(&mut phases, Program::Begin(p));
            let can_open =
                predecessors.iter().all(|&q| phases[q].complete && phases[q].gate.is_open());
            assert_eq!(phases[p].gate.is_open(), can_open);
        }
    }

    /// Looks at every state, and says how many there are, and in how many quiet ones a seal is
    /// left that nobody rests on until somebody meets it.
    fn explore(self, to_do: &[Program], revisions: i64) -> (usize, usize) {
        let start = self.start(to_do);
        let mut seen = HashSet::from([start.clone()]);
        let mut queue = VecDeque::from([start]);
        let mut left_over = 0;
        while let Some(world) = queue.pop_front() {
            self.check_foundations(&world.phases);
            if world.gateways.iter().all(Option::is_none) && world.late.is_empty() {
                let nobody_rests = |p: P| {
                    (0..world.phases.len()).all(|q| {
                        !(self.predecessors[q].contains(&p) && world.phases[q].gate.is_open())
                    })
                };
                let held = |p: P| !world.phases[p].gate.holds.is_empty();
                left_over += usize::from((0..self.names.len()).any(|p| held(p) && nobody_rests(p)));
                self.check_help(&world.phases);
            }
            for next in self.successors(&world, revisions) {
                if seen.insert(next.clone()) {
                    queue.push_back(next);
                }
            }
        }
        (seen.len(), left_over)
    }
}

fn opened(attempt: i64) -> Opened {
    Opened { attempt, at: DateTime::UNIX_EPOCH, by: 7 }
}

#[test]
fn two_gateways_open_a_phase_over_two_others() {
    let (states, left_over) = TWO.explore(&[Program::Begin(2), Program::Begin(2)], 2);
    assert!(states > 10_000 && left_over > 0, "{states} states, {left_over} with a seal left over");
}

#[test]
fn a_seal_is_looked_at_while_a_phase_is_opened() {
    let to_do = [Program::Begin(2), Program::Begin(2), Program::Look(0)];
    let (states, left_over) = TWO.explore(&to_do, 1);
    assert!(states > 10_000 && left_over > 0, "{states} states, {left_over} with a seal left over");
}

#[test]
fn a_chain_is_opened_twice() {
    let to_do = [Program::Begin(1), Program::Begin(2), Program::Begin(1), Program::Begin(2)];
    let (states, left_over) = CHAIN.explore(&to_do, 1);
    assert!(states > 10_000 && left_over > 0, "{states} states, {left_over} with a seal left over");
}

#[test]
fn a_seal_of_a_chain_is_looked_at() {
    let to_do = [Program::Begin(1), Program::Begin(2), Program::Look(0), Program::Begin(2)];
    let (states, left_over) = CHAIN.explore(&to_do, 1);
    assert!(states > 10_000 && left_over > 0, "{states} states, {left_over} with a seal left over");
}
