//! Figures: what counts come to.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::fact::Sum;
use super::measure::Measure;
use super::metric::{MetricType, Part, Split, Unit};
use super::sketch::{RELATIVE_ERROR, Sketch};

/// An hour, in microseconds.
const HOUR: f64 = 3_600_000_000.0;

/// A count that figures are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Of what.
    pub measure: Measure,
    /// Where decisions were recommended; else empty.
    pub source: String,
    /// What was asked for; else empty.
    pub action_type: String,
    /// How it ended; else empty.
    pub outcome: String,
    /// In the period.
    pub within: Sum,
    /// From the beginning to the period's end.
    pub until_end: Sum,
    /// When it was counted up last.
    pub calculated_at: DateTime<Utc>,
}

/// A distribution of times that a figure is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// Of what.
    pub measure: Measure,
    /// The times.
    pub sketch: Sketch,
}

/// A number, and what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Of which metric.
    pub metric: MetricType,
    /// The number; none where there is nothing to divide by.
    pub value: Option<f64>,
    /// What is divided.
    pub numerator: f64,
    /// By what.
    pub denominator: f64,
    /// Breakdowns and quantiles.
    pub metadata: Map<String, Value>,
    /// When something that it is made of was counted up last.
    pub calculated_at: Option<DateTime<Utc>>,
}

/// A fraction before it is divided: counts, or microseconds by a number.
type Fraction = (i128, i128);

impl Figure {
    /// The figure of a metric.
    pub fn of(metric: MetricType, counts: &[Count], times: &[Times]) -> Self {
        let definition = metric.definition();
        let fraction = fraction(metric, counts.iter());
        let mut metadata = Map::new();
        for split in definition.splits {
            let by = broken_down(metric, counts, *split);
            if !by.is_empty() {
                metadata.insert(split.name().to_owned(), Value::Object(by));
            }
        }
        if let Some(measure) = metric.times()
            && let Some(times) = times.iter().find(|times| times.measure == measure)
        {
            metadata.extend(quantiles(&times.sketch));
        }
        let parts = || definition.numerator.iter().chain(definition.denominator);
        let made_of = |count: &&Count| parts().any(|part| part.takes(count));
        let (numerator, denominator) = shown(definition.unit, fraction);
        Self {
            metric,
            value: divided(numerator, denominator),
            numerator,
            denominator,
            metadata,
            calculated_at: counts.iter().filter(made_of).map(|count| count.calculated_at).max(),
        }
    }
}

impl Part {
    fn takes(&self, count: &Count) -> bool {
        self.measure == count.measure
            && (self.outcomes.is_empty() || self.outcomes.contains(&count.outcome.as_str()))
    }

    fn sum<'a>(&self, counts: impl Iterator<Item = &'a Count>, micros: bool) -> i128 {
        let of = |count: &Count| {
            let sum = if self.until_end { count.until_end } else { count.within };
            i128::from(if micros { sum.micros } else { sum.amount })
        };
        let sum: i128 = counts.filter(|count| self.takes(count)).map(of).sum();
        if self.less { -sum } else { sum }
    }
}

fn fraction<'a>(metric: MetricType, counts: impl Iterator<Item = &'a Count> + Clone) -> Fraction {
    let definition = metric.definition();
    let micros = definition.unit == Unit::Hours;
    let added =
        |parts: &[Part], micros| parts.iter().map(|part| part.sum(counts.clone(), micros)).sum();
    let denominator = match definition.denominator {
        [] => 1,
        parts => added(parts, false),
    };
    (added(definition.numerator, micros), denominator)
}

/// Numerator and denominator in the metric's unit.
fn shown(unit: Unit, (numerator, denominator): Fraction) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "a double is what is answered")]
    let (numerator, denominator) = (numerator as f64, denominator as f64);
    match unit {
        Unit::Hours => (numerator / HOUR, denominator),
        Unit::Count | Unit::Ratio => (numerator, denominator),
    }
}

fn divided(numerator: f64, denominator: f64) -> Option<f64> {
    (denominator != 0.0).then(|| numerator / denominator)
}

/// The metric for each value of something.
fn broken_down(metric: MetricType, counts: &[Count], split: Split) -> Map<String, Value> {
    let definition = metric.definition();
    let value = |count: &Count| match split {
        Split::Source => count.source.clone(),
        Split::ActionType => count.action_type.clone(),
        Split::Outcome => count.outcome.clone(),
    };
    let made_of = |count: &&Count| definition.numerator.iter().any(|part| part.takes(count));
    // Of a share, also what only its denominator knows: nothing of it was rejected, say.
    let shared = |count: &&Count| definition.denominator.iter().any(|part| part.takes(count));
    let mut values: Vec<String> =
        counts.iter().filter(|count| made_of(count) || shared(count)).map(value).collect();
    values.sort_unstable();
    values.dedup();
    let mut by = Map::new();
    for of in values.into_iter().filter(|of| !of.is_empty()) {
        let fraction = fraction(metric, counts.iter().filter(|count| value(count) == of));
        let (numerator, denominator) = shown(definition.unit, fraction);
        if let Some(divided) = divided(numerator, denominator) {
            by.insert(of, json!(divided));
        }
    }
    by
}

