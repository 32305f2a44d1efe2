//! What the report adds up to: what the metrics service says of it, and the same counted again from the
//! exported trails.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_contract::metrics::v1 as wire;
use signoff_contract::metrics::v1::metrics_service_client::MetricsServiceClient;
use tokio::time::{sleep, timeout};

use super::people::Person;
use super::stage::Stage;
use crate::metrics::Metrics;

/// How often it is asked whether everything is counted, and for how long at most.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(30);
/// An hour, in microseconds.
const HOUR: f64 = 3_600_000_000.0;

/// The numbers of a report.
#[derive(Debug, Serialize)]
pub(super) struct Numbers {
    #[serde(flatten)]
    metrics: Metrics,
    /// Some of them, counted again.
    counted_again: Vec<Again>,
}

/// A metric that was counted again, from the exported trails.
#[derive(Debug, Serialize)]
struct Again {
    metric_type: &'static str,
    answered: f64,
    counted: f64,
    /// What was counted.
    from: String,
}

impl Numbers {
    /// Waits until the metrics service has counted what happened, asks it, and counts again.
    ///
    /// # Errors
    /// It does not get there, or says something else than the trails.
    pub(super) async fn gather(reader: &Person) -> Result<Self> {
        let mut trails = Trails::default();
        for source in [feed::Source::Versioning, feed::Source::Audit, feed::Source::Gateway] {
            trails.read(reader, source).await?;
        }
        let mut client = MetricsServiceClient::new(reader.gateway.clone());
        let last = trails.last.context("nothing is in the trails")?;
        let counting = until_counted(&mut client, last);
        timeout(PATIENCE, counting).await.context("the metrics stay behind the trails")??;
        let metrics = Metrics::ask(&mut client, reader.workflow, None).await?;
        let mut counted_again = Vec::new();
        for (metric_type, counted, from) in trails.metrics() {
            let metric = metrics.whole(metric_type);
            let answered = metric.and_then(|metric| metric.metric_value);
            let answered = answered.with_context(|| format!("{metric_type} is not answered"))?;
            ensure!(
                answered == counted,
                "{metric_type} is {answered}, and {counted} counted from the trails"
            );
            counted_again.push(Again { metric_type, answered, counted, from });
        }
        Ok(Self { metrics, counted_again })
    }

    /// For people.
    pub(super) fn show(&self, stage: &Stage) {
        stage.heading("The metrics of the report");
        self.metrics.lines().iter().for_each(|line| stage.line(line));
        let rows = self.counted_again.iter().map(|again| {
            [
                again.metric_type.to_owned(),
                format!("{:.6}", again.answered),
                format!("{:.6}", again.counted),
                again.from.clone(),
            ]
        });
        let header =
            ["metric", "the service says", "the trails say", "counted from the exported trails"];
        stage.table("They follow from the trails", header, rows.collect());
    }
}

/// Waits until every record that was committed at or before a moment is counted.
async fn until_counted(
    client: &mut MetricsServiceClient<crate::connection::Connection>,
    last: DateTime<Utc>,
) -> Result<()> {
    loop {
        let fresh = client.get_freshness(wire::GetFreshnessRequest {}).await?.into_inner();
        let is_past = |of: &wire::FeedFreshness| {
            let watermark = of.position.as_ref().and_then(|position| position.watermark);
            let watermark = watermark
                .and_then(|at| DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?));
            watermark.is_some_and(|watermark| watermark > last)
        };
        if fresh.feeds.len() == 3 && fresh.feeds.iter().all(is_past) {
            return Ok(());
        }
        sleep(LOOK).await;
    }
}

/// Lines of an exported trail, as far as they are counted (FORMAT.md beside the ledger).
#[derive(Deserialize)]
struct Line {
    record: Option<RecordLine>,
}

#[derive(Deserialize)]
struct RecordLine {
    canonical: String,
}

#[derive(Deserialize)]
struct Told {
    action: String,
    subject: String,
    occurred_at: DateTime<Utc>,
}

