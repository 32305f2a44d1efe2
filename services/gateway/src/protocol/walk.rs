//! The protocol between gateways and gates as a state space: two gateways that open, reopen and
//! reaffirm phases at the same time, one crash, one message that arrives late or never, people who
//! change what they may. Every reachable state is looked at.
//!
//! The gates are the ledger's own, their store replaced by memory; the programs are those that the
//! gateway runs.

mod states;

use chrono::DateTime;
use signoff_contract::workflow::v1 as wire;
use signoff_ledger::gates::{Fenced, Foundation, Gate, Opened, Stale, TrailHead};
use signoff_workflow::{PhaseRow, PhaseTable, Role, VersioningType};

use super::*;
use signoff_workflow::Phase as Name;

/// A phase of the graph, by its position.
type P = usize;
/// What a gateway is at. Why something is refused does not matter here.
type Running = Program<()>;

/// A graph of phases. Those that rest on nothing are open, if they are not among those that can be
/// sealed unopened.
#[derive(Clone)]
struct Graph {
    table: PhaseTable,
    /// A simplification that breaks.
    without: Option<Part>,
}

/// A part of the protocol that can be left out.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// A phase that is being reopened refuses new seals.
    MarkRefusesSeals,
    /// Of everything downstream, the nearest is marked first.
    NearestFirst,
    /// A phase that was marked for a reopening is not marked for it again.
    MarkedOnce,
    /// Whoever meets a reopening finishes it by its number, and begins none.
    HelpsByNumber,
    /// An attempt that failed is fenced before what was sealed for it is released.
    Fenced,
}

/// What goes wrong.
#[derive(Clone, Copy)]
struct Disturbed {
    /// How many gateways crash.
    crashes: u8,
    /// How many messages arrive late, or never.
    timeouts: u8,
    /// How often somebody meets a mark, and finishes the reopening.
    helps: u8,
    /// Whether all phases are open when the walk begins.
    open: bool,
}

const FULLY: Disturbed = Disturbed { crashes: 1, timeouts: 1, helps: 0, open: false };
const CRASH: Disturbed = Disturbed { timeouts: 0, ..FULLY };
const LATE: Disturbed = Disturbed { crashes: 0, timeouts: 1, helps: 0, open: true };
/// Somebody helps, and a message comes late or a gateway crashes.
const HELPED: Disturbed = Disturbed { crashes: 1, timeouts: 1, helps: 1, open: true };

const FOUR: Name = Name::new(4);
const FIVE: Name = Name::new(5);
const SEVEN: Name = Name::new(7);
const EIGHT: Name = Name::new(8);

const PLAIN: PhaseRow = PhaseRow {
    phase: Name::new(0),
    slug: "",
    display_name: "",
    aliases: &[],
    kind: VersioningType::Full,
    rests_on: &[],
    fed_by: &[],
    approver: Some(Role::ReportOwner),
    self_approval: false,
    approver_contributes: false,
    items_while_submitted: false,
    sign_offs: &[],
    approver_if_waived: None,
    seals_unopened: false,
    payload: Some("thing"),
    artifact_type: Some("things"),
};

const fn row(
    number: i32,
    slug: &'static str,
    name: &'static str,
    rests_on: &'static [Name],
) -> PhaseRow {
    PhaseRow { phase: Name::new(number), slug, display_name: name, rests_on, ..PLAIN }
}

/// The same, audited only: of the other backend.
const fn audited(row: PhaseRow) -> PhaseRow {
    let kind = VersioningType::AuditOnly;
    PhaseRow { kind, approver: None, payload: None, artifact_type: None, ..row }
}

fn graph(rows: Vec<PhaseRow>) -> Graph {
    Graph { table: PhaseTable::new(rows).unwrap(), without: None }
}

/// 5 on 4.
fn one() -> Graph {
    graph(vec![row(4, "four", "Four", &[]), audited(row(5, "five", "Five", &[FOUR]))])
}

/// 9 on 7 and 8, which are of two backends.
fn two() -> Graph {
    let seven = audited(row(7, "seven", "Seven", &[]));
    graph(vec![seven, row(8, "eight", "Eight", &[]), row(9, "nine", "Nine", &[SEVEN, EIGHT])])
}

/// 9 on 5 on 4.
fn chain() -> Graph {
    graph(vec![
        row(4, "four", "Four", &[]),
        audited(row(5, "five", "Five", &[FOUR])),
        row(9, "nine", "Nine", &[FIVE]),
    ])
}

