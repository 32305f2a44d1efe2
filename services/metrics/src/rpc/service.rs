//! `signoff.metrics.v1.MetricsService`.

use chrono::Utc;
use signoff_backend::rpc::MAX_MESSAGE;
use signoff_backend::{Fault, ServiceError as _};
use signoff_chassis::Admission;
use signoff_contract::convert::PhaseNeed;
use signoff_contract::metrics::v1 as wire;
use signoff_contract::metrics::v1::metrics_service_server::{MetricsService, MetricsServiceServer};
use signoff_workflow::{PhaseTable, Violations};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};

use super::inputs::{self, Asked, MOST_FIGURES};
use super::to_wire::{self, Answer};
use crate::Metrics;
use crate::domain::figure::Figure;
use crate::domain::metric::MetricType;
use crate::domain::period::Period;
use crate::store::reads::Select;
use crate::store::{feeds, generations, reads, series, snapshot};

type Answered<A> = Result<Response<A>, Status>;

/// The service over the numbers.
#[derive(Clone, Debug)]
pub struct Rpc(Metrics);

impl Rpc {
    /// The service, to be mounted.
    pub fn mounted(metrics: Metrics) -> MetricsServiceServer<Self> {
        MetricsServiceServer::new(Self(metrics)).max_decoding_message_size(MAX_MESSAGE)
    }

    /// Figures of each phase, or of all together.
    async fn figures(
        &self,
        select: Select,
        period: Period,
        by_phase: bool,
    ) -> Result<Vec<wire::Metric>, Fault> {
        let mut tx = snapshot(self.0.pool()).await?;
        let generation = generations::live(&mut tx).await?;
        let as_of = as_of(&mut tx, generation).await?;
        let mut found = reads::figures(&mut tx, generation, &select, period, by_phase).await?;
        // What was asked for is answered, also where nothing was counted.
        let asked_for = if by_phase { select.phase } else { Some("") };
        if let Some(phase) = asked_for {
            found.entry(phase).or_default();
        }
        let answer = Answer { select: &select, as_of: &as_of };
        let mut metrics = Vec::new();
        for (phase, (counts, times)) in in_order(&found) {
            for metric in MetricType::ALL {
                let figure = Figure::of(*metric, counts, times);
                metrics.push(answer.metric(figure, phase, period)?);
            }
        }
        Ok(metrics)
    }

    async fn series(
        &self,
        asked: Asked<wire::QuerySeriesRequest>,
    ) -> Result<Vec<wire::Series>, Fault> {
        let (wanted, begins) = inputs::series(asked, Utc::now()).map_err(Fault::Invalid)?;
        let mut tx = snapshot(self.0.pool()).await?;
        let generation = generations::live(&mut tx).await?;
        let as_of = as_of(&mut tx, generation).await?;
        let mut found = series::read(&mut tx, generation, &wanted).await?;
        if wanted.by.is_empty() {
            found.entry(series::Group::default()).or_default();
        }
        let figures = found.len().saturating_mul(begins.len());
        if figures > MOST_FIGURES {
            let what = format!(
                "gives {figures} figures in {} groups; at most {MOST_FIGURES} are answered: take less \
                 time, longer buckets or fewer groups",
                found.len()
            );
            return Err(Fault::Invalid(Violations::one("group_by", what)));
        }
        let answer = Answer { select: &wanted.select, as_of: &as_of };
        let mut told = Vec::with_capacity(found.len());
        for (group, made) in &found {
            let phase = wanted.select.phase.unwrap_or(group.phase);
            let mut metrics = Vec::with_capacity(begins.len());
            for (begin, figure) in begins.iter().zip(made.figures(wanted.metric, &begins)) {
                let end = wanted.bucket.next(*begin);
                let period = Period { start: Some(*begin), end: Some(end) };
                metrics.push(answer.metric(figure, phase, period)?);
            }
            told.push(wire::Series { group: Some(to_wire::group(group)), metrics });
        }
        Ok(told)
    }

    async fn freshness(&self) -> Result<wire::GetFreshnessResponse, Fault> {
        let mut tx = snapshot(self.0.pool()).await?;
        let generation = generations::live(&mut tx).await?;
        let live = feeds::positions(&mut tx, generation).await?;
        let now = Utc::now();
        let rebuild = match generations::latest_rebuild(&mut tx).await? {
            None => None,
            Some(latest) => {
                let counted = feeds::positions(&mut tx, latest.number).await?;
                Some(to_wire::rebuilding(latest, &counted, &live))
            }
        };
        let feeds = live.iter().map(|of| to_wire::freshness(of, now)).collect();
        Ok(wire::GetFreshnessResponse { feeds, rebuild, generation })
    }

