//! Nothing breaks, and many are at it.

use std::sync::Arc;

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use signoff_contract::feed::v1::TrailRecord;
use signoff_tests::people::request_id;
use signoff_tests::settings;

use super::chaos::{self, CLIENTS};
use super::charges;
use super::checker::{Verdict, check};
use super::flow::{Flow, History};
use super::judge::{Tally, judge, recorded};
use super::op::{ABOVE, Call, Op, PHASES, Raw};
use super::round::{Client, Round};
use super::site::Site;
use super::trails;

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
    println!("{tally:?}, {} times not at once", round.unanswered());
    // A database that is slow, since the machine is, counts as away, and whoever says so is right. No connection ends.
    let broken = round.broken.lock().unwrap().clone();
    assert!(broken.is_empty(), "seed {seed}: nothing was killed\n{}", broken.join("\n"));
    (round, tally)
}

/// Expects that much happened.
pub(crate) fn expect_much(tally: &Tally, calls: usize) {
    assert!(tally.done > calls / 5, "{tally:?}");
    assert!(tally.refused > calls / 20, "{tally:?}");
    assert!(tally.reads > calls / 8, "{tally:?}");
    assert!(tally.moved > 10, "{tally:?}");
    assert!(tally.charges > calls / 50, "{tally:?}");
    // What gates explain is taken as it is: were it much, the checker would not say much.
    assert!(tally.amid < calls / 4, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_explains_what_many_were_answered() {
    let seed = settings::seed();
    let site = Site::start(1).await;
    let (round, tally) = calmly(&site, seed).await;
    expect_much(&tally, CLIENTS * COMMANDS);
    let client = Client::new(&site, 0);
    let (mut found, mut given_up, mut damaged) = (0, 0, 0);
    for at in 0..round.workflows.len() {
        let (history, trail) = recorded(&round, &client, at, seed).await;
        damaged += expect_trail_strict(&history, &trail, seed);
        let strict = expect_strict(&history, seed);
        (found, given_up) = (found + strict.0, given_up + strict.1);
    }
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    for history in round.charges.histories(&client, seed).await {
        found += charges::expect_strict(&history, &mut dice, seed);
    }
    println!("{found} of the altered histories are none, {given_up} were given up");
    println!("{damaged} altered trails were noticed");
    assert!(found > 0 && given_up <= found, "seed {seed}: {found} are none, {given_up} given up");
    site.stop().await;
}

/// Expects that a history is explained, and not any more if one answer is changed a little; gives how many of those
/// nothing explains, and how many took too many steps.
fn expect_strict(history: &History, seed: u64) -> (usize, usize) {
    let verdict = |of: &History| check(of, &of.spans(), Flow::new(), STEPS);
    let unaltered = matches!(verdict(history), Verdict::Explained { .. });
    assert!(unaltered, "seed {seed}: the history itself is not explained in {STEPS} steps");
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let asked: Vec<usize> =
        (0..history.ops.len()).filter(|at| !history.ops[*at].span.optional).collect();
    let (mut found, mut given_up) = (0, 0);
    for _ in 0..6 {
        let at = *asked.choose(&mut dice).unwrap();
        let Some((answer, what)) = altered(&history.ops[at].answer, &mut dice) else { continue };
        match verdict(&history.with_answer(at, &answer)) {
            Verdict::Explained { .. } => panic!("seed {seed}: {what} of {:?}", history.ops[at]),
            Verdict::Unexplained { .. } => found += 1,
            Verdict::TooMany { .. } => given_up += 1,
        }
    }
    (found, given_up)
}

/// Expects that a trail is not that of its history any more if a record is missing, is there twice, or is of another
/// request; gives how often that was tried.
fn expect_trail_strict(history: &History, trail: &[TrailRecord], seed: u64) -> usize {
    let fits = |trail: &[TrailRecord]| {
        trails::order(history, trail).is_ok() && trails::replay(history, trail).is_ok()
    };
    assert!(fits(trail), "seed {seed}: the trail itself");
    let mut others = Vec::new();
    for (at, record) in trail.iter().enumerate() {
        let (mut missing, mut twice, mut foreign) =
            (trail.to_vec(), trail.to_vec(), trail.to_vec());
        missing.remove(at);
        twice.insert(at, record.clone());
        foreign[at].request_id = request_id();
        let is_above = record.phase == PHASES[ABOVE].number();
        match record.action.as_str() {
            "version.superseded" => others.extend([missing, twice, foreign]),
            "phase.reopened" => others.push(twice),
            "phase.reopen_begun" | "phase.sealed" => others.push(foreign),
            "phase.open_begun" | "phase.opened" if is_above => others.push(foreign),
            _ => {}
        }
    }
    let mut unopened = trail.to_vec();
    unopened.retain(|of| of.action != "phase.opened" || of.phase != PHASES[ABOVE].number());
    others.push(unopened);
    let is_reopened = |op: &Op| matches!(op.call, Call::Reopen) && !op.is_refused();
    if history.ops.iter().any(is_reopened) {
        let mut unmarked = trail.to_vec();
        let steps = ["phase.reopen_begun", "phase.marked_stale", "phase.reopened"];
        unmarked.retain(|of| !steps.contains(&of.action.as_str()));
        others.push(unmarked);
    }
    let wrong = others.iter().position(|other| fits(other));
    assert_eq!(wrong, None, "seed {seed}: an altered trail fits");
    others.len()
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
