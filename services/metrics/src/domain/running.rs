//! Figures over time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::fact::Sum;
use super::figure::{Count, Figure, Times};
use super::measure::Measure;
use super::metric::MetricType;

/// What the figures of a series are made of: before the first stretch of time, and in each.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// Before.
    pub before: Vec<Count>,
    /// In each stretch, by its beginning.
    pub within: BTreeMap<DateTime<Utc>, (Vec<Count>, Vec<Times>)>,
}

impl Made {
    /// A figure for each stretch, also for those in which nothing happened.
    pub fn figures(&self, metric: MetricType, begins: &[DateTime<Utc>]) -> Vec<Figure> {
        let mut running = Running::default();
        self.before.iter().for_each(|count| running.add(count));
        let figure = |begin: &DateTime<Utc>| {
            running.begin();
            let none = (Vec::new(), Vec::new());
            let (counts, times) = self.within.get(begin).unwrap_or(&none);
            counts.iter().for_each(|count| running.add(count));
            Figure::of(metric, &running.counts(), times)
        };
        begins.iter().map(figure).collect()
    }
}

/// What tells counts apart.
type Key = (Measure, String, String, String);

/// Counts as time goes on.
#[derive(Default)]
struct Running(BTreeMap<Key, Count>);

impl Running {
    /// A new stretch begins: nothing happened in it yet.
    fn begin(&mut self) {
        self.0.values_mut().for_each(|count| count.within = Sum::default());
    }

    fn add(&mut self, more: &Count) {
        let key =
            (more.measure, more.source.clone(), more.action_type.clone(), more.outcome.clone());
        let none = Count { within: Sum::default(), until_end: Sum::default(), ..more.clone() };
        let count = self.0.entry(key).or_insert(none);
        for sum in [&mut count.within, &mut count.until_end] {
            sum.amount += more.within.amount;
            sum.micros = sum.micros.saturating_add(more.within.micros);
        }
        count.calculated_at = count.calculated_at.max(more.calculated_at);
    }

    fn counts(&self) -> Vec<Count> {
        self.0.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn created(amount: i64) -> Count {
        Count {
            measure: Measure::VersionCreated,
            source: String::new(),
            action_type: String::new(),
            outcome: "created".to_owned(),
            within: Sum { amount, micros: 0 },
            until_end: Sum::default(),
            calculated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn stretches_without_anything_have_figures_too() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let within = [(at(1), (vec![created(2)], vec![])), (at(3), (vec![created(1)], vec![]))];
        let made = Made { before: vec![created(5)], within: within.into() };
        let begins = [at(1), at(2), at(3)];
        let values = |metric| -> Vec<f64> {
            made.figures(metric, &begins).iter().filter_map(|figure| figure.value).collect()
        };
        assert_eq!(values(MetricType::VersionCreated), [2.0, 0.0, 1.0]);
        assert_eq!(values(MetricType::VersionCount), [7.0, 7.0, 8.0]);
        assert_eq!(values(MetricType::RejectionRate), [0.0_f64; 0]);
    }

    #[test]
    fn what_begins_in_a_stretch_counts_there_once() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let rows = vec![created(2), Count { outcome: "revised".to_owned(), ..created(1) }];
        let made = Made {
            before: Vec::new(),
            within: [(at(1), (rows, vec![])), (at(2), (vec![created(4)], vec![]))].into(),
        };
        let figures = made.figures(MetricType::VersionCreated, &[at(1), at(2)]);
        let by: Vec<_> = figures.iter().map(|figure| &figure.metadata["by_outcome"]).collect();
        assert_eq!(by[0], &json!({"created": 2.0, "revised": 1.0}));
        assert_eq!(by[1], &json!({"created": 4.0, "revised": 0.0}));
    }

    /// The sums before the first stretch come with themselves as what there was until then.
    #[test]
    fn what_was_before_counts_until_the_end_once() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let until_end = created(5).within;
        let made =
            Made { before: vec![Count { until_end, ..created(5) }], within: BTreeMap::new() };
        let figures = made.figures(MetricType::VersionCount, &[at(1)]);
        assert_eq!(figures[0].value, Some(5.0));
    }
}
