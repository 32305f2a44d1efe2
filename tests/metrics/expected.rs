//! What figures must be, by the words of each metric, over single facts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::oracle::{Fact, Kind};

/// All metrics.
pub(crate) const METRICS: [&str; 16] = [
    "version_created",
    "version_count",
    "approval_time_hours",
    "review_time_hours",
    "rejection_rate",
    "decision_rejection_rate",
    "acceptance_rate",
    "carry_forward_rate",
    "data_owner_changes",
    "document_revisions",
    "test_requests",
    "test_responses",
    "turnaround_time_hours",
    "impact_on_timeline",
    "workflows_opened",
    "workflows_closed",
];

/// An hour in microseconds.
pub(crate) const HOUR: f64 = 3_600_000_000.0;

/// From when to when; open where nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Within {
    pub(crate) start: Option<DateTime<Utc>>,
    pub(crate) end: Option<DateTime<Utc>>,
}

impl Within {
    /// The whole hours that it touches.
    pub(crate) fn in_hours(self) -> Self {
        let hour = 3600;
        let down = |at: DateTime<Utc>| at.timestamp().div_euclid(hour) * hour;
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let up = |end: DateTime<Utc>| match at(down(end)) == end {
            true => end,
            false => at(down(end)) + TimeDelta::hours(1),
        };
        Self { start: self.start.map(|start| at(down(start))), end: self.end.map(up) }
    }

    pub(crate) fn ended(self, at: DateTime<Utc>) -> bool {
        self.end.is_none_or(|end| at < end)
    }

    pub(crate) fn has(self, at: DateTime<Utc>) -> bool {
        self.ended(at) && self.start.is_none_or(|start| start <= at)
    }
}

/// What a figure must be.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) value: Option<f64>,
    pub(crate) numerator: f64,
    pub(crate) denominator: f64,
    pub(crate) unit: &'static str,
    /// By what, and of each value.
    pub(crate) by: BTreeMap<&'static str, BTreeMap<String, f64>>,
    /// All times, sorted; none of what is no time.
    pub(crate) times: Vec<i64>,
}

/// The figure of a metric, of these facts.
pub(crate) fn figure(metric: &str, facts: &[&Fact], within: Within) -> Expected {
    let (value, numerator, denominator) = fraction(metric, facts, within);
    let mut by: BTreeMap<&'static str, BTreeMap<String, f64>> = BTreeMap::new();
    for (name, of) in splits(metric) {
        let mut here = BTreeMap::new();
        let words: BTreeSet<&str> = facts.iter().map(|fact| of(fact)).collect();
        for word in words.into_iter().filter(|word| !word.is_empty()) {
            let facts: Vec<&Fact> = facts.iter().copied().filter(|fact| of(fact) == word).collect();
            if let (Some(value), ..) = fraction(metric, &facts, within) {
                here.insert(word.to_owned(), value);
            }
        }
        by.insert(name, here);
    }
    let mut times: Vec<i64> = match time(metric) {
        None => Vec::new(),
        Some(kind) => facts
            .iter()
            .filter(|fact| fact.kind == kind && within.has(fact.at))
            .map(|fact| fact.micros)
            .collect(),
    };
    times.sort_unstable();
    let unit = if time(metric).is_some() { "h" } else { "1" };
    Expected { value, numerator, denominator, unit, by, times }
}

type Word = fn(&Fact) -> &str;

fn splits(metric: &str) -> Vec<(&'static str, Word)> {
    let source: (_, Word) = ("by_source", |fact| &fact.source);
    let action_type: (_, Word) = ("by_action_type", |fact| &fact.action_type);
    let outcome: (_, Word) = ("by_outcome", |fact| &fact.outcome);
    match metric {
        "version_created" | "review_time_hours" | "data_owner_changes" => vec![outcome],
        "decision_rejection_rate" | "acceptance_rate" => vec![source],
        "test_requests" | "turnaround_time_hours" | "impact_on_timeline" => vec![action_type],
        "test_responses" => vec![action_type, outcome],
        _ => vec![],
    }
}

