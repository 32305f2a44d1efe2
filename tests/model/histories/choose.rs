//! What comes to somebody's mind, given what is known of a workflow.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use signoff_contract::versioning::v1::{RecommendationSource as Source, VersionState};

use super::known::{KEYS, Known};
use super::op::{ABOVE, BELOW, Call};
use super::people::{KEEPERS, OWNERS, TESTERS};
use crate::step::{Command, Key, Opinion, Put, Verdict, Who};

fn one_of<T: Copy>(dice: &mut ChaCha8Rng, of: &[T]) -> T {
    *of.choose(dice).expect("some")
}

/// The next call, and who makes it.
pub(crate) fn choose(known: &Known, dice: &mut ChaCha8Rng) -> (Who, Call) {
    let above = match known.gate {
        Some((true, false)) => 0.85,
        Some((true, true)) => 0.4,
        _ if known.is_complete(BELOW) => 0.5,
        _ => 0.06,
    };
    let place = if dice.random_bool(above) { ABOVE } else { BELOW };
    let anybody = one_of(dice, &TESTERS);
    match dice.random_range(0..100) {
        0..8 => (anybody, Call::Versions(place)),
        8..18 => {
            let last = known.last(place);
            let version = if dice.random_bool(0.8) { last } else { dice.random_range(0..=last) };
            (anybody, Call::Decisions { place, version })
        }
        18..22 => (anybody, Call::Current(place)),
        22..27 => (anybody, Call::Status),
        27..43 => gate(known, dice),
        _ => {
            let (mut who, command) = command(known, place, dice);
            if dice.random_ratio(1, 30)
                && !matches!(command, Command::Review { .. } | Command::Add { .. })
            {
                who = one_of(dice, &OWNERS);
            }
            (who, Call::Act { place, etag: etag(known, place, &command, dice), command })
        }
    }
}

/// Mostly what gets on.
fn gate(known: &Known, dice: &mut ChaCha8Rng) -> (Who, Call) {
    let (keeper, complete) = (one_of(dice, &KEEPERS), known.is_complete(BELOW));
    match (known.gate, dice.random_range(0..10)) {
        (None | Some((false, _)), 0..7) if complete => (one_of(dice, &TESTERS), Call::Start),
        (Some((true, true)), 0..9) if complete => (keeper, Call::Reaffirm),
        (Some((true, false)), 0..5) => (keeper, Call::Reopen),
        (_, 7) => (one_of(dice, &TESTERS), Call::Start),
        (_, 8) => (keeper, Call::Reaffirm),
        (_, 9) => (keeper, Call::Reopen),
        _ => (TESTERS[0], Call::Status),
    }
}

fn etag(known: &Known, place: usize, command: &Command, dice: &mut ChaCha8Rng) -> String {
    if matches!(command, Command::Create { .. }) {
        return String::new();
    }
    let about = command.version();
    let about =
        about.or_else(|| known.newest(place).and_then(|of| usize::try_from(of.number).ok()));
    match dice.random_bool(0.3) {
        true => about.map(|number| known.etag(place, number)).unwrap_or_default(),
        false => String::new(),
    }
}

fn command(known: &Known, place: usize, dice: &mut ChaCha8Rng) -> (Who, Command) {
    let tester = one_of(dice, &TESTERS);
    let approvers: &[Who] = if place == BELOW { &TESTERS } else { &OWNERS };
    let approver = one_of(dice, approvers);
    let Some(newest) = known.newest(place) else {
        return (tester, Command::Create { items: items(dice, 1) });
    };
    let version = usize::try_from(newest.number).unwrap();
    let odd = dice.random_ratio(1, 12);
    let state = match odd {
        true => {
            one_of(dice, &[VersionState::Draft, VersionState::Submitted, VersionState::Approved])
        }
        false => newest.state(),
    };
    let version = match odd {
        true => dice.random_range(0..=known.last(place)),
        false => version,
    };
    match state {
        VersionState::Draft => (tester, in_draft(known, place, version, dice)),
        VersionState::Submitted => in_review(known, place, version, (tester, approver), dice),
        _ => match (dice.random_range(0..10), known.rejected(place)) {
            (0, Some(version)) => (tester, Command::Delete { version }),
            (1, _) => {
                let baseline = Some(dice.random_range(0..=version));
                (tester, Command::Revise { baseline, items: items(dice, 0) })
            }
            (2, _) => (tester, Command::Create { items: items(dice, 0) }),
            _ => (tester, Command::Revise { baseline: None, items: items(dice, 0) }),
        },
    }
}

