//! `signoff metrics`: what a workflow adds up to.

use anyhow::{Result, anyhow};
use chrono::{DateTime, Utc};
use signoff_contract::convert::time_to_wire;
use signoff_contract::metrics::v1::Period;
use signoff_contract::metrics::v1::metrics_service_client::MetricsServiceClient;
use signoff_workflow::Workflow;

use super::auditor::Auditors;
use crate::cli::MetricsArgs;
use crate::metrics::Metrics;
use crate::output::{self, Format};

/// Longest answer that is taken.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Asks the gateway, and prints what it answers.
pub(crate) async fn run(args: MetricsArgs) -> Result<()> {
    let connection = Auditors::of(args.system).await?.connection()?;
    let mut client = MetricsServiceClient::new(connection).max_decoding_message_size(MAX_ANSWER);
    let (cycle_id, report_id) = args.workflow;
    let period = period(args.from, args.to);
    let asked = Metrics::ask(&mut client, Workflow { cycle_id, report_id }, period).await;
    let metrics = asked.map_err(|status| {
        anyhow!("the gateway answers {:?}: {}", status.code(), status.message())
    })?;
    match args.output {
        Format::Json => output::json(&metrics)?,
        Format::Text => metrics.lines().iter().for_each(|line| output::line(line)),
    }
    Ok(())
}

fn period(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Option<Period> {
    let period = Period { start: from.map(time_to_wire), end: to.map(time_to_wire) };
    (period != Period::default()).then_some(period)
}
