//! Asks for every figure that there may be, and compares it with the direct count.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, Days, Months, TimeDelta, Utc};
use prost_types::value::Kind as Json;
use rand::Rng as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use signoff_contract::metrics::v1 as wire;
use signoff_contract::workflow::v1::Scope;
use signoff_tests::Person;
use signoff_tests::world::whole;
use signoff_workflow::{PhaseTable, Workflow};
use uuid::Uuid;

use crate::expected::{Expected, HOUR, METRICS, Within, figure, kinds, percentile};
use crate::oracle::Fact;

/// The bound of a quantile's relative error, as the service states it.
const RELATIVE_ERROR: f64 = 1.0 / 64.0;
/// How many figures a series may have.
const MOST_FIGURES: usize = 2_500;

const BUCKETS: [wire::Bucket; 4] =
    [wire::Bucket::Hour, wire::Bucket::Day, wire::Bucket::Week, wire::Bucket::Month];
const GROUPS: [wire::GroupBy; 7] = [
    wire::GroupBy::Phase,
    wire::GroupBy::Cycle,
    wire::GroupBy::Report,
    wire::GroupBy::Person,
    wire::GroupBy::Source,
    wire::GroupBy::ActionType,
    wire::GroupBy::Outcome,
];

/// Somebody who may read everything, and what must be answered.
pub(crate) struct Asking<'a> {
    pub(crate) auditor: &'a Person,
    pub(crate) facts: &'a [Fact],
    pub(crate) dice: ChaCha8Rng,
    /// What was answered, but for when it was counted.
    pub(crate) answers: Vec<wire::Metric>,
}

/// What figures are asked for.
#[derive(Clone, Debug, Default)]
struct About {
    workflow: Option<Workflow>,
    phase: Option<&'static str>,
    filter: wire::Filter,
}

impl About {
    fn has(&self, fact: &Fact) -> bool {
        let is = |wanted: &str, id: Uuid| wanted.is_empty() || wanted == id.to_string();
        self.workflow.is_none_or(|workflow| workflow == fact.workflow)
            && self.phase.is_none_or(|phase| phase == fact.phase)
            && is(&self.filter.cycle_id, fact.workflow.cycle_id)
            && is(&self.filter.report_id, fact.workflow.report_id)
            && (self.filter.user_id == 0 || self.filter.user_id == fact.person)
    }

    fn scope(&self) -> Option<Scope> {
        let scope = self.workflow.map(whole).unwrap_or_default();
        let phase = self.phase.map_or(0, number);
        let scope = Scope { phase, ..scope };
        (scope != Scope::default()).then_some(scope)
    }
}

fn number(slug: &str) -> i32 {
    PhaseTable::standard().by_slug(slug).map_or(0, |row| row.phase.number())
}

impl<'a> Asking<'a> {
    pub(crate) fn new(auditor: &'a Person, facts: &'a [Fact], dice: ChaCha8Rng) -> Self {
        Self { auditor, facts, dice, answers: Vec::new() }
    }

    /// Everything: of each workflow and across them, of phases, periods and people, and over time.
    pub(crate) async fn everything(&mut self) {
        for workflow in std::iter::once(None).chain(self.workflows().into_iter().map(Some)) {
            let about = About { workflow, ..About::default() };
            for about in [about.clone(), self.filtered(&about), self.filtered(&about)] {
                for within in [Within::default(), self.period(), self.period(), self.period()] {
                    self.together(&about, within).await;
                    self.by_phase(&about, within).await;
                }
            }
            for metric in METRICS {
                for bucket in BUCKETS {
                    let about = match self.dice.random_range(0..3) {
                        0 => self.filtered(&about),
                        _ => about.clone(),
                    };
                    self.series(&about, metric, bucket).await;
                }
            }
        }
    }

    /// What every workflow has come to.
    pub(crate) async fn totals(&mut self) {
        for workflow in std::iter::once(None).chain(self.workflows().into_iter().map(Some)) {
            let about = About { workflow, ..About::default() };
            self.together(&about, Within::default()).await;
            self.by_phase(&about, Within::default()).await;
        }
    }