/// As two, but 8 was never opened, and may be sealed all the same.
fn unopened() -> Graph {
    let eight = PhaseRow { seals_unopened: true, ..row(8, "eight", "Eight", &[]) };
    graph(vec![
        audited(row(7, "seven", "Seven", &[])),
        eight,
        row(9, "nine", "Nine", &[SEVEN, EIGHT]),
    ])
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Phase {
    gate: Gate,
    /// What it stands at.
    revision: i64,
    complete: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    phases: Vec<Phase>,
    gateways: [Option<Running>; 2],
    late: Vec<Message>,
    to_do: Vec<Running>,
    crashes: u8,
    timeouts: u8,
    helps: u8,
}

impl Graph {
    fn without(self, part: Part) -> Self {
        Self { without: Some(part), ..self }
    }

    /// Opens a phase, or opens it again.
    fn begin(&self, p: P) -> Running {
        Program::Begin { phase: self.name(p), reaffirm: true, seen: 0 }
    }

    fn reopen(&self, p: P) -> Running {
        Program::Reopen(self.name(p))
    }

    /// Finishes the reopening under way that somebody saw, if there is one.
    fn help(&self, phases: &[Phase], p: P) -> Option<Running> {
        let reopening = phases[p].gate.reopening;
        let by_number = self.without != Some(Part::HelpsByNumber);
        (reopening > 0).then(|| match by_number {
            true => Program::help(&self.table, self.name(p), reopening),
            false => self.reopen(p),
        })
    }

    fn look(&self, p: P) -> Running {
        Program::Look(self.name(p))
    }

    fn name(&self, p: P) -> Name {
        self.table.rows()[p].phase
    }

    fn slug(&self, phase: Name) -> &'static str {
        self.table.get(phase).unwrap().slug
    }

    fn at(&self, phase: Name) -> P {
        self.table.rows().iter().position(|row| row.phase == phase).unwrap()
    }

    fn find(&self, slug: &str) -> P {
        self.table.rows().iter().position(|row| row.slug == slug).unwrap()
    }

    fn below(&self, p: P) -> Vec<P> {
        self.table.rows()[p].rests_on.iter().map(|phase| self.at(*phase)).collect()
    }

    fn start(&self, to_do: &[Running], disturbed: Disturbed) -> World {
        let phase = |row: &PhaseRow| {
            let mut gate = Gate::default();
            if row.rests_on.is_empty() && !row.seals_unopened {
                gate.begin_open(false).unwrap();
                gate.open(opened(1), Vec::new(), &[]).unwrap();
            }
            Phase { gate, revision: 0, complete: true }
        };
        let mut phases: Vec<Phase> = self.table.rows().iter().map(phase).collect();
        if disturbed.open {
            for p in 0..phases.len() {
                self.run(&mut phases, self.begin(p));
            }
        }
        World {
            phases,
            gateways: [None, None],
            late: Vec::new(),
            to_do: to_do.to_vec(),
            crashes: disturbed.crashes,
            timeouts: disturbed.timeouts,
            helps: disturbed.helps,
        }
    }

    /// How a program goes on, with a part left out.
    fn after(&self, program: Running, answer: Answer<()>) -> Option<Running> {
        let reverses =
            self.without == Some(Part::NearestFirst) && matches!(program, Program::Reopen(_));
        let step = match program {
            Program::Fence { opening, why } if self.without == Some(Part::Fenced) => {
                Program::Fence { opening, why }.after(&self.table, Answer::Fenced { dead: true })
            }
            program => program.after(&self.table, answer),
        };
        match step {
            Step::Go(Program::Mark { phase, reopening, mut left }) if reverses => {
                left.reverse();
                Some(Program::Mark { phase, reopening, left })
            }
            Step::Go(next) => Some(next),
            Step::End(_) => None,
        }
    }

    /// What a backend does on a message.
    fn serve(&self, phases: &mut [Phase], message: &Message) -> Answer<()> {
        match message {
            Message::BeginOpen { phase, reaffirm, .. } => {
                match phases[self.at(*phase)].gate.begin_open(*reaffirm) {
                    Ok(attempt) => Answer::Begun(attempt),
                    Err(signoff_ledger::gates::BeginRefused::AlreadyOpen) => Answer::AlreadyOpen,
                    Err(_) => Answer::Refused(()),
                }
            }
            Message::Seal { phases: sealed, holder, attempt, .. } => {
                self.seal(phases, sealed, *holder, *attempt)
            }
            Message::Confirm { phase, .. } => {
                let below = self.below(self.at(*phase));
                let stands = |p: &P| {
                    let Phase { gate, complete, .. } = &phases[*p];
                    let opened = gate.is_open() || self.may_be_unopened(*p);
                    *complete && opened && gate.stale.is_none() && gate.reopening == 0
                };
                if below.iter().all(stands) { Answer::Done } else { Answer::Unmet(Vec::new()) }
            }
            Message::Open { phase, attempt, rests_on } => {
                let p = self.at(*phase);
                let required: Vec<&str> =
                    self.below(p).iter().map(|below| self.table.rows()[*below].slug).collect();
                let rests_on = rests_on.iter().map(|of| self.foundation(of)).collect();
                match phases[p].gate.open(opened(*attempt), rests_on, &required) {
                    Ok(()) => Answer::Done,
                    Err(_) => Answer::Refused(()),
                }
            }
            Message::Fence { phase, attempt } => {
                let dead = phases[self.at(*phase)].gate.fence(*attempt) == Fenced::Dead;
                Answer::Fenced { dead }
            }
            Message::Release { phase, holder, up_to } => {
                phases[self.at(*phase)].gate.release_seal(self.slug(*holder), *up_to);
                Answer::Done
            }
            Message::Look(phase) => {
                let holds = &phases[self.at(*phase)].gate.holds;
                let named =
                    |(slug, attempt): (&String, &i64)| (self.name(self.find(slug)), *attempt);
                Answer::Holders(holds.iter().map(named).collect())
            }
            Message::BeginReopen(phase) => match phases[self.at(*phase)].gate.begin_reopen() {
                Ok(reopening) => Answer::Reopening(reopening),
                Err(_) => Answer::Refused(()),
            },
            Message::MarkStale { phase, because, reopening } => {
                let gate = &mut phases[self.at(*phase)].gate;
                if self.without == Some(Part::MarkedOnce) {
                    gate.marks.clear();
                }
                let because = self.slug(*because).to_owned();
                gate.mark_stale(Stale { because, reopening: *reopening });
                Answer::Done
            }
            Message::FinishReopen { phase, reopening } => {
                phases[self.at(*phase)].gate.finish_reopen(*reopening);
                Answer::Done
            }
        }
    }

    /// Seals all, or none.
    fn seal(
        &self,
        phases: &mut [Phase],
        sealed: &[Name],
        holder: Name,
        attempt: i64,
    ) -> Answer<()> {
        let mut after = phases.to_vec();
        let mut rests_on = Vec::new();
        for name in sealed {
            let p = self.at(*name);
            let unopened = self.may_be_unopened(p);
            let Phase { gate, revision, complete } = &mut after[p];
            let mark = gate.reopening;
            if self.without == Some(Part::MarkRefusesSeals) {
                gate.reopening = 0;
            }
            let done = gate.seal(self.slug(holder), attempt, *complete, unopened);
            gate.reopening = mark;
            if done.is_err() {
                return Answer::Unmet(Vec::new());
            }
            rests_on.push(wire::Foundation {
                phase: name.number(),
                version_id: String::new(),
                trail_head: Some(wire::TrailHead { sequence: *revision, hash: Vec::new() }),
            });
        }
        phases.clone_from_slice(&after);
        Answer::Sealed { rests_on, execution_ids: Vec::new() }
    }

    fn foundation(&self, of: &wire::Foundation) -> Foundation {
        let sequence = of.trail_head.as_ref().unwrap().sequence;
        Foundation {
            phase: self.slug(Name::new(of.phase)).to_owned(),
            version_id: None,
            trail_head: Some(TrailHead { sequence, hash: String::new() }),
        }
    }

    fn may_be_unopened(&self, p: P) -> bool {
        self.table.rows()[p].seals_unopened
    }

    /// Runs a program to its end, undisturbed.
    fn run(&self, phases: &mut [Phase], program: Running) {
        let mut next = Some(program);
        while let Some(program) = next {
            let answer = self.serve(phases, &program.message(&self.table));
            next = self.after(program, answer);
        }
    }
}

