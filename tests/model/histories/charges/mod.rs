//! Data owners of one more workflow are assigned, replaced and released by the same clients, at the audit service:
//! the answers about each line of business are explained by an order of their own, and the trail is one.

mod model;
mod request;

use std::sync::Mutex;

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use signoff_contract::feed::v1::Source;
use signoff_tests::lanes::LOBS;
use signoff_tests::people::request_id;
use signoff_tests::{Office, world};
use signoff_workflow::{Phase, Workflow};
use uuid::Uuid;

use super::checker::{STEPS, Verdict, check};
use super::people::{MEMBERS, TESTERS};
use super::round::{Client, Round, open};
use super::site::Site;
use super::trails;
pub(crate) use model::{Answer, History, Op};
use model::{Call, Charge, State};
use request::Request;

/// A workflow in Data Owner ID, and everything that was done with its lines of business.
pub(crate) struct Charges {
    workflow: Workflow,
    lobs: [Lob; LOBS.len()],
}

/// A line of business.
struct Lob {
    id: Uuid,
    /// What everybody knows of it.
    known: Mutex<State>,
    ops: Mutex<Vec<Op>>,
}

impl Lob {
    /// Takes what an answer says, where nothing newer is known.
    fn learn(&self, answer: &Answer) {
        let mut known = self.known.lock().unwrap();
        for of in answer.charges() {
            if known.get(&of.id).is_none_or(|known| known.revision <= of.revision) {
                known.insert(of.id.clone(), of.clone());
            }
        }
    }
}

impl Charges {
    /// A new workflow, at the beginning of Data Owner ID.
    pub(crate) async fn begin(site: &Site) -> Self {
        let workflow = world::workflow();
        open(site, workflow, &MEMBERS).await;
        let office = Office::at(site.gateways()[0], &site.provider, workflow).await.patient();
        office.through(Phase::SAMPLE_SELECTION).await;
        office.start(Phase::DATA_OWNER_ID).await.unwrap();
        let lob = |id| Lob { id, known: Mutex::default(), ops: Mutex::default() };
        Self { workflow, lobs: LOBS.map(lob) }
    }

    /// Makes a call that comes to a client's mind; and sends some again.
    pub(crate) async fn work(&self, round: &Round, client: &Client, dice: &mut ChaCha8Rng) {
        let lob = self.lobs.choose(dice).expect("some");
        let (who, call) = {
            let known = lob.known.lock().unwrap();
            request::choose(&known, dice)
        };
        let op = self.call(round, client, lob, who, call).await;
        if dice.random_ratio(1, 12) && op.is_change() && op.is_done() {
            let request = Request::of(self.workflow, lob.id, &op.call, &op.request_id);
            let again = round.ask(client, op.who, &request).await.answer;
            assert_eq!(again, op.answer, "the same request again: {op:?}");
        }
    }

    async fn call(
        &self,
        round: &Round,
        client: &Client,
        lob: &Lob,
        who: crate::step::Who,
        call: Call,
    ) -> Op {
        let request_id = request_id();
        let request = Request::of(self.workflow, lob.id, &call, &request_id);
        let op = round.ask(client, who, &request).await.of(who, call, request_id);
        lob.learn(&op.answer);
        lob.ops.lock().unwrap().push(op.clone());
        op
    }

    /// Hands everything over when nobody works any more: nothing is stuck. That, and what there is then, is part of
    /// the histories.
    pub(crate) async fn finish(&self, round: &Round, client: &Client) {
        for lob in &self.lobs {
            self.call(round, client, lob, TESTERS[0], Call::List).await;
            let ending = request::ending(&lob.known.lock().unwrap());
            let op = self.call(round, client, lob, TESTERS[0], ending).await;
            assert!(op.is_done(), "it is stuck: {op:?}");
            self.call(round, client, lob, TESTERS[0], Call::List).await;
        }
    }

