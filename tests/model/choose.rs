//! Turns random numbers into steps: mostly such as move the line on, and some that are out of
//! place.

use std::ops::Range;

use signoff_contract::versioning::v1::{RecommendationSource as Source, VersionState};

use crate::line::{Line, Standing, Version};
use crate::step::{Command, Key, Opinion, PEOPLE, Put, Step, Tag, Verdict, Who};

/// How many keys there are.
const KEYS: usize = 5;
/// How many versions a line gets.
const VERSIONS: usize = 7;

const TESTERS: [Who; 3] = [PEOPLE[0], PEOPLE[1], PEOPLE[4]];
const OWNERS: [Who; 3] = [PEOPLE[2], PEOPLE[3], PEOPLE[4]];

/// The random numbers of one step.
pub(crate) type Raw = [u8; 8];

/// The random numbers of one step, and how far they were read.
struct Dice<'a> {
    raw: &'a Raw,
    at: usize,
    /// Makes texts that no other step has.
    serial: usize,
}

impl Dice<'_> {
    /// A number below this one.
    fn below(&mut self, bound: usize) -> usize {
        let thrown = self.raw[self.at % self.raw.len()];
        self.at += 1;
        usize::from(thrown) % bound.max(1)
    }

    /// Whether this happened, in percent.
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn text(&mut self) -> String {
        // Now and then a text that others have too: two contents may well be the same.
        if self.chance(12) {
            "as ever".to_owned()
        } else {
            format!("text {}.{}", self.serial, self.at)
        }
    }

    fn reason(&mut self) -> String {
        if self.chance(85) { format!("reason {}", self.serial) } else { String::new() }
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(self.below(of.len())).copied()
    }

    fn key(&mut self) -> Key {
        self.below(KEYS)
    }

    /// One or two keys, mostly of these.
    fn keys(&mut self, of: &[Key]) -> Vec<Key> {
        let mut keys = Vec::new();
        for _ in 0..=self.below(2) {
            let rather = self.one_of(of).filter(|_| self.raw[7] < 230);
            let key = rather.unwrap_or_else(|| self.key());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Items to put forward, mostly such as the version does not hold.
    fn items(&mut self, version: Option<&Version>, count: Range<usize>) -> Vec<Put> {
        let free: Vec<Key> = (0..KEYS)
            .filter(|key| version.is_none_or(|version| !version.items.contains_key(key)))
            .collect();
        let mut items: Vec<Put> = Vec::new();
        for _ in 0..count.start + self.below(count.len()) {
            let key = if self.raw[6] < 230 { self.one_of(&free) } else { None };
            let key = key.unwrap_or_else(|| self.key());
            // Rarely twice the same: that is refused.
            if self.raw[5] < 240 && items.iter().any(|put| put.key == key) {
                continue;
            }
            let source = [Source::Tester, Source::Llm, Source::Manual, Source::Automated];
            let source = self.one_of(&source).unwrap_or(Source::Tester);
            items.push(Put { key, text: self.text(), source });
        }
        items
    }

    fn opinion(&mut self, may_modify: bool) -> Opinion {
        let verdict = match self.below(if may_modify { 10 } else { 6 }) {
            0..4 => Verdict::Approved,
            4..6 => Verdict::Rejected,
            _ => Verdict::Modified { text: self.text(), reason: format!("change {}", self.serial) },
        };
        let notes = if self.chance(50) { format!("notes {}", self.serial) } else { String::new() };
        Opinion { verdict, notes }
    }

    fn reviews(&mut self, keys: &[Key]) -> Vec<(Key, Opinion)> {
        self.keys(keys).into_iter().map(|key| (key, self.opinion(true))).collect()
    }
}

/// The next step.
pub(crate) fn choose(line: &Line, raw: &Raw, serial: usize) -> Step {
    let mut dice = Dice { raw, at: 0, serial };
    let odd = dice.chance(10);
    let command = if odd {
        anything(line, &mut dice)
    } else {
        match line.open() {
            None => between_versions(line, &mut dice),
            Some(open) if open.state == VersionState::Draft => in_draft(open, &mut dice),
            Some(open) => in_review(open, &mut dice),
        }
    };
    let fit: &[Who] = match &command {
        Command::Add { .. } if dice.chance(35) => &OWNERS,
        Command::Review { .. } if dice.chance(20) => &TESTERS,
        Command::Review { .. } | Command::Approve { .. } | Command::Reject { .. } => &OWNERS,
        _ => &TESTERS,
    };
    let who = if dice.chance(6) { dice.one_of(&PEOPLE) } else { dice.one_of(fit) };
    let tag = match dice.below(24) {
        0 => Tag::Stale,
        1..6 => Tag::Current,
        _ => Tag::None,
    };
    Step { who: who.unwrap_or(PEOPLE[0]), tag, command }
}

/// Any command on any version.
fn anything(line: &Line, dice: &mut Dice<'_>) -> Command {
    let version = dice.below(line.versions.len() + 2);
    let held: Vec<Key> =
        line.version(version).map(|of| of.items.keys().copied().collect()).unwrap_or_default();
    match dice.below(12) {
        0 => Command::Create { items: dice.items(None, 0..3) },
        1 => Command::Revise { baseline: Some(version), items: dice.items(None, 0..2) },
        2 => Command::Add { version, items: dice.items(line.version(version), 1..3) },
        3 => {
            let key = dice.key();
            Command::Update { version, key, text: dice.text(), reason: dice.reason() }
        }
        4 => Command::Remove { version, keys: dice.keys(&held), reason: dice.reason() },
        5 => Command::Submit { version },
        6 => Command::Withdraw { version },
        7 => Command::Review { version, reviews: dice.reviews(&held), remaining: None },
        8 => Command::Confirm { version, keys: dice.keys(&held) },
        9 => Command::Approve { version },
        10 => Command::Reject { version },
        _ => Command::Delete { version },
    }
}

fn between_versions(line: &Line, dice: &mut Dice<'_>) -> Command {
    let deletable: Vec<usize> = line
        .versions
        .iter()
        .filter(|version| version.state == VersionState::Rejected)
        .map(|version| version.number)
        .collect();
    let full = line.versions.len() >= VERSIONS;
    if let Some(version) = dice.one_of(&deletable)
        && (full || dice.chance(15))
    {
        return Command::Delete { version };
    }
    match line.newest() {
        None if !full => Command::Create { items: dice.items(None, 0..4) },
        Some(newest) if !full => {
            let older = dice.chance(45).then(|| dice.below(newest) + 1);
            Command::Revise { baseline: older, items: dice.items(line.version(newest), 0..3) }
        }
        _ => anything(line, dice),
    }
}

fn in_draft(draft: &Version, dice: &mut Dice<'_>) -> Command {
    let version = draft.number;
    let held: Vec<Key> = draft.items.keys().copied().collect();
    match dice.below(100) {
        0..25 => Command::Add { version, items: dice.items(Some(draft), 1..3) },
        25..46 => {
            let key = dice.one_of(&held).unwrap_or_default();
            Command::Update { version, key, text: dice.text(), reason: dice.reason() }
        }
        46..58 => Command::Remove { version, keys: dice.keys(&held), reason: dice.reason() },
        58..93 => Command::Submit { version },
        _ => Command::Delete { version },
    }
}

fn in_review(submitted: &Version, dice: &mut Dice<'_>) -> Command {
    let version = submitted.number;
    let held: Vec<Key> = submitted.items.keys().copied().collect();
    let proposed = submitted.standing(Standing::Proposed);
    let pending = submitted.count(Standing::Pending);
    match dice.below(100) {
        0..26 => Command::Review { version, reviews: dice.reviews(&held), remaining: None },
        26..36 => {
            let reviews = if dice.chance(40) { dice.reviews(&held) } else { Vec::new() };
            Command::Review { version, reviews, remaining: Some(dice.opinion(false)) }
        }
        36..62 if !proposed.is_empty() => Command::Confirm { version, keys: proposed },
        36..82 if pending > 0 => {
            Command::Review { version, reviews: Vec::new(), remaining: Some(dice.opinion(false)) }
        }
        36..82 => Command::Approve { version },
        82..91 => Command::Reject { version },
        _ => Command::Withdraw { version },
    }
}
