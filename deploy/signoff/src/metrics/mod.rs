//! The metrics of a workflow, as the metrics service tells them: for programs a document, for people a
//! table.

mod words;

use serde::Serialize;
use serde_json::Value;
use signoff_contract::convert::{JsonLimits, json_from_wire, workflow_to_wire};
use signoff_contract::feed::v1 as feed;
use signoff_contract::metrics::v1 as wire;
use signoff_contract::metrics::v1::metrics_service_client::MetricsServiceClient;
use signoff_workflow::{Phase, PhaseTable, Violations, Workflow};
use tonic::Status;

use crate::connection::Connection;
use crate::table::table;
use crate::words::{moment, word};

/// What a workflow adds up to.
#[derive(Debug, Serialize)]
pub(crate) struct Metrics {
    cycle_id: String,
    report_id: String,
    /// How far each feed was followed when this was true.
    as_of: Vec<Position>,
    /// Of all phases together, then of each.
    pub(crate) metrics: Vec<Metric>,
}

/// How far a feed was followed.
#[derive(Debug, Serialize)]
struct Position {
    source: String,
    records: i64,
    /// Every record that was committed before this moment is counted.
    watermark: Option<String>,
}

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Metric {
    /// Its slug; null for all phases together.
    phase: Option<&'static str>,
    pub(crate) metric_type: String,
    /// Null where there is nothing to divide by.
    pub(crate) metric_value: Option<f64>,
    numerator: f64,
    denominator: f64,
    unit: String,
    metric_metadata: Value,
    calculated_at: Option<String>,
    period_start: Option<String>,
    period_end: Option<String>,
    definition: String,
}

impl Metrics {
    /// Asks the gateway.
    ///
    /// # Errors
    /// It refuses.
    pub(crate) async fn ask(
        client: &mut MetricsServiceClient<Connection>,
        workflow: Workflow,
        period: Option<wire::Period>,
    ) -> Result<Self, Status> {
        let scope = || Some(workflow_to_wire(workflow));
        let whole = wire::GetWorkflowMetricsRequest { scope: scope(), period, filter: None };
        let whole = client.get_workflow_metrics(whole).await?.into_inner().metrics;
        let phases = wire::GetPhaseMetricsRequest { scope: scope(), period, filter: None };
        let phases = client.get_phase_metrics(phases).await?.into_inner().metrics;
        let as_of = phases.last().or(whole.last()).map(|metric| metric.as_of.clone());
        // What is about the whole workflow has no phase, and is among the first ones.
        let of_a_phase = |metric: &wire::Metric| phase_of(metric).is_some();
        Ok(Self {
            cycle_id: workflow.cycle_id.to_string(),
            report_id: workflow.report_id.to_string(),
            as_of: as_of.unwrap_or_default().into_iter().map(position).collect(),
            metrics: whole
                .into_iter()
                .chain(phases.into_iter().filter(of_a_phase))
                .map(Metric::of)
                .collect(),
        })
    }

    /// One of all phases together.
    pub(crate) fn whole(&self, metric_type: &str) -> Option<&Metric> {
        self.metrics.iter().find(|of| of.phase.is_none() && of.metric_type == metric_type)
    }

    /// For people: what was counted at all.
    pub(crate) fn lines(&self) -> Vec<String> {
        let rows: Vec<_> = self
            .metrics
            .iter()
            .filter(|metric| metric.calculated_at.is_some() && metric.metric_value.is_some())
            .map(Metric::row)
            .collect();
        let mut lines = Vec::new();
        if rows.is_empty() {
            lines.push(" nothing was counted".to_owned());
        } else {
            let header = ["phase", "metric", "value", "made of", "p50", "p95", "by"];
            lines.extend(table(header, rows).lines().map(|line| format!(" {line}")));
        }
        lines.push(String::new());
        for position in &self.as_of {
            let watermark = position.watermark.as_deref().unwrap_or("an unknown moment");
            lines.push(format!(
                " as of {} records of {}, everything before {watermark}",
                position.records, position.source
            ));
        }
        lines
    }
}

impl Metric {
    fn of(metric: wire::Metric) -> Self {
        let metadata = metric.metric_metadata.clone().unwrap_or_default();
        let (path, limits, mut odd) = ("", JsonLimits::default(), Violations::default());
        let metadata = json_from_wire(metadata, path, limits, &mut odd);
        Self {
            phase: phase_of(&metric),
            // What cannot be read is left out of a document that has the rest.
            metric_metadata: metadata.unwrap_or_default(),
            metric_type: metric.metric_type,
            metric_value: metric.metric_value,
            numerator: metric.numerator,
            denominator: metric.denominator,
            unit: metric.unit,
            calculated_at: metric.calculated_at.and_then(moment),
            period_start: metric.period_start.and_then(moment),
            period_end: metric.period_end.and_then(moment),
            definition: metric.definition,
        }
    }
}

fn phase_of(metric: &wire::Metric) -> Option<&'static str> {
    let number = metric.scope.as_ref()?.phase;
    PhaseTable::standard().get(Phase::new(number)).map(|row| row.slug)
}

fn position(position: wire::FeedPosition) -> Position {
    let source = feed::Source::try_from(position.source).unwrap_or_default();
    Position {
        source: word(source.as_str_name(), "SOURCE_"),
        records: position.records,
        watermark: position.watermark.and_then(moment),
    }
}
