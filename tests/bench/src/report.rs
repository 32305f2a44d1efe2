//! What was measured, for people and for programs.

use std::fmt;

use comfy_table::{LineStyle, Table, TableStyle};
use serde::{Deserialize, Serialize};

use crate::facts::Facts;
use crate::stats::Samples;

/// What a line's measurements are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Milliseconds: less is better.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Calls or rows in a second: more is better.
    #[serde(rename = "/s")]
    PerSecond,
    /// Thousands of bytes: less is better.
    #[serde(rename = "kB")]
    Kilobytes,
}

impl fmt::Display for Unit {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Milliseconds => "ms",
            Self::PerSecond => "/s",
            Self::Kilobytes => "kB",
        })
    }
}

/// What a line's size counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Rows, versions or calls.
    Size,
    /// Clients at once.
    Clients,
}

/// A value that must not be missed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    /// What must hold, in words.
    pub target: String,
    /// What was measured.
    pub measured: f64,
    /// Whether it holds.
    pub passed: bool,
}

/// One thing that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The workload that it belongs to.
    pub workload: String,
    /// What it is.
    pub what: String,
    /// How many it is about.
    pub size: u64,
    /// Of what.
    pub axis: Axis,
    /// What the measurements are of.
    pub unit: Unit,
    /// Through the service.
    pub grpc: Samples,
    /// By the best SQL for the same change on the same tables.
    pub floor: Samples,
    /// By the best SQL for the seeds' own tables.
    pub copying: Samples,
    /// What must hold.
    pub checks: Vec<Check>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

impl Line {
    /// A line without measurements.
    pub fn new(workload: &str, what: impl Into<String>, size: u64, unit: Unit) -> Self {
        Self {
            workload: workload.to_owned(),
            what: what.into(),
            size,
            axis: Axis::Size,
            unit,
            grpc: Samples::default(),
            floor: Samples::default(),
            copying: Samples::default(),
            checks: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Pair by pair, what the service's measurement is of the floor's.
    pub fn ratio(&self) -> Samples {
        self.grpc.per(&self.floor)
    }

    /// The service takes at most so many times what the floor takes.
    #[must_use]
    pub fn at_most_floor(self, times: f64) -> Self {
        let measured = self.ratio().median();
        self.at_most(&format!("at most {times} × the floor"), measured, times)
    }

    /// The service's rate is at least this part of the floor's.
    #[must_use]
    pub fn at_least_floor(self, part: f64) -> Self {
        let measured = self.ratio().median();
        self.at_least(&format!("at least {part} × the floor"), measured, part)
    }

    /// The service takes no longer than copying.
    #[must_use]
    pub fn at_most_copying(self) -> Self {
        let measured = self.grpc.median() / self.copying.median();
        self.at_most("no more than copying", measured, 1.0)
    }

    /// Something is at most so much.
    #[must_use]
    pub fn at_most(mut self, target: &str, measured: f64, most: f64) -> Self {
        let passed = measured <= most;
        self.checks.push(Check { target: target.to_owned(), measured, passed });
        self
    }

    /// Something is at least so much.
    #[must_use]
    pub fn at_least(mut self, target: &str, measured: f64, least: f64) -> Self {
        let passed = measured >= least;
        self.checks.push(Check { target: target.to_owned(), measured, passed });
        self
    }

    /// Its size is the number of clients.
    #[must_use]
    pub fn by_clients(self) -> Self {
        Self { axis: Axis::Clients, ..self }
    }

    /// With a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// What it ran on.
    pub facts: Facts,
    /// How large the workloads were.
    pub size: String,
    /// What was measured.
    pub lines: Vec<Line>,
}

impl Report {
    /// Whether nothing was missed.
    pub fn passed(&self) -> bool {
        self.lines.iter().flat_map(|line| &line.checks).all(|check| check.passed)
    }

    /// As a table for people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        let under = LineStyle::none().fill('─').junction('─');
        table.load_style(TableStyle::new().header_separator(under));
        table.set_header([
            "workload",
            "what",
            "size",
            "through gRPC",
            "floor",
            "copying",
            "of the floor (quartiles)",
            "targets",
        ]);
        for line in &self.lines {
            let ratio = line.ratio();
            let spread = if ratio.is_empty() {
                String::new()
            } else {
                let [low, middle, high] = [0.25, 0.5, 0.75].map(|part| ratio.quantile(part));
                format!("{middle:.2} × ({low:.2} to {high:.2})")
            };
            let checks: Vec<String> = line
                .checks
                .iter()
                .map(|check| {
                    let verdict = if check.passed { "ok" } else { "MISSED" };
                    format!("{verdict}: {}: {}", check.target, number(check.measured))
                })
                .chain(line.notes.iter().map(|note| format!("note: {note}")))
                .collect();
            table.add_row([
                line.workload.clone(),
                line.what.clone(),
                line.size.to_string(),
                shown(&line.grpc, line.unit),
                shown(&line.floor, line.unit),
                shown(&line.copying, line.unit),
                spread,
                checks.join("\n"),
            ]);
        }
        table.trim_fmt()
    }
}

/// The median and how many measurements it is of.
fn shown(samples: &Samples, unit: Unit) -> String {
    if samples.is_empty() {
        return String::new();
    }
    format!("{} {unit} (of {})", number(samples.median()), samples.values().len())
}

/// A number with as many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let mut line = Line::new("review", "by list", 10, Unit::Milliseconds);
        line.grpc = [3.0, 4.0, 30.0].into_iter().collect();
        line.floor = [2.0, 2.0, 2.0].into_iter().collect();
        line.copying = [5.0].into_iter().collect();
        line
    }

    #[test]
    fn targets_are_of_medians() {
        let line = line().at_most_floor(2.0).at_most_copying().at_most_floor(1.5);
        assert_eq!(
            line.checks.iter().map(|check| check.passed).collect::<Vec<_>>(),
            [true, true, false]
        );
        // A value that was not measured meets no target.
        let empty = Line::new("review", "by list", 10, Unit::Milliseconds).at_most_floor(2.0);
        assert!(!empty.checks[0].passed);
    }

    #[test]
    fn the_table_says_what_was_missed() {
        let report = Report {
            facts: Facts::default(),
            size: "small".to_owned(),
            lines: vec![line().at_most_floor(1.5)],
        };
        assert!(!report.passed());
        let table = report.table();
        assert!(table.contains("MISSED: at most 1.5 × the floor: 2.00"), "{table}");
        assert!(table.contains("4.00 ms (of 3)"), "{table}");
    }
}
