//! Figures on the wire.

use chrono::{DateTime, Utc};
use signoff_backend::Fault;
use signoff_contract::convert::{json_to_wire, time_to_wire};
use signoff_contract::feed::v1 as feed;
use signoff_contract::metrics::v1 as wire;
use signoff_contract::workflow::v1::Scope;
use signoff_ledger::Source;

use super::inputs::phase_to_wire;
use crate::domain::figure::Figure;
use crate::domain::period::Period;
use crate::store::feeds::Position;
use crate::store::generations::{Generation, State};
use crate::store::reads::Select;
use crate::store::series::Group;

/// What all figures of an answer have in common.
pub(super) struct Answer<'a> {
    pub(super) select: &'a Select,
    pub(super) as_of: &'a [wire::FeedPosition],
}

impl Answer<'_> {
    /// A figure of a phase, or of all.
    pub(super) fn metric(
        &self,
        figure: Figure,
        phase: &str,
        period: Period,
    ) -> Result<wire::Metric, Fault> {
        let definition = figure.metric.definition();
        let metadata = serde_json::Value::Object(figure.metadata);
        let metadata =
            json_to_wire(&metadata).map_err(|error| Fault::Internal(error.to_string()))?;
        let (cycle_id, report_id) = match self.select.workflow {
            Some(workflow) => (Some(workflow.cycle_id), Some(workflow.report_id)),
            None => (self.select.cycle_id, self.select.report_id),
        };
        let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        let scope =
            Scope { cycle_id: id(cycle_id), report_id: id(report_id), phase: phase_to_wire(phase) };
        Ok(wire::Metric {
            metric_type: figure.metric.name().to_owned(),
            metric_value: figure.value,
            numerator: figure.numerator,
            denominator: figure.denominator,
            unit: definition.unit.symbol().to_owned(),
            metric_metadata: Some(metadata),
            calculated_at: figure.calculated_at.map(time_to_wire),
            period_start: period.start.map(time_to_wire),
            period_end: period.end.map(time_to_wire),
            as_of: self.as_of.to_vec(),
            scope: (scope != Scope::default()).then_some(scope),
            definition: definition.text.to_owned(),
        })
    }
}

/// How far a feed was followed.
pub(super) fn position(position: &Position) -> wire::FeedPosition {
    wire::FeedPosition {
        source: source(position.source).into(),
        records: position.records,
        cursor: position.cursor.clone(),
        watermark: position.said.watermark.map(time_to_wire),
    }
}

/// How fresh that is.
pub(super) fn freshness(of: &Position, now: DateTime<Utc>) -> wire::FeedFreshness {
    let lag = of.said.watermark.and_then(|watermark| (now - watermark).to_std().ok());
    wire::FeedFreshness {
        position: Some(position(of)),
        lag_records: of.said.waiting,
        lag_records_or_more: of.said.waiting_or_more,
        // A clock that is a little behind the other's is not ahead of it.
        lag: of.said.watermark.map(|_| lag.unwrap_or_default()).and_then(|lag| lag.try_into().ok()),
        heard_at: of.heard_at.map(time_to_wire),
        refused: of.refused.clone().unwrap_or_default(),
        held_by: of.said.held_by.as_ref().map(|holder| feed::HeldBy {
            process_id: holder.process_id,
            database: holder.database.clone(),
            role: holder.role.clone(),
            application: holder.application.clone(),
            seconds: holder.seconds,
        }),
        rejected_records: of.rejected,
    }
}

/// A count from the start, and how far it is beside the one that is answered.
pub(super) fn rebuilding(
    of: Generation,
    counted: &[Position],
    live: &[Position],
) -> wire::Rebuilding {
    let progress = |here: &Position| {
        let other = live.iter().find(|other| other.source == here.source);
        wire::RebuildProgress {
            source: source(here.source).into(),
            records: here.records,
            of_records: other.map(|other| other.records).unwrap_or_default(),
        }
    };
    wire::Rebuilding {
        generation: of.number,
        state: match (of.state, of.finished_at) {
            (State::Counting, _) => wire::RebuildState::Counting,
            (State::Live, _) | (State::Retired, Some(_)) => wire::RebuildState::Done,
            (State::Retired, None) => wire::RebuildState::Abandoned,
        }
        .into(),
        requested_at: Some(time_to_wire(of.requested_at)),
        requested_by: of.requested_by.unwrap_or_default(),
        reason: of.reason,
        finished_at: of.finished_at.map(time_to_wire),
        progress: counted.iter().map(progress).collect(),
    }
}

/// A group of a series.
pub(super) fn group(group: &Group) -> wire::Group {
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    wire::Group {
        phase: phase_to_wire(group.phase),
        cycle_id: id(group.cycle_id),
        report_id: id(group.report_id),
        user_id: group.person,
        source: group.source.clone(),
        action_type: group.action_type.clone(),
        outcome: group.outcome.clone(),
    }
}

fn source(source: Source) -> feed::Source {
    match source {
        Source::Versioning => feed::Source::Versioning,
        Source::Audit => feed::Source::Audit,
        Source::Gateway => feed::Source::Gateway,
    }
}