/// What all trails of a report say.
#[derive(Default)]
struct Trails {
    /// How often what happened.
    actions: HashMap<String, i64>,
    /// When what began, by its id.
    began: HashMap<String, DateTime<Utc>>,
    /// How long approvals and answers took together, in microseconds.
    approvals: i64,
    answers: i64,
    last: Option<DateTime<Utc>>,
}

impl Trails {
    async fn read(&mut self, reader: &Person, source: feed::Source) -> Result<()> {
        let request =
            feed::ExportTrailRequest { scope: Some(reader.report()), source: source.into() };
        let mut trail = TrailServiceClient::new(reader.gateway.clone());
        let mut pieces = trail.export_trail(request).await?.into_inner();
        let mut file = Vec::new();
        while let Some(piece) = pieces.message().await? {
            file.extend(piece.json_lines);
        }
        for line in file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Line = serde_json::from_slice(line)?;
            if let Some(record) = line.record {
                // Some actions have the same name in all trails: those are counted where they begin.
                self.add(serde_json::from_str(&record.canonical)?);
            }
        }
        Ok(())
    }

    fn add(&mut self, told: Told) {
        let took = |began: &HashMap<String, DateTime<Utc>>| {
            let began = began.get(&told.subject)?;
            (told.occurred_at - *began).num_microseconds()
        };
        match told.action.as_str() {
            "version.created" | "version.revised" | "action.requested" => {
                self.began.insert(told.subject.clone(), told.occurred_at);
            }
            "version.approved" => self.approvals += took(&self.began).unwrap_or_default(),
            "action.responded" => self.answers += took(&self.began).unwrap_or_default(),
            _ => {}
        }
        self.last = self.last.max(Some(told.occurred_at));
        *self.actions.entry(told.action).or_default() += 1;
    }

    /// How often any of these happened.
    fn times(&self, actions: &[&str]) -> i64 {
        actions.iter().filter_map(|action| self.actions.get(*action)).sum()
    }

    /// What can be counted from records alone.
    fn metrics(&self) -> Vec<(&'static str, f64, String)> {
        let (made, deleted) =
            (self.times(&["version.created", "version.revised"]), self.times(&["version.deleted"]));
        let (approved, rejected) =
            (self.times(&["version.approved"]), self.times(&["version.rejected"]));
        let changed = self.times(&["data_owner.transferred", "data_owner.deactivated"]);
        let documents = self.times(&["document.submitted", "document.supplemented"]);
        let revised = self.times(&["document.revised"]);
        let (asked, answered) =
            (self.times(&["action.requested"]), self.times(&["action.responded"]));
        let mean = |micros: i64, times: i64| float(micros) / HOUR / float(times);
        vec![
            ("version_created", float(made), format!("{made} version.created, version.revised")),
            ("version_count", float(made - deleted), format!("{deleted} version.deleted less")),
            (
                "rejection_rate",
                float(rejected) / float(approved + rejected),
                format!("{rejected} version.rejected, {approved} version.approved"),
            ),
            (
                "approval_time_hours",
                mean(self.approvals, approved),
                format!("{approved} times from version.created to version.approved"),
            ),
            (
                "data_owner_changes",
                float(changed),
                format!("{changed} data_owner.transferred, data_owner.deactivated"),
            ),
            (
                "document_revisions",
                float(revised) / float(documents),
                format!("{revised} document.revised, {documents} submitted or supplemented"),
            ),
            ("test_requests", float(asked), format!("{asked} action.requested")),
            ("test_responses", float(answered), format!("{answered} action.responded")),
            (
                "turnaround_time_hours",
                mean(self.answers, answered),
                format!("{answered} times from action.requested to action.responded"),
            ),
            ("workflows_opened", 1.0, "1 workflow.opened".to_owned()),
        ]
    }
}

#[expect(clippy::cast_precision_loss, reason = "a story has few records")]
fn float(number: i64) -> f64 {
    number as f64
}
