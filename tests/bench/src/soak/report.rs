//! What was noted, and how it is told.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use comfy_table::{LineStyle, Table, TableStyle};
use serde::Serialize;

use super::SoakArgs;
use super::people::Since;
use super::street::Street;
use super::verdict::{self, Quarter};
use crate::child::Child;
use crate::facts::Facts;
use crate::stats::Samples;

/// What a process needed at a moment.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Needs {
    /// Resident memory, in KiB.
    pub(super) memory: u64,
    /// Open files, connections among them.
    pub(super) files: usize,
}

impl Needs {
    fn of(service: &Child) -> Result<Self> {
        Ok(Self { memory: service.resident()?, files: service.files()? })
    }
}

/// What was noted at a moment.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sample {
    /// Since the load began, in seconds.
    pub(super) at: f64,
    /// What each process needed, as far as it could be looked at.
    pub(super) needs: BTreeMap<&'static str, Needs>,
    /// How long the calls since the last sample took, in milliseconds.
    #[serde(skip)]
    pub(super) took: Vec<f64>,
    /// How many they were.
    pub(super) answered: usize,
    /// The middle one.
    pub(super) p50: f64,
    /// That of which one in a hundred took longer.
    pub(super) p99: f64,
    /// How many were refused, and with which words.
    pub(super) refused: BTreeMap<String, usize>,
    /// How many records the metrics service had not counted; unset, if it did not say.
    pub(super) lag_records: Option<i64>,
    /// For how long there may have been some.
    pub(super) lag_seconds: Option<f64>,
    /// What could not be looked at, and why.
    pub(super) unseen: Vec<String>,
}

impl Sample {
    /// What cannot be looked at now is noted, too: everything else would be lost with it.
    pub(super) async fn of(at: Duration, street: &Street, since: Since) -> Self {
        let (mut needs, mut unseen) = (BTreeMap::new(), Vec::new());
        for (name, service) in &street.services {
            match Needs::of(service) {
                Ok(of) => {
                    needs.insert(*name, of);
                }
                Err(error) => unseen.push(format!("{name}: {error:#}")),
            }
        }
        let lag = match street.lag().await {
            Ok(lag) => Some(lag),
            Err(error) => {
                unseen.push(format!("the lag: {error:#}"));
                None
            }
        };
        let all: Samples = since.took.iter().copied().collect();
        Self {
            at: at.as_secs_f64(),
            needs,
            answered: since.took.len(),
            p50: all.median(),
            p99: all.quantile(0.99),
            took: since.took,
            refused: since.refused,
            lag_records: lag.map(|lag| lag.records),
            lag_seconds: lag.map(|lag| lag.seconds),
            unseen,
        }
    }

    /// It in a line.
    pub(super) fn line(&self) -> String {
        let needs = self.needs.iter().map(|(name, of)| format!("{name} {} MiB", of.memory / 1024));
        let unseen = self.unseen.iter().map(|what| format!("not seen: {what}"));
        let lag = self.lag_records.map_or("?".to_owned(), |records| records.to_string());
        format!(
            "{:5.0} s  {} calls, p50 {:.1} ms, p99 {:.1} ms, lag {} records, {}",
            self.at,
            self.answered,
            self.p50,
            self.p99,
            lag,
            needs.chain(unseen).collect::<Vec<_>>().join(", ")
        )
    }
}

/// What became of the system.
#[derive(Clone, Debug, Serialize)]
pub struct SoakReport {
    facts: Facts,
    /// How long the load was held, in minutes.
    minutes: f64,
    /// The most calls in a second that were answered.
    top_rate: f64,
    /// How many were offered.
    rate: f64,
    /// The time in four parts.
    quarters: Vec<Quarter>,
    /// How long it took in the end until everything was counted, in seconds; unset, if it never was.
    caught_up_after: Option<f64>,
    /// What is not as it must be.
    faults: Vec<String>,
    samples: Vec<Sample>,
}

impl SoakReport {
    pub(super) fn of(
        facts: Facts,
        args: &SoakArgs,
        (top_rate, rate): (f64, f64),
        samples: Vec<Sample>,
        caught_up: Option<Duration>,
    ) -> Self {
        let quarters = verdict::quarters(&samples);
        let faults = verdict::faults(&quarters, rate, caught_up.is_some());
        Self {
            facts,
            minutes: args.minutes,
            top_rate,
            rate,
            quarters,
            caught_up_after: caught_up.map(|after| after.as_secs_f64()),
            faults,
            samples,
        }
    }

    /// Whether all is as it must be.
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }

    /// How many calls were answered while the load was held.
    pub fn answered(&self) -> usize {
        self.samples.iter().map(|sample| sample.answered).sum()
    }

    /// It as a table: a column for each quarter.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        let under = LineStyle::none().fill('─').junction('─');
        table.load_style(TableStyle::new().header_separator(under));
        table.set_header(["", "1st quarter", "2nd", "3rd", "4th"]);
        let mut row = |name: String, value: &dyn Fn(&Quarter) -> String| {
            let values = self.quarters.iter().map(value);
            table.add_row([name].into_iter().chain(values).collect::<Vec<_>>());
        };
        row("calls/s".to_owned(), &|of| format!("{:.1}", of.rate));
        row("p50, ms".to_owned(), &|of| format!("{:.2}", of.p50));
        row("p99, ms".to_owned(), &|of| format!("{:.2}", of.p99));
        row("refused".to_owned(), &|of| of.refused.to_string());
        row("feed lag, records (most)".to_owned(), &|of| of.lag_records.to_string());
        row("feed lag, s (most)".to_owned(), &|of| format!("{:.2}", of.lag_seconds));
        for name in self.samples.first().into_iter().flat_map(|sample| sample.needs.keys()) {
            let of = |quarter: &Quarter| quarter.needs.get(name).copied().unwrap_or_default();
            row(format!("{name}: memory, MiB"), &|q| format!("{:.1}", of(q).memory / 1024.0));
            row(format!("{name}: open files (most)"), &|q| of(q).files.to_string());
        }
        let caught_up = match self.caught_up_after {
            Some(after) => format!("everything was counted {after:.1} s after the end"),
            None => "not everything was counted".to_owned(),
        };
        let verdict = match self.faults.as_slice() {
            [] => "all is as it must be".to_owned(),
            faults => faults.join("\n"),
        };
        format!(
            "top load {:.0} calls/s; held {:.0} calls/s for {} min; {} cores\n{table}\n{caught_up}\n{verdict}",
            self.top_rate, self.rate, self.minutes, self.facts.cores,
        )
    }
}
