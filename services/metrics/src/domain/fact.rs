//! What records add up to, before it is added to what is there.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use signoff_workflow::Workflow;

use super::measure::Measure;
use super::sketch::{Filled, bucket};

/// One row that is counted up: everything that a figure can be split by, and the hour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Of which workflow.
    pub workflow: Workflow,
    /// Of which phase, by its slug; empty where it is about the whole workflow.
    pub phase: &'static str,
    /// Of what.
    pub measure: Measure,
    /// Who did it.
    pub person: i64,
    /// Where a decision was recommended; else empty.
    pub source: &'static str,
    /// What was asked for; else empty.
    pub action_type: &'static str,
    /// How it ended; else empty.
    pub outcome: &'static str,
    /// The hour in which it happened, in UTC.
    pub hour: DateTime<Utc>,
}

/// So many, and how long they took together in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many; below zero where something is taken back.
    pub amount: i64,
    /// How long; zero of what is no time.
    pub micros: i64,
}

/// Facts, added up by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Counts and sums.
    pub sums: BTreeMap<Key, Sum>,
    /// Distributions of times.
    pub times: BTreeMap<(Key, i32), Filled>,
}

impl Facts {
    /// Counts so many more.
    pub fn count(&mut self, key: Key, amount: i64) {
        self.sums.entry(key).or_default().amount += amount;
    }

    /// Counts a time.
    pub fn time(&mut self, key: Key, took: TimeDelta) {
        // No clock that was set back makes a time shorter than none.
        let micros = took.num_microseconds().unwrap_or(i64::MAX).max(0);
        let sum = self.sums.entry(key.clone()).or_default();
        sum.amount += 1;
        sum.micros = sum.micros.saturating_add(micros);
        let one = Filled::one(micros);
        let here = self.times.entry((key, bucket(micros))).or_insert(Filled { amount: 0, ..one });
        *here = here.and(one);
    }

    /// Without what came to nothing.
    pub fn settle(&mut self) {
        self.sums.retain(|_, sum| *sum != Sum::default());
    }
}

/// The hour that a moment is in.
pub fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    // Not `duration_trunc`, which knows the years 1677 to 2262 only.
    let begun = TimeDelta::seconds(at.timestamp().rem_euclid(3600));
    at.with_nanosecond(0).unwrap_or(at) - begun
}

#[cfg(test)]
mod tests {
    use super::super::story::{at, workflow};
    use super::*;

    fn key(outcome: &'static str) -> Key {
        Key {
            workflow: workflow(),
            phase: "scoping",
            measure: Measure::ReviewTime,
            person: 9,
            source: "",
            action_type: "",
            outcome,
            hour: at("09:00"),
        }
    }

    #[test]
    fn counts_and_times_add_up_by_key() {
        let mut facts = Facts::default();
        facts.count(key("counted"), 3);
        facts.count(key("counted"), -1);
        facts.time(key("timed"), TimeDelta::seconds(2));
        facts.time(key("timed"), TimeDelta::seconds(2));
        facts.time(key("timed"), TimeDelta::minutes(1));
        let sums: Vec<_> = facts.sums.iter().map(|(key, sum)| (key.outcome, *sum)).collect();
        let expected = [
            ("counted", Sum { amount: 2, micros: 0 }),
            ("timed", Sum { amount: 3, micros: 64_000_000 }),
        ];
        assert_eq!(sums, expected);
        let times: Vec<_> =
            facts.times.values().map(|filled| (filled.amount, filled.lowest)).collect();
        assert_eq!(times, [(2, 2_000_000), (1, 60_000_000)]);
    }

    #[test]
    fn no_clock_makes_a_time_shorter_than_none_or_longer_than_can_be_told() {
        for (took, micros) in [(TimeDelta::seconds(-5), 0), (TimeDelta::MAX, i64::MAX)] {
            let mut facts = Facts::default();
            facts.time(key(""), took);
            facts.time(key(""), took);
            let sum = facts.sums.values().next().copied();
            assert_eq!(sum, Some(Sum { amount: 2, micros }));
        }
    }

    #[test]
    fn what_came_to_nothing_is_not_written() {
        let mut facts = Facts::default();
        facts.count(key("undone"), 1);
        facts.count(key("undone"), -1);
        facts.count(key("stands"), 1);
        facts.count(key("taken back"), -1);
        facts.settle();
        let left: Vec<_> = facts.sums.keys().map(|key| key.outcome).collect();
        assert_eq!(left, ["stands", "taken back"]);
    }

    #[test]
    fn an_hour_begins_on_the_hour_also_long_ago() {
        for (moment, hour) in [
            ("2026-11-25T09:59:59.999999Z", "2026-11-25T09:00:00Z"),
            ("2026-11-25T09:00:00Z", "2026-11-25T09:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:00:00Z"),
            ("0001-01-01T00:30:00Z", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(hour_of(moment.parse().unwrap()), hour.parse::<DateTime<Utc>>().unwrap());
        }
    }
}