fn time(metric: &str) -> Option<Kind> {
    match metric {
        "approval_time_hours" => Some(Kind::Approval),
        "review_time_hours" => Some(Kind::Review),
        "turnaround_time_hours" => Some(Kind::Turnaround),
        _ => None,
    }
}

/// The kinds that a metric is made of.
pub(crate) fn kinds(metric: &str) -> Vec<Kind> {
    match metric {
        "version_created" => vec![Kind::Made],
        "version_count" => vec![Kind::Made, Kind::Deleted],
        "rejection_rate" => vec![Kind::Closed],
        "decision_rejection_rate" | "acceptance_rate" => vec![Kind::Ruled],
        "carry_forward_rate" => vec![Kind::Held, Kind::Carried],
        "data_owner_changes" => vec![Kind::Owner],
        "document_revisions" => vec![Kind::Document],
        "test_requests" => vec![Kind::Request],
        "test_responses" => vec![Kind::Response],
        "impact_on_timeline" => vec![Kind::Impact],
        "workflows_opened" | "workflows_closed" => vec![Kind::Workflow],
        times => vec![time(times).unwrap()],
    }
}

#[expect(clippy::cast_precision_loss, reason = "doubles are what is answered")]
fn fraction(metric: &str, facts: &[&Fact], within: Within) -> (Option<f64>, f64, f64) {
    let all = |kind, outcomes: &[&str], from_the_beginning: bool| -> i64 {
        let counts = |fact: &&&Fact| {
            let in_time =
                if from_the_beginning { within.ended(fact.at) } else { within.has(fact.at) };
            let is_one = outcomes.is_empty() || outcomes.contains(&fact.outcome.as_str());
            fact.kind == kind && is_one && in_time
        };
        facts.iter().filter(counts).map(|fact| fact.amount).sum()
    };
    let n = |kind, outcomes: &[&str]| all(kind, outcomes, false);
    let (numerator, denominator) = match metric {
        "version_created" => (n(Kind::Made, &[]), 1),
        "version_count" => (all(Kind::Made, &[], true) - all(Kind::Deleted, &[], true), 1),
        "rejection_rate" => (n(Kind::Closed, &["rejected"]), n(Kind::Closed, &[])),
        "decision_rejection_rate" => (n(Kind::Ruled, &["rejected"]), n(Kind::Ruled, &[])),
        "acceptance_rate" => (n(Kind::Ruled, &["approved", "modified"]), n(Kind::Ruled, &[])),
        "carry_forward_rate" => (n(Kind::Carried, &[]), n(Kind::Held, &[])),
        "data_owner_changes" => (n(Kind::Owner, &["transferred", "deactivated"]), 1),
        "document_revisions" => (
            n(Kind::Document, &["revised"]),
            all(Kind::Document, &["submitted", "supplemented"], true),
        ),
        "test_requests" => (n(Kind::Request, &[]), 1),
        "test_responses" => (n(Kind::Response, &[]), 1),
        "impact_on_timeline" => {
            (n(Kind::Impact, &["minor_delay", "major_delay"]), n(Kind::Impact, &[]))
        }
        "workflows_opened" => (n(Kind::Workflow, &["opened"]), 1),
        "workflows_closed" => (n(Kind::Workflow, &["closed"]), 1),
        times => {
            let kind = time(times).unwrap();
            let of = facts.iter().filter(|fact| fact.kind == kind && within.has(fact.at));
            (of.map(|fact| fact.micros).sum(), n(kind, &[]))
        }
    };
    let numerator = match time(metric) {
        None => numerator as f64,
        Some(_) => numerator as f64 / HOUR,
    };
    let denominator = denominator as f64;
    ((denominator != 0.0).then(|| numerator / denominator), numerator, denominator)
}

/// The percentile by nearest rank.
pub(crate) fn percentile(sorted: &[i64], percent: usize) -> i64 {
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}