    fn workflows(&self) -> Vec<Workflow> {
        let all: BTreeSet<Workflow> = self.facts.iter().map(|fact| fact.workflow).collect();
        all.into_iter().collect()
    }

    fn moment(&mut self) -> DateTime<Utc> {
        let at = self.facts.choose(&mut self.dice).map_or(DateTime::UNIX_EPOCH, |fact| fact.at);
        match self.dice.random_range(0..4) {
            // Right at its hour, or its day.
            0 => at - TimeDelta::seconds(at.timestamp().rem_euclid(3600)),
            1 => at.date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc(),
            2 => at,
            _ => at + TimeDelta::minutes(self.dice.random_range(-5000..5000)),
        }
    }

    fn period(&mut self) -> Within {
        let (one, other) = (self.moment(), self.moment());
        let (start, end) = (one.min(other), one.max(other) + TimeDelta::microseconds(1));
        match self.dice.random_range(0..6) {
            0 => Within { start: Some(start), end: None },
            1 => Within { start: None, end: Some(end) },
            2 => Within { start: Some(start), end: Some(start + TimeDelta::minutes(50)) },
            _ => Within { start: Some(start), end: Some(end) },
        }
    }

    /// The same, of one person, cycle, report or phase.
    fn filtered(&mut self, about: &About) -> About {
        let mut about = about.clone();
        let Some(fact) = self.facts.choose(&mut self.dice) else { return about };
        if self.dice.random_bool(0.6) {
            about.filter.user_id = fact.person;
        }
        if about.workflow.is_none() && self.dice.random_bool(0.5) {
            match self.dice.random_bool(0.5) {
                true => about.filter.cycle_id = fact.workflow.cycle_id.to_string(),
                false => about.filter.report_id = fact.workflow.report_id.to_string(),
            }
        }
        if self.dice.random_bool(0.4) {
            let row = PhaseTable::standard().by_slug(&fact.phase);
            about.phase = row.map(|row| row.slug);
        }
        about
    }

    async fn together(&mut self, about: &About, within: Within) {
        let about = About { phase: None, ..about.clone() };
        let request = wire::GetWorkflowMetricsRequest {
            scope: about.scope(),
            period: period(within),
            filter: Some(about.filter.clone()),
        };
        let found = self.auditor.call(request).await.unwrap().metrics;
        let facts: Vec<&Fact> = self.facts.iter().filter(|fact| about.has(fact)).collect();
        let names: Vec<&str> = found.iter().map(|metric| metric.metric_type.as_str()).collect();
        assert_eq!(names, METRICS);
        for metric in &found {
            let expected = figure(&metric.metric_type, &facts, within.in_hours());
            expect(metric, &expected, &format!("{about:?} {within:?}"));
        }
        self.keep(found);
    }

    async fn by_phase(&mut self, about: &About, within: Within) {
        let request = wire::GetPhaseMetricsRequest {
            scope: about.scope(),
            period: period(within),
            filter: Some(about.filter.clone()),
        };
        let found = self.auditor.call(request).await.unwrap().metrics;
        let facts: Vec<&Fact> = self.facts.iter().filter(|fact| about.has(fact)).collect();
        let of = |metric: &wire::Metric| metric.scope.as_ref().map_or(0, |scope| scope.phase);
        let told: BTreeSet<i32> = found.iter().map(of).collect();
        assert_eq!(found.len(), told.len() * METRICS.len(), "{about:?} {within:?}");
        let within = within.in_hours();
        let happened = facts.iter().filter(|fact| within.has(fact.at));
        let missing: Vec<&str> = happened
            .map(|fact| fact.phase.as_str())
            .filter(|phase| !told.contains(&number(phase)))
            .collect();
        assert_eq!(missing, Vec::<&str>::new(), "{about:?} {within:?}");
        for metric in &found {
            let here: Vec<&Fact> =
                facts.iter().copied().filter(|fact| number(&fact.phase) == of(metric)).collect();
            let expected = figure(&metric.metric_type, &here, within);
            expect(metric, &expected, &format!("{about:?} {within:?} phase {}", of(metric)));
        }
        self.keep(found);
    }

