//! Figures in words.

use serde_json::Value;
use signoff_workflow::PhaseTable;

use super::Metric;

/// An hour, in seconds.
const HOUR: f64 = 3_600.0;
/// From so many seconds on, a time is told in minutes, and from so many on in hours.
const MINUTES: f64 = 120.0;
const HOURS: f64 = 2.0 * HOUR;

impl Metric {
    /// Its row in a table.
    pub(super) fn row(&self) -> [String; 7] {
        let phase = self.phase.and_then(|slug| PhaseTable::standard().by_slug(slug));
        let quantile = |name: &str| {
            let value = self.metric_metadata.get(name).and_then(Value::as_f64);
            value.map(|value| self.told(value)).unwrap_or_default()
        };
        [
            phase.map_or("all", |row| row.display_name).to_owned(),
            self.metric_type.clone(),
            self.metric_value.map(|value| self.told(value)).unwrap_or_default(),
            self.made_of(),
            quantile("p50"),
            quantile("p95"),
            self.broken_down(),
        ]
    }

    fn is_share(&self) -> bool {
        self.metric_type.ends_with("_rate") || self.metric_type == "impact_on_timeline"
    }

    fn is_time(&self) -> bool {
        self.unit == "h"
    }

    /// A value in the metric's unit.
    fn told(&self, value: f64) -> String {
        if self.is_time() {
            time(value * HOUR)
        } else if self.is_share() {
            share(value)
        } else {
            number(value)
        }
    }

    fn made_of(&self) -> String {
        if self.is_time() {
            return format!("n = {}", number(self.denominator));
        }
        match self.denominator {
            1.0 if !self.is_share() => String::new(),
            of => format!("{} of {}", number(self.numerator), number(of)),
        }
    }

    /// The breakdowns: `llm 75.0 %, tester 80.0 %`.
    fn broken_down(&self) -> String {
        let of = ["by_source", "by_action_type", "by_outcome"];
        let parts = of.iter().filter_map(|split| self.metric_metadata.get(split)?.as_object());
        let told = parts.map(|part| {
            let each = part
                .iter()
                .filter_map(|(name, value)| Some(format!("{name} {}", self.told(value.as_f64()?))));
            each.collect::<Vec<_>>().join(", ")
        });
        told.collect::<Vec<_>>().join("; ")
    }
}

fn time(seconds: f64) -> String {
    if seconds >= HOURS {
        format!("{:.1} h", seconds / HOUR)
    } else if seconds >= MINUTES {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{seconds:.2} s")
    }
}

fn share(value: f64) -> String {
    format!("{:.1} %", value * 100.0)
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metric(metric_type: &str, unit: &str, numerator: f64, denominator: f64) -> Metric {
        Metric {
            phase: Some("sample_selection"),
            metric_type: metric_type.to_owned(),
            metric_value: Some(numerator / denominator),
            numerator,
            denominator,
            unit: unit.to_owned(),
            metric_metadata: json!({}),
            calculated_at: None,
            period_start: None,
            period_end: None,
            definition: String::new(),
        }
    }

    #[test]
    fn each_kind_of_figure_is_told_in_its_way() {
        let shares = Metric {
            metric_metadata: json!({"by_source": {"llm": 0.75, "tester": 1.0}}),
            ..metric("acceptance_rate", "1", 90.0, 120.0)
        };
        let told = shares.row();
        assert_eq!(told[0], "Sample Selection");
        assert_eq!(told[2..4], ["75.0 %", "90 of 120"]);
        assert_eq!(told[6], "llm 75.0 %, tester 100.0 %");
        let times = Metric {
            metric_metadata: json!({"p50": 0.5, "p95": 3.0}),
            ..metric("approval_time_hours", "h", 4.0, 2.0)
        };
        assert_eq!(times.row()[2..6], ["2.0 h", "n = 2", "30.0 min", "3.0 h"]);
        assert_eq!(metric("version_created", "1", 3.0, 1.0).row()[2..4], ["3", ""]);
        assert_eq!(metric("document_revisions", "1", 1.0, 3.0).row()[2..4], ["0.33", "1 of 3"]);
        let one = metric("rejection_rate", "1", 0.0, 1.0).row();
        assert_eq!(one[2..4], ["0.0 %", "0 of 1"]);
        assert_eq!(time(0.25), "0.25 s");
    }
}