fn opened(attempt: i64) -> Opened {
    Opened { attempt, at: DateTime::UNIX_EPOCH, by: 7 }
}

/// Expects that the invariants hold in every state, that there are many, and that in some quiet ones
/// a seal is left over.
#[track_caller]
fn holds(explored: Result<(usize, usize), String>) {
    let (states, left_over) = explored.unwrap();
    assert!(states > 10_000 && left_over > 0, "{states} states, {left_over} with a seal left over");
}

#[test]
fn two_gateways_open_a_phase_over_two_others() {
    let of = two();
    holds(of.explore(&[of.begin(2), of.begin(2)], 2, FULLY));
}

#[test]
fn a_seal_is_looked_at_while_a_phase_is_opened() {
    let of = two();
    holds(of.explore(&[of.begin(2), of.begin(2), of.look(0)], 1, FULLY));
}

#[test]
fn a_chain_is_opened_twice() {
    let of = chain();
    holds(of.explore(&[of.begin(1), of.begin(2), of.begin(1), of.begin(2)], 1, FULLY));
}

#[test]
fn a_seal_of_a_chain_is_looked_at() {
    let of = chain();
    holds(of.explore(&[of.begin(1), of.begin(2), of.look(0), of.begin(2)], 1, FULLY));
}

#[test]
fn a_phase_is_reopened_while_another_one_is_opened_on_it() {
    let of = one();
    holds(of.explore(&[of.begin(1), of.begin(1), of.reopen(0)], 2, FULLY));
}