fn quantiles(sketch: &Sketch) -> Map<String, Value> {
    let mut told = Map::new();
    let Some((shortest, longest)) = sketch.range() else { return told };
    #[expect(clippy::cast_precision_loss, reason = "a double is what is answered")]
    let hours = |micros: i64| micros as f64 / HOUR;
    for (name, percent) in [("p50", 50), ("p95", 95)] {
        if let Some(micros) = sketch.percentile(percent) {
            told.insert(name.to_owned(), json!(micros / HOUR));
        }
    }
    told.insert("min".to_owned(), json!(hours(shortest)));
    told.insert("max".to_owned(), json!(hours(longest)));
    told.insert("quantile_relative_error".to_owned(), json!(RELATIVE_ERROR));
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sketch::{Filled, bucket};

    fn count(measure: Measure, source: &str, outcome: &str, amount: i64) -> Count {
        let sum = Sum { amount, micros: 0 };
        Count {
            measure,
            source: source.to_owned(),
            action_type: String::new(),
            outcome: outcome.to_owned(),
            within: sum,
            until_end: Sum { amount: amount * 10, micros: 0 },
            calculated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_share_is_of_all_and_by_source() {
        let counts = [
            count(Measure::DecisionRuled, "tester", "approved", 60),
            count(Measure::DecisionRuled, "tester", "modified", 10),
            count(Measure::DecisionRuled, "tester", "rejected", 30),
            count(Measure::DecisionRuled, "llm", "rejected", 5),
            count(Measure::VersionCreated, "", "created", 1),
        ];
        let accepted = Figure::of(MetricType::AcceptanceRate, &counts, &[]);
        assert_eq!((accepted.numerator, accepted.denominator), (70.0, 105.0));
        assert_eq!(accepted.value, Some(70.0 / 105.0));
        assert_eq!(accepted.metadata["by_source"], json!({"llm": 0.0, "tester": 0.7}));
        let rejected = Figure::of(MetricType::DecisionRejectionRate, &counts, &[]);
        assert_eq!(rejected.metadata["by_source"], json!({"llm": 1.0, "tester": 0.3}));
        let nothing = Figure::of(MetricType::RejectionRate, &counts, &[]);
        assert_eq!((nothing.value, nothing.denominator), (None, 0.0));
        assert_eq!(nothing.calculated_at, None);
    }

    #[test]
    fn what_there_was_until_the_end_counts_where_it_must() {
        let counts = [
            count(Measure::VersionCreated, "", "created", 2),
            count(Measure::VersionDeleted, "", "", 1),
            count(Measure::Document, "", "submitted", 1),
            count(Measure::Document, "", "revised", 3),
        ];
        let created = Figure::of(MetricType::VersionCreated, &counts, &[]);
        assert_eq!(created.value, Some(2.0));
        assert_eq!(created.metadata["by_outcome"], json!({"created": 2.0}));
        assert_eq!(Figure::of(MetricType::VersionCount, &counts, &[]).value, Some(10.0));
        let revisions = Figure::of(MetricType::DocumentRevisions, &counts, &[]);
        assert_eq!(revisions.value, Some(0.3));
    }

    #[test]
    fn times_are_in_hours_with_their_quantiles() {
        let hour = 3_600_000_000;
        let mut sketch = Sketch::default();
        [hour, 3 * hour].iter().for_each(|time| sketch.add(bucket(*time), Filled::one(*time)));
        let mut times = count(Measure::ApprovalTime, "", "", 2);
        times.within.micros = 4 * hour;
        let sketch = Times { measure: Measure::ApprovalTime, sketch };
        let figure = Figure::of(MetricType::ApprovalTime, &[times], &[sketch]);
        assert_eq!((figure.value, figure.numerator, figure.denominator), (Some(2.0), 4.0, 2.0));
        assert_eq!(figure.metadata["p50"], json!(1.0));
        assert_eq!(figure.metadata["p95"], json!(3.0));
        assert_eq!(figure.metadata["min"], json!(1.0));
        assert_eq!(figure.metadata["max"], json!(3.0));
        assert_eq!(figure.metadata["quantile_relative_error"], json!(0.015_625));
    }
}