    async fn series(&mut self, about: &About, metric: &str, bucket: wire::Bucket) {
        let mut by = GROUPS.to_vec();
        by.shuffle(&mut self.dice);
        by.truncate([0, 1, 1, 2, 3][self.dice.random_range(0..5)]);
        let (one, other) = (self.moment(), self.moment());
        let (from, mut to) = (one.min(other), one.max(other) + TimeDelta::microseconds(1));
        if bucket == wire::Bucket::Hour {
            to = to.min(from + TimeDelta::hours(60));
        }
        let request = wire::QuerySeriesRequest {
            scope: about.scope(),
            metric_type: metric.to_owned(),
            bucket: bucket.into(),
            from: Some(stamp(from)),
            to: Some(stamp(to)),
            group_by: by.iter().map(|by| i32::from(*by)).collect(),
            filter: Some(about.filter.clone()),
        };
        let what = format!("{about:?} {metric} {bucket:?} {from} {to} {by:?}");
        let begins: Vec<DateTime<Utc>> =
            std::iter::successors(Some(begin(bucket, from)), |at| Some(next(bucket, *at)))
                .take_while(|at| *at < to)
                .collect();
        let end = next(bucket, *begins.last().unwrap());
        let mut groups: BTreeMap<Vec<String>, Vec<&Fact>> = BTreeMap::new();
        let kinds = kinds(metric);
        for fact in self.facts.iter().filter(|fact| about.has(fact) && fact.at < end) {
            if kinds.contains(&fact.kind) {
                groups
                    .entry(by.iter().map(|by| group(*by, fact)).collect())
                    .or_default()
                    .push(fact);
            }
        }
        let answer = self.auditor.call(request).await;
        if let Err(status) = &answer {
            let figures = groups.len().max(1) * begins.len();
            assert!(figures > MOST_FIGURES, "{what}: {status:?}");
            return;
        }
        let mut told: BTreeMap<Vec<String>, Vec<wire::Metric>> = BTreeMap::new();
        for series in answer.unwrap().series {
            let named = series.group.unwrap();
            let before =
                told.insert(by.iter().map(|by| label(*by, &named)).collect(), series.metrics);
            assert!(before.is_none(), "{what}: {named:?} twice");
        }
        for (group, metrics) in &told {
            assert_eq!(metrics.len(), begins.len(), "{what} {group:?}");
            let none = Vec::new();
            let facts = groups.get(group).unwrap_or(&none);
            for (metric, begin) in metrics.iter().zip(&begins) {
                let (start, end) = (Some(*begin), Some(next(bucket, *begin)));
                assert_eq!(metric.period_start, start.map(stamp), "{what}");
                assert_eq!(metric.period_end, end.map(stamp), "{what}");
                let expected = figure(&metric.metric_type, facts, Within { start, end });
                expect(metric, &expected, &format!("{what} {group:?} {begin}"));
            }
        }
        for (group, facts) in groups.iter().filter(|(group, _)| !told.contains_key(*group)) {
            for begin in &begins {
                let within = Within { start: Some(*begin), end: Some(next(bucket, *begin)) };
                let expected = figure(metric, facts, within);
                let nothing = expected.numerator == 0.0 && expected.value.unwrap_or(0.0) == 0.0;
                assert!(nothing, "{what}: {group:?} is missing: {expected:?}");
            }
        }
        told.into_values().for_each(|metrics| self.keep(metrics));
    }

    fn keep(&mut self, found: Vec<wire::Metric>) {
        self.answers.extend(found.into_iter().map(|metric| wire::Metric {
            as_of: Vec::new(),
            calculated_at: None,
            ..metric
        }));
    }
}

fn group(by: wire::GroupBy, fact: &Fact) -> String {
    match by {
        wire::GroupBy::Phase => number(&fact.phase).to_string(),
        wire::GroupBy::Cycle => fact.workflow.cycle_id.to_string(),
        wire::GroupBy::Report => fact.workflow.report_id.to_string(),
        wire::GroupBy::Person => fact.person.to_string(),
        wire::GroupBy::Source => fact.source.clone(),
        wire::GroupBy::ActionType => fact.action_type.clone(),
        wire::GroupBy::Outcome => fact.outcome.clone(),
        wire::GroupBy::Unspecified => unreachable!("nobody asks for it"),
    }
}