fn in_draft(known: &Known, place: usize, version: usize, dice: &mut ChaCha8Rng) -> Command {
    let keys = known.keys(place);
    let is_empty = known.counts(place, version).total == 0;
    match dice.random_range(0..100) {
        0..22 => Command::Add { version, items: items(dice, 1) },
        22..60 if is_empty => Command::Add { version, items: items(dice, 1) },
        22..36 if !keys.is_empty() => {
            let (key, reason) = (one_of(dice, &keys), "it was wrong".to_owned());
            Command::Update { version, key, text: text(dice), reason }
        }
        36..44 if !keys.is_empty() => {
            let reason = "it is out".to_owned();
            Command::Remove { version, keys: vec![one_of(dice, &keys)], reason }
        }
        96.. => Command::Delete { version },
        _ => Command::Submit { version },
    }
}

fn in_review(
    known: &Known,
    place: usize,
    version: usize,
    (tester, approver): (Who, Who),
    dice: &mut ChaCha8Rng,
) -> (Who, Command) {
    let (keys, counts) = (known.keys(place), known.counts(place, version));
    match dice.random_range(0..100) {
        0..16 if !keys.is_empty() => {
            let reviews = vec![(one_of(dice, &keys), opinion(dice, true))];
            (approver, Command::Review { version, reviews, remaining: None })
        }
        16..60 if counts.unconfirmed > 0 && !keys.is_empty() => {
            (tester, Command::Confirm { version, keys: vec![one_of(dice, &keys)] })
        }
        0..30 => {
            let remaining = Some(opinion(dice, false));
            (approver, Command::Review { version, reviews: Vec::new(), remaining })
        }
        30..70 if counts.pending > 0 => {
            let remaining = Some(opinion(dice, false));
            (approver, Command::Review { version, reviews: Vec::new(), remaining })
        }
        30..88 => (approver, Command::Approve { version }),
        88..95 => (approver, Command::Reject { version }),
        _ => (tester, Command::Withdraw { version }),
    }
}

/// Up to two items, mostly different ones.
fn items(dice: &mut ChaCha8Rng, at_least: usize) -> Vec<Put> {
    let count = dice.random_range(at_least..=2);
    let put = |_| {
        let source = one_of(dice, &[Source::Tester, Source::Llm, Source::Manual]);
        Put { key: dice.random_range(0..KEYS), text: text(dice), source }
    };
    (0..count).map(put).collect()
}

fn text(dice: &mut ChaCha8Rng) -> String {
    format!("text {:08x}", dice.random::<u32>())
}

fn opinion(dice: &mut ChaCha8Rng, may_modify: bool) -> Opinion {
    let verdict = match dice.random_range(0..if may_modify { 10 } else { 8 }) {
        0..7 => Verdict::Approved,
        7..9 => Verdict::Rejected,
        _ => Verdict::Modified { text: text(dice), reason: "better so".to_owned() },
    };
    Opinion { verdict, notes: text(dice) }
}

/// What brings a line to its end without anybody's help, whatever it stands at: what is open is given up, and a
/// new version with this item is approved.
pub(crate) fn ending(known: &Known, place: usize, key: Key) -> Vec<(Who, Command)> {
    let (tester, approver) = (TESTERS[0], if place == BELOW { TESTERS[3] } else { OWNERS[0] });
    let mut steps = Vec::new();
    let newest = known.newest(place).map(|of| (usize::try_from(of.number).unwrap(), of.state()));
    if let Some((version, state)) = newest
        && super::flow::is_open(state)
    {
        if state == VersionState::Submitted {
            steps.push((tester, Command::Withdraw { version }));
        }
        steps.push((tester, Command::Delete { version }));
    }
    let item = Put { key, text: "the end".to_owned(), source: Source::Tester };
    let only = newest.is_none_or(|(version, state)| {
        super::flow::is_open(state) && known.closed_before(place, version).is_none()
    });
    steps.push(match only {
        true => (tester, Command::Create { items: vec![item] }),
        false => (tester, Command::Revise { baseline: None, items: vec![item] }),
    });
    let version = known.last(place) + 1;
    let verdict = Verdict::Approved;
    let remaining = Some(Opinion { verdict, notes: String::new() });
    steps.push((tester, Command::Submit { version }));
    steps.push((approver, Command::Review { version, reviews: Vec::new(), remaining }));
    steps.push((approver, Command::Approve { version }));
    steps
}
