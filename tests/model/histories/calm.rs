//! Nothing breaks, and many are at it.

use std::sync::Arc;

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use signoff_tests::settings;

use super::chaos::{self, CLIENTS};
use super::checker::{Verdict, check};
use super::flow::{Flow, History};
use super::judge::{Tally, judge};
use super::op::Raw;
use super::round::{Client, Round};
use super::site::Site;

/// How many calls are tried for a history that cannot be explained: that it may take for ever is no secret.
const STEPS: usize = 20_000;
/// How many commands each client sends.
const COMMANDS: usize = 20;

/// A round in which nothing breaks.
pub(crate) async fn calmly(site: &Site, seed: u64) -> (Arc<Round>, Tally) {
    let round = Arc::new(Round::begin(site).await);
    let clients = chaos::begin(site, &round, seed);
    round.tickets.add_permits(CLIENTS * COMMANDS);
    chaos::answered(&round, CLIENTS * COMMANDS).await;
    chaos::end(&round, clients).await;
    let tally = judge(&round, &Client::new(site, 0), seed).await;
    println!("{tally:?}");
    (round, tally)
}

/// Expects that much happened.
pub(crate) fn expect_much(tally: &Tally, calls: usize) {
    assert!(tally.done > calls / 5, "{tally:?}");
    assert!(tally.refused > calls / 20, "{tally:?}");
    assert!(tally.reads > calls / 8, "{tally:?}");
    assert!(tally.moved > 10, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_explains_what_many_were_answered() {
    let seed = settings::seed();
    let site = Site::start(1).await;
    let (round, tally) = calmly(&site, seed).await;
    expect_much(&tally, CLIENTS * COMMANDS);
    for ops in &round.ops {
        let history = History::new(ops.lock().unwrap().clone()).unwrap();
        expect_strict(&history, seed);
    }
    site.stop().await;
}

/// Expects that a history of which one answer is changed a little is not explained any more.
fn expect_strict(history: &History, seed: u64) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let asked: Vec<usize> =
        (0..history.ops.len()).filter(|at| !history.ops[*at].span.optional).collect();
    for _ in 0..6 {
        let at = *asked.choose(&mut dice).unwrap();
        let Some((answer, what)) = altered(&history.ops[at].answer, &mut dice) else { continue };
        let other = history.with_answer(at, &answer);
        let verdict = check(&other, &other.spans(), Flow::new(), STEPS);
        let explained = matches!(verdict, Verdict::Explained { .. });
        assert!(!explained, "seed {seed}: {what} of {:?}", history.ops[at]);
    }
}

/// More than is ever done to one version.
const MANY: i32 = 1000;

/// Another answer that no order can explain, and what is different in it. What another order of calls at the same
/// time would have answered, one item more or a newest version less, is no such answer.
fn altered(answer: &Raw, dice: &mut ChaCha8Rng) -> Option<(Raw, &'static str)> {
    let mut answer = answer.clone();
    let what = match &mut answer {
        Raw::Version(version) | Raw::Added(version, _) => match dice.random_range(0..4) {
            0 => {
                version.counts.as_mut()?.total += MANY;
                "many more items"
            }
            1 => {
                let (number, revision) = version.etag.split_once('.')?;
                let revision: i32 = revision.parse().ok()?;
                version.etag = format!("{number}.{}", revision + MANY);
                "a much later etag"
            }
            2 => {
                version.state = version.state % 6 + 1;
                "another state"
            }
            _ => {
                version.created_by += 1;
                "another author"
            }
        },
        Raw::Decision(decision) => {
            decision.edited_by += 1;
            "another editor"
        }
        Raw::Versions(versions) => {
            // The oldest one: newer ones are in the list.
            (versions.len() > 1).then(|| versions.pop())?;
            "a version less"
        }
        Raw::Decisions(decisions) => {
            let decision = decisions.choose(dice)?.clone();
            decisions.push(decision);
            "a decision twice"
        }
        Raw::Status { .. } | Raw::Done | Raw::Refused(..) => return None,
    };
    Some((answer, what))
}
