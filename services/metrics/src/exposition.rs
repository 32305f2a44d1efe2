//! The numbers for Prometheus: text, made when it is asked for.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use signoff_backend::Fault;
use tokio::sync::Mutex;

use crate::Metrics;
use crate::domain::figure::Times;
use crate::domain::measure::Measure;
use crate::store::feeds::Position;
use crate::store::totals::{Distribution, Pending, Total};
use crate::store::{feeds, generations, snapshot, totals};

/// For how long numbers of all workflows stay good: adding them up costs more than a scrape is worth.
const FRESH: Duration = Duration::from_secs(5);

/// The quantiles that summaries show.
const QUANTILES: [(i64, &str); 2] = [(50, "0.5"), (95, "0.95")];

/// The numbers of a service, and when they were looked at last. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Exposition {
    metrics: Metrics,
    last: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Exposition {
    /// Of this service.
    pub(crate) fn of(metrics: Metrics) -> Self {
        Self { metrics, last: Arc::default() }
    }

    /// Everything, in the text format (version 0.0.4).
    pub(crate) async fn text(self) -> Result<String, Fault> {
        // Whoever comes meanwhile waits for the same.
        let mut last = self.last.lock().await;
        if let Some((at, text)) = &*last
            && at.elapsed() < FRESH
        {
            return Ok(text.clone());
        }
        let text = text(&self.metrics).await?;
        *last = Some((Instant::now(), text.clone()));
        Ok(text)
    }
}

async fn text(metrics: &Metrics) -> Result<String, Fault> {
    let mut tx = snapshot(metrics.pool()).await?;
    let generation = generations::live(&mut tx).await?;
    let positions = feeds::positions(&mut tx, generation).await?;
    let rejected = totals::rejected(&mut tx, generation).await?;
    let sums = totals::sums(&mut tx, generation).await?;
    let times = totals::times(&mut tx, generation).await?;
    let pending = totals::pending(&mut tx, generation).await?;
    let mut out = Out(String::new());
    out.family("signoff_metrics_leader", "gauge", "Whether this replica counts.");
    out.sample("signoff_metrics_leader", &[], f64::from(u8::from(metrics.leading().is_leading())));
    followed(&mut out, &positions, &rejected);
    counted(&mut out, &sums);
    timed(&mut out, &sums, &times);
    waiting(&mut out, &pending);
    Ok(out.0)
}

/// Text that grows.
struct Out(String);

impl Out {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // A string takes whatever is written.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A sample. Labels are words of ours: nothing in them needs to be escaped.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let _ = write!(self.0, "{name}{{service=\"metrics\"");
        for (label, word) in labels {
            let _ = write!(self.0, ",{label}=\"{word}\"");
        }
        let _ = writeln!(self.0, "}} {value}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has doubles only")]
fn number(amount: i64) -> f64 {
    amount as f64
}

fn seconds(micros: i64) -> f64 {
    number(micros) / 1_000_000.0
}

/// A family of feeds: its name, kind and help, and its value.
type Of<'a> = (&'a str, &'a str, &'a str, &'a dyn Fn(&Position) -> Option<f64>);

fn followed(out: &mut Out, positions: &[Position], rejected: &[(String, String, i64)]) {
    let now = Utc::now();
    let families: [Of<'_>; 4] = [
        (
            "signoff_feed_lag_records",
            "gauge",
            "Committed records that are not counted yet, as the feed said last; at most 10000.",
            &|of| Some(number(of.said.waiting)),
        ),
        (
            "signoff_feed_lag_seconds",
            "gauge",
            "For how long there may be records that are not counted yet.",
            &|of| {
                let lag = (now - of.said.watermark?).num_microseconds()?;
                Some(seconds(lag.max(0)))
            },
        ),
        ("signoff_feed_records_total", "counter", "Records counted.", &|of| {
            Some(number(of.records))
        }),
        ("signoff_feed_refused", "gauge", "Whether the feed refuses to go on.", &|of| {
            Some(f64::from(u8::from(of.refused.is_some())))
        }),
    ];
    for (name, kind, help, value) in families {
        out.family(name, kind, help);
        for of in positions {
            if let Some(value) = value(of) {
                out.sample(name, &[("source", of.source.name())], value);
            }
        }
    }
    let name = "signoff_feed_rejected_records_total";
    out.family(name, "counter", "Records that could not be counted as they should be.");
    for (source, reason, records) in rejected {
        out.sample(name, &[("source", source), ("reason", reason)], number(*records));
    }
}

/// A family of sums: its name, kind and help, what it is of, and the names of its labels for phase, source,
/// action type and outcome, where it has them.
type Family = (&'static str, &'static str, &'static str, Measure, [Option<&'static str>; 4]);