    /// The history of each line of business: all answers are explained, and the trail is an order that explains them,
    /// too.
    pub(crate) async fn histories(&self, client: &Client, seed: u64) -> Vec<History> {
        let trail = trails::read(client.auditor(), self.workflow, Source::Audit).await;
        let changes = trail.iter().filter(|of| of.action.starts_with("data_owner."));
        let changes: Vec<(String, String)> =
            changes.map(|of| (of.request_id.clone(), of.subject.clone())).collect();
        let mut told = 0;
        let mut histories = Vec::new();
        for lob in &self.lobs {
            let ops = lob.ops.lock().unwrap().clone();
            let is_own = |request: &str| ops.iter().any(|op| op.request_id == request);
            let own: Vec<_> = changes.iter().filter(|(of, _)| is_own(of)).cloned().collect();
            told += own.len();
            histories.push(expect_explained(ops, &own, seed));
        }
        assert_eq!(told, changes.len(), "seed {seed}: nobody asked for some of {changes:?}");
        trails::expect_intact(client.auditor(), self.workflow).await;
        histories
    }
}

fn expect_explained(ops: Vec<Op>, trail: &[(String, String)], seed: u64) -> History {
    let read = History::new(ops, trail);
    let (history, order) = read.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    let replayed = history.replay(&order).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    match check(&history, &history.spans(), State::new(), STEPS) {
        Verdict::Explained { state, .. } => {
            assert_eq!(replayed, state, "seed {seed}: the trail leads elsewhere");
        }
        Verdict::Unexplained { order, state, next } | Verdict::TooMany { order, state, next } => {
            let mut why = format!("seed {seed}: {} calls are explained", order.len());
            for at in order.iter().rev().take(8).rev().chain(&next) {
                let expected = history.expected(&state, *at).0;
                why.push_str(&format!("\n{:?}\n  after all: {expected:?}", history.ops[*at]));
            }
            panic!("{why}\nnot the last {} of them, in {state:?}", next.len());
        }
    }
    history
}

/// Expects that a history is none any more if one answer is changed a little; gives how often that was found.
pub(crate) fn expect_strict(history: &History, dice: &mut ChaCha8Rng, seed: u64) -> usize {
    let mut found = 0;
    for _ in 0..6 {
        let at = dice.random_range(0..history.ops.len());
        let Some(answer) = altered(&history.ops[at].answer, dice) else { continue };
        let altered = history.with_answer(at, answer);
        let verdict = check(&altered, &altered.spans(), State::new(), STEPS);
        let is_taken = matches!(verdict, Verdict::Explained { .. });
        assert!(!is_taken, "seed {seed}: {:?} for {:?}", altered.ops[at], history.ops[at].answer);
        // That it takes too many steps shows nothing.
        found += usize::from(matches!(verdict, Verdict::Unexplained { .. }));
    }
    found
}

/// Another answer, that nothing can explain.
fn altered(answer: &Answer, dice: &mut ChaCha8Rng) -> Option<Answer> {
    let strange = |of: &Charge| Charge { owner: of.owner + 1000, ..of.clone() };
    Some(match answer {
        Answer::Assigned(one) => Answer::Assigned(strange(one)),
        Answer::Transferred { new, old } => match dice.random_bool(0.5) {
            true => Answer::Transferred { new: strange(new), old: old.clone() },
            false => Answer::Transferred { new: new.clone(), old: new.clone() },
        },
        Answer::Ended(one) => Answer::Ended(Charge { revision: one.revision + 1, ..one.clone() }),
        Answer::Listed(all) => {
            let at = dice.random_range(0..all.len().max(1));
            let mut all = all.clone();
            let one = all.get(at)?.clone();
            match dice.random_bool(0.5) {
                true => all[at] = strange(&one),
                // The first one ever is in every list that has any.
                false => drop(all.remove(0)),
            }
            if all.is_empty() {
                return None;
            }
            Answer::Listed(all)
        }
        Answer::Refused(..) | Answer::Unknown => return None,
    })
}