    async fn rebuild(
        &self,
        request: wire::RebuildRequest,
        by: i64,
    ) -> Result<wire::RebuildResponse, Fault> {
        let wanted = inputs::rebuild(request, by).map_err(Fault::Invalid)?;
        let mut tx = self.0.pool().begin().await?;
        let begun = generations::begin(&mut tx, &wanted).await?;
        tx.commit().await?;
        self.0.leading().look();
        let mut connection = self.0.pool().acquire().await?;
        let live = generations::live(&mut connection).await?;
        let live = feeds::positions(&mut connection, live).await?;
        let counted = feeds::positions(&mut connection, begun.number).await?;
        let rebuild = Some(to_wire::rebuilding(begun, &counted, &live));
        Ok(wire::RebuildResponse { rebuild })
    }
}

/// What was found, in the order of the phases; what is of none comes first.
fn in_order(found: &reads::ByPhase) -> Vec<(&'static str, &reads::MadeOf)> {
    let slugs = PhaseTable::standard().rows().iter().map(|row| row.slug);
    let of = |slug| Some((slug, found.get(slug)?));
    std::iter::once("").chain(slugs).filter_map(of).collect()
}

async fn as_of(conn: &mut PgConnection, generation: i64) -> Result<Vec<wire::FeedPosition>, Fault> {
    let positions = feeds::positions(conn, generation).await?;
    Ok(positions.iter().map(to_wire::position).collect())
}

fn answered<A>(done: Result<A, Fault>) -> Answered<A> {
    done.map(Response::new).map_err(|fault| fault.refusal(None).into())
}

#[tonic::async_trait]
impl MetricsService for Rpc {
    async fn get_phase_metrics(
        &self,
        request: Request<wire::GetPhaseMetricsRequest>,
    ) -> Answered<wire::GetPhaseMetricsResponse> {
        let Asked { request, select } = inputs::admit(request, PhaseNeed::Optional)?;
        let (select, period) = limited(request.filter, request.period, select)?;
        let done = self.figures(select, period, true).await;
        answered(done.map(|metrics| wire::GetPhaseMetricsResponse { metrics }))
    }

    async fn get_workflow_metrics(
        &self,
        request: Request<wire::GetWorkflowMetricsRequest>,
    ) -> Answered<wire::GetWorkflowMetricsResponse> {
        let Asked { request, select } = inputs::admit(request, PhaseNeed::Refused)?;
        let (select, period) = limited(request.filter, request.period, select)?;
        let done = self.figures(select, period, false).await;
        answered(done.map(|metrics| wire::GetWorkflowMetricsResponse { metrics }))
    }

    async fn query_series(
        &self,
        request: Request<wire::QuerySeriesRequest>,
    ) -> Answered<wire::QuerySeriesResponse> {
        let asked = inputs::admit(request, PhaseNeed::Optional)?;
        let done = self.series(asked).await;
        answered(done.map(|series| wire::QuerySeriesResponse { series }))
    }

    async fn get_freshness(
        &self,
        request: Request<wire::GetFreshnessRequest>,
    ) -> Answered<wire::GetFreshnessResponse> {
        Admission::from(&request)?.permit(None, None)?;
        answered(self.freshness().await)
    }

    async fn rebuild(
        &self,
        request: Request<wire::RebuildRequest>,
    ) -> Answered<wire::RebuildResponse> {
        let actor = Admission::from(&request)?.permit(None, None)?;
        answered(self.rebuild(request.into_inner(), actor.user_id).await)
    }
}

/// What counts of what figures are wanted.
///
/// # Errors
/// The status that names every field at fault.
fn limited(
    filter: Option<wire::Filter>,
    period: Option<wire::Period>,
    select: Select,
) -> Result<(Select, Period), Status> {
    let mut violations = Violations::default();
    let select = inputs::filter(filter, select, &mut violations);
    let period = inputs::period(period, &mut violations);
    if violations.is_empty() {
        return Ok((select, period));
    }
    Err(Fault::Invalid(violations).refusal(None).into())
}