const FAMILIES: [Family; 9] = [
    (
        "signoff_versions_created_total",
        "counter",
        "Versions made.",
        Measure::VersionCreated,
        [Some("phase"), None, None, None],
    ),
    (
        "signoff_versions_closed_total",
        "counter",
        "Versions approved or rejected.",
        Measure::VersionClosed,
        [Some("phase"), None, None, Some("outcome")],
    ),
    (
        "signoff_decisions_ruled",
        "gauge",
        "Decisions by the verdict that stands.",
        Measure::DecisionRuled,
        [Some("phase"), Some("source"), None, Some("verdict")],
    ),
    (
        "signoff_revised_items",
        "gauge",
        "Decisions in versions that were made from another one.",
        Measure::RevisedItems,
        [Some("phase"), None, None, None],
    ),
    (
        "signoff_carried_items",
        "gauge",
        "Those of them that were carried forward.",
        Measure::CarriedItems,
        [Some("phase"), None, None, None],
    ),
    (
        "signoff_data_owner_changes_total",
        "counter",
        "What happened to assignments of data owners.",
        Measure::DataOwner,
        [None, None, None, Some("change")],
    ),
    (
        "signoff_test_requests_total",
        "counter",
        "Requests for action.",
        Measure::TestRequest,
        [None, None, Some("action_type"), None],
    ),
    (
        "signoff_test_responses_total",
        "counter",
        "Answers to them.",
        Measure::TestResponse,
        [None, None, Some("action_type"), Some("outcome")],
    ),
    (
        "signoff_timeline_impact_total",
        "counter",
        "What requests for action did to the timeline.",
        Measure::TimelineImpact,
        [None, None, None, Some("impact")],
    ),
];

fn counted(out: &mut Out, sums: &[Total]) {
    for (name, kind, help, measure, labels) in FAMILIES {
        out.family(name, kind, help);
        let mut samples = std::collections::BTreeMap::new();
        for total in sums.iter().filter(|total| total.measure == measure) {
            let words = [total.phase, &total.source, &total.action_type, &total.outcome];
            let labels: Vec<(&str, &str)> = labels
                .iter()
                .zip(words)
                .filter_map(|(label, word)| Some(((*label)?, word)))
                .collect();
            *samples.entry(labels).or_insert(0) += total.sum.amount;
        }
        for (labels, amount) in samples {
            out.sample(name, &labels, number(amount));
        }
    }
    let versions = |phase: &str| {
        let of = |measure| {
            let these = sums.iter().filter(move |of| of.measure == measure && of.phase == phase);
            these.map(|total| total.sum.amount).sum::<i64>()
        };
        of(Measure::VersionCreated) - of(Measure::VersionDeleted)
    };
    out.family("signoff_versions", "gauge", "Versions that there are, without deleted ones.");
    let mut phases: Vec<&str> = sums
        .iter()
        .filter(|total| total.measure == Measure::VersionCreated)
        .map(|total| total.phase)
        .collect();
    phases.dedup();
    for phase in phases {
        out.sample("signoff_versions", &[("phase", phase)], number(versions(phase)));
    }
    let documents = |revised: bool| {
        let these = sums.iter().filter(|total| total.measure == Measure::Document);
        let these = these.filter(|total| (total.outcome == "revised") == revised);
        number(these.map(|total| total.sum.amount).sum())
    };
    out.family("signoff_documents_total", "counter", "Documents submitted.");
    out.sample("signoff_documents_total", &[], documents(false));
    out.family("signoff_document_revisions_total", "counter", "Revisions of documents.");
    out.sample("signoff_document_revisions_total", &[], documents(true));
}

fn timed(out: &mut Out, sums: &[Total], times: &[Distribution]) {
    for (name, help, measure, label) in [
        (
            "signoff_approval_time_seconds",
            "From a version's creation to its approval.",
            Measure::ApprovalTime,
            "phase",
        ),
        (
            "signoff_review_time_seconds",
            "From a version's submission to its approval or rejection.",
            Measure::ReviewTime,
            "phase",
        ),
        (
            "signoff_turnaround_time_seconds",
            "From a request for action to its answer.",
            Measure::Turnaround,
            "action_type",
        ),
    ] {
        out.family(name, "summary", help);
        let of = |phase: &'static str, action_type: &str| {
            if label == "phase" { phase.to_owned() } else { action_type.to_owned() }
        };
        for (phase, action_type, times) in times {
            let word = of(phase, action_type);
            for Times { sketch, .. } in times.iter().filter(|times| times.measure == measure) {
                for (percent, quantile) in QUANTILES {
                    if let Some(micros) = sketch.percentile(percent) {
                        let labels = [(label, word.as_str()), ("quantile", quantile)];
                        out.sample(name, &labels, micros / 1_000_000.0);
                    }
                }
            }
        }
        let mut added = std::collections::BTreeMap::<String, (i64, i64)>::new();
        for total in sums.iter().filter(|total| total.measure == measure) {
            let sum = added.entry(of(total.phase, &total.action_type)).or_default();
            sum.0 += total.sum.micros;
            sum.1 += total.sum.amount;
        }
        for (word, (micros, amount)) in added {
            out.sample(&format!("{name}_sum"), &[(label, &word)], seconds(micros));
            out.sample(&format!("{name}_count"), &[(label, &word)], number(amount));
        }
    }
}

fn waiting(out: &mut Out, pending: &[Pending]) {
    out.family("signoff_pending_approvals", "gauge", "Versions that wait for their reviewer.");
    for of in pending {
        out.sample("signoff_pending_approvals", &[("phase", of.phase)], number(of.versions));
    }
    let name = "signoff_oldest_pending_approval_age_seconds";
    out.family(name, "gauge", "How long the oldest of them has been waiting.");
    for of in pending {
        let age = (Utc::now() - of.oldest).num_microseconds().unwrap_or(i64::MAX).max(0);
        out.sample(name, &[("phase", of.phase)], seconds(age));
    }
}
