//! Whether a round went as it must: its histories are explained, its trails say the same, and every workflow can be
//! brought to its end.

use signoff_contract::feed::v1::{Source, TrailRecord};

use super::charges;
use super::checker::{STEPS, Verdict, check};
use super::choose::ending;
use super::flow::{Flow, History};
use super::known::LAST_KEY;
use super::op::{ABOVE, BELOW, Call, Op, Raw};
use super::people::{LEAD, TESTERS};
use super::round::{Client, Round};
use super::trails;
use crate::step::Key;

/// What a history came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: usize,
    pub(crate) done: usize,
    pub(crate) refused: usize,
    pub(crate) reads: usize,
    /// Calls of whose first sending nobody knew what became of it.
    pub(crate) lost: usize,
    /// Calls that opened, reopened or reaffirmed a phase.
    pub(crate) moved: usize,
    /// Answers that only what another one did to a gate at the same time explains.
    pub(crate) amid: usize,
    pub(crate) versions: usize,
    /// Changes of who is in charge of a line of business.
    pub(crate) charges: usize,
    pub(crate) steps: usize,
}

/// Judges a round in which nobody works any more.
pub(crate) async fn judge(round: &Round, client: &Client, seed: u64) -> Tally {
    for at in 0..round.workflows.len() {
        look(round, client, at, 3).await;
        finish(round, client, at).await;
        look(round, client, at, usize::MAX).await;
    }
    round.charges.finish(round, client).await;
    let mut tally = Tally::default();
    for (at, workflow) in round.workflows.iter().enumerate() {
        let (history, trail) = recorded(round, client, at, seed).await;
        let (order, state, steps) = expect_explained(&history, seed);
        let replayed = trails::replay(&history, &trail);
        let replayed = replayed.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        assert_eq!(replayed, state, "seed {seed}: the trail leads elsewhere");
        trails::expect_intact(client.auditor(), *workflow).await;
        tally.add(&history, &state, steps);
        tally.amid += history.amid(&order);
    }
    for history in round.charges.histories(client, seed).await {
        tally.add_charges(&history);
    }
    tally
}

/// What was recorded of a workflow, with what its trail tells.
pub(crate) async fn recorded(
    round: &Round,
    client: &Client,
    at: usize,
    seed: u64,
) -> (History, Vec<TrailRecord>) {
    let ops = round.ops[at].lock().unwrap().clone();
    let history = History::new(ops);
    let history = history.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    let trail = trails::read(client.auditor(), round.workflows[at], Source::Versioning).await;
    let told = trails::order(&history, &trail);
    let told = told.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    (history.with_trail(&told), trail)
}

/// Expects that some order explains a history; gives it, where it leads, and how many calls were tried.
fn expect_explained(history: &History, seed: u64) -> (Vec<usize>, Flow, usize) {
    match check(history, &history.spans(), Flow::new(), STEPS) {
        Verdict::Explained { order, state, steps } => (order, state, steps),
        ref verdict @ (Verdict::Unexplained { ref order, ref state, ref next }
        | Verdict::TooMany { ref order, ref state, ref next }) => {
            let known = matches!(verdict, Verdict::Unexplained { .. });
            let found = if known { "no order explains the history" } else { "no verdict" };
            let mut why = format!("seed {seed}: {found}\nafter");
            for call in order.iter().rev().take(12).rev() {
                why.push_str(&format!("\n{}", line(&history.ops[*call])));
            }
            for call in next {
                let (expected, _) = history.expected(state, *call);
                why.push_str(&format!(
                    "\nnot {}\n  must be {expected:?}\n  is {:?}",
                    line(&history.ops[*call]),
                    history.answered(*call)
                ));
            }
            panic!("{why}\nin {state:?}");
        }
    }
}

fn line(op: &Op) -> String {
    let outcome = match &op.answer {
        Raw::Refused(_, reason) => reason.as_str(),
        _ => "done",
    };
    format!("{:?} by {} ({}): {:?}", op.span, op.who.user_id, outcome, op.call)
}

impl Tally {
    fn add(&mut self, history: &History, state: &Flow, steps: usize) {
        let asked = history.ops.iter().filter(|op| !op.span.optional);
        for op in asked {
            self.calls += 1;
            self.reads += usize::from(!op.call.is_change());
            self.done += usize::from(op.call.is_change() && !op.is_refused());
            self.refused += usize::from(op.call.is_change() && op.is_refused());
            self.lost += usize::from(op.lost > 0);
            self.moved += usize::from(op.call.moves_gates() && !op.is_refused());
        }
        self.versions += state.lines.iter().map(|line| line.versions.len()).sum::<usize>();
        self.steps += steps;
    }

    fn add_charges(&mut self, history: &charges::History) {
        let asked = history.ops.iter().filter(|op| !op.span.optional);
        for op in asked {
            self.calls += 1;
            self.reads += usize::from(!op.is_change());
            self.done += usize::from(op.is_change() && op.is_done());
            self.refused += usize::from(op.is_change() && !op.is_done());
            self.lost += usize::from(op.lost > 0);
            self.charges += usize::from(op.is_change() && op.is_done());
        }
    }

    /// Together with another one.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            done: self.done + other.done,
            refused: self.refused + other.refused,
            reads: self.reads + other.reads,
            lost: self.lost + other.lost,
            moved: self.moved + other.moved,
            amid: self.amid + other.amid,
            versions: self.versions + other.versions,
            charges: self.charges + other.charges,
            steps: self.steps + other.steps,
        }
    }
}

/// Reads everything there is, of the newest versions also what they hold; that is part of the history.
async fn look(round: &Round, client: &Client, at: usize, newest: usize) {
    let who = TESTERS[0];
    for place in [BELOW, ABOVE] {
        round.call(client, at, who, Call::Versions(place)).await;
        round.call(client, at, who, Call::Current(place)).await;
        let last = round.known[at].lock().unwrap().last(place);
        for version in (1..=last).rev().take(newest) {
            round.call(client, at, who, Call::Decisions { place, version }).await;
        }
    }
    round.call(client, at, who, Call::Status).await;
}

/// Brings both phases to their end: whatever was begun, no workflow is stuck.
async fn finish(round: &Round, client: &Client, at: usize) {
    let gate = || round.known[at].lock().unwrap().gate;
    if gate() == Some((true, false)) {
        expect_done(round, client, at, Call::Reopen).await;
    }
    end_line(round, client, at, BELOW, LAST_KEY).await;
    let onwards = match gate() {
        Some((true, _)) => Call::Reaffirm,
        _ => Call::Start,
    };
    expect_done(round, client, at, onwards).await;
    end_line(round, client, at, ABOVE, LAST_KEY).await;
}

/// Brings a line to its end, with this item.
pub(crate) async fn end_line(round: &Round, client: &Client, at: usize, place: usize, key: Key) {
    let steps = ending(&round.known[at].lock().unwrap(), place, key);
    for (who, command) in steps {
        let call = Call::Act { place, etag: String::new(), command };
        let answer = round.call(client, at, who, call.clone()).await;
        assert!(!matches!(answer, Raw::Refused(..)), "{call:?}: {answer:?}");
    }
}

async fn expect_done(round: &Round, client: &Client, at: usize, call: Call) {
    let answer = round.call(client, at, LEAD, call.clone()).await;
    assert_eq!(answer, Raw::Done, "{call:?}");
}