#[test]
fn a_phase_is_reopened_by_two_at_once() {
    let of = one();
    holds(of.explore(&[of.begin(1), of.reopen(0), of.reopen(0)], 2, FULLY));
}

#[test]
fn one_of_two_foundations_is_reopened_while_its_seal_is_looked_at() {
    let of = two();
    holds(of.explore(&[of.begin(2), of.reopen(0), of.look(0)], 1, FULLY));
}

#[test]
fn the_foot_of_a_chain_is_reopened_and_the_chain_reaffirmed() {
    let of = chain();
    holds(of.explore(&[of.begin(1), of.begin(2), of.reopen(0), of.begin(1)], 1, CRASH));
}

#[test]
fn two_phases_of_a_chain_are_reopened_at_once() {
    let of = chain();
    holds(of.explore(&[of.begin(1), of.begin(2), of.reopen(0), of.reopen(1)], 1, CRASH));
}

#[test]
fn a_phase_that_was_never_opened_is_rested_on_or_opened() {
    let of = unopened();
    holds(of.explore(&[of.begin(2), of.begin(1), of.look(1)], 2, FULLY));
}

#[test]
fn a_phase_that_is_sealed_unopened_is_reopened_and_opened() {
    let of = unopened();
    holds(of.explore(&[of.begin(2), of.reopen(1), of.begin(1)], 1, FULLY));
}

#[test]
fn whoever_meets_a_mark_finishes_that_reopening_and_no_other() {
    let of = one();
    let explored = of.explore(&[of.reopen(0), of.begin(1), of.reopen(0)], 1, HELPED);
    let (states, _) = explored.unwrap();
    assert!(states > 1_000, "{states} states");
}

#[test]
fn if_whoever_helps_could_begin_a_reopening_a_phase_would_be_reopened_by_nobody() {
    let of = one();
    let to_do = [of.reopen(0), of.begin(1)];
    let broken = of.clone().without(Part::HelpsByNumber).explore(&to_do, 1, HELPED).unwrap_err();
    assert!(broken.contains("reopened more often"), "{broken}");
}

#[test]
fn if_a_reopening_let_seals_be_made_a_phase_would_rest_on_what_has_moved() {
    let of = one();
    let to_do = [of.begin(1), of.reopen(0), of.begin(1)];
    let broken = of.clone().without(Part::MarkRefusesSeals).explore(&to_do, 1, FULLY).unwrap_err();
    assert!(broken.contains("five rests on four"), "{broken}");
    holds(of.explore(&to_do, 1, FULLY));
}

#[test]
fn if_far_phases_were_marked_first_a_phase_would_rest_on_what_is_stale() {
    let of = chain();
    let to_do = [of.begin(1), of.begin(2), of.reopen(0), of.begin(2)];
    let broken = of.clone().without(Part::NearestFirst).explore(&to_do, 1, CRASH).unwrap_err();
    assert!(broken.contains("nine rests on five"), "{broken}");
    holds(of.explore(&to_do, 1, CRASH));
}

#[test]
fn if_a_late_mark_counted_a_phase_would_rest_on_what_is_stale() {
    let of = chain();
    let to_do = [of.reopen(0), of.reopen(0), of.begin(1), of.begin(2)];
    let broken = of.clone().without(Part::MarkedOnce).explore(&to_do, 1, LATE).unwrap_err();
    assert!(broken.contains("nine rests on five"), "{broken}");
    holds(of.explore(&to_do, 1, LATE));
}

#[test]
fn if_seals_were_released_unfenced_a_phase_would_rest_on_what_it_does_not_hold() {
    let of = two();
    let to_do = [of.begin(2), of.begin(2)];
    let broken = of.clone().without(Part::Fenced).explore(&to_do, 1, FULLY).unwrap_err();
    assert!(broken.contains("nine rests on"), "{broken}");
}