fn label(by: wire::GroupBy, group: &wire::Group) -> String {
    match by {
        wire::GroupBy::Phase => group.phase.to_string(),
        wire::GroupBy::Cycle => group.cycle_id.clone(),
        wire::GroupBy::Report => group.report_id.clone(),
        wire::GroupBy::Person => group.user_id.to_string(),
        wire::GroupBy::Source => group.source.clone(),
        wire::GroupBy::ActionType => group.action_type.clone(),
        wire::GroupBy::Outcome => group.outcome.clone(),
        wire::GroupBy::Unspecified => unreachable!("nobody asks for it"),
    }
}

fn begin(bucket: wire::Bucket, at: DateTime<Utc>) -> DateTime<Utc> {
    let day = at.date_naive();
    let day = match bucket {
        wire::Bucket::Hour => {
            return Within { start: Some(at), end: None }.in_hours().start.unwrap();
        }
        wire::Bucket::Day => day,
        wire::Bucket::Week => day - Days::new(u64::from(day.weekday().num_days_from_monday())),
        _ => day.with_day(1).unwrap(),
    };
    day.and_hms_opt(0, 0, 0).unwrap().and_utc()
}

fn next(bucket: wire::Bucket, begin: DateTime<Utc>) -> DateTime<Utc> {
    match bucket {
        wire::Bucket::Hour => begin + TimeDelta::hours(1),
        wire::Bucket::Day => begin + Days::new(1),
        wire::Bucket::Week => begin + Days::new(7),
        _ => begin + Months::new(1),
    }
}

pub(crate) fn stamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

fn period(within: Within) -> Option<wire::Period> {
    let Within { start, end } = within;
    Some(wire::Period { start: start.map(stamp), end: end.map(stamp) })
}

/// Expects that a figure is this one, to the last digit.
#[track_caller]
#[expect(clippy::cast_precision_loss, reason = "doubles are what is answered")]
pub(crate) fn expect(found: &wire::Metric, expected: &Expected, what: &str) {
    let what = format!("{} {what}: {found:?}\nexpected {expected:?}", found.metric_type);
    assert_eq!(found.metric_value, expected.value, "{what}");
    assert_eq!(found.numerator, expected.numerator, "{what}");
    assert_eq!(found.denominator, expected.denominator, "{what}");
    assert_eq!(found.unit, expected.unit, "{what}");
    let metadata = &found.metric_metadata.as_ref().unwrap().fields;
    for (name, expected) in &expected.by {
        let told = match metadata.get(*name).and_then(|by| by.kind.as_ref()) {
            Some(Json::StructValue(by)) => by.fields.clone(),
            _ => BTreeMap::default(),
        };
        // Of nothing it does not matter whether it is there.
        let told: BTreeMap<String, f64> = told
            .into_iter()
            .map(|(word, value)| (word, double(&value)))
            .filter(|(_, value)| *value != 0.0)
            .collect();
        let mut expected = expected.clone();
        expected.retain(|_, value| *value != 0.0);
        assert_eq!(told, expected, "{name} {what}");
    }
    let told = |name: &str| metadata.get(name).map(double);
    let hours = |micros: i64| micros as f64 / HOUR;
    assert_eq!(told("min"), expected.times.first().copied().map(hours), "{what}");
    assert_eq!(told("max"), expected.times.last().copied().map(hours), "{what}");
    for (name, percent) in [("p50", 50), ("p95", 95)] {
        assert_eq!(told(name).is_some(), !expected.times.is_empty(), "{what}");
        if let Some(told) = told(name) {
            let exact = hours(percentile(&expected.times, percent));
            assert!((told - exact).abs() <= exact * RELATIVE_ERROR, "{name} {exact} {what}");
        }
    }
}

fn double(value: &prost_types::Value) -> f64 {
    match value.kind {
        Some(Json::NumberValue(number)) => number,
        _ => f64::NAN,
    }
}
