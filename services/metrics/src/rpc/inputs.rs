//! Requests, checked: all faults are collected.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use signoff_chassis::{Admission, Refusal};
use signoff_contract::convert::{
    PhaseNeed, is_across, optional_uuid, scope_from_wire, text, time_from_wire, uuid,
};
use signoff_contract::metrics::v1 as wire;
use signoff_contract::requests::Scoped;
use signoff_contract::workflow::v1::Phase as WirePhase;
use signoff_workflow::{Phase, PhaseTable, Violations};
use tonic::{Request, Status};

use crate::domain::metric::MetricType;
use crate::domain::period::{Bucket, Period};
use crate::store::generations;
use crate::store::reads::Select;
use crate::store::series::{By, Wanted};

/// How many figures a series may have, all groups together.
pub(super) const MOST_FIGURES: usize = 2_500;
/// Longest reason, in characters.
const LONGEST_REASON: usize = 4_000;

/// A request that its caller may make.
pub(super) struct Asked<R> {
    /// It.
    pub(super) request: R,
    /// What it is about.
    pub(super) select: Select,
}

/// Checks the caller's access, to a workflow or across all, and what the request is about.
///
/// # Errors
/// The status for the caller.
pub(super) fn admit<R: Scoped>(request: Request<R>, need: PhaseNeed) -> Result<Asked<R>, Status> {
    let admission = Admission::from(&request)?;
    let request = request.into_inner();
    let table = PhaseTable::standard();
    let scope = request.scope().cloned();
    if !is_across(scope.as_ref()) {
        let mut violations = Violations::default();
        let read = scope_from_wire(scope, "scope", PhaseNeed::Optional, table, &mut violations);
        let Some(read) = read else { return Err(Refusal::invalid(violations).into()) };
        let row = read.phase.and_then(|phase| table.get(phase));
        admission.permit(Some(read.workflow), row)?;
        if row.is_some() && need == PhaseNeed::Refused {
            return Err(of_no_phase().into());
        }
        let select = Select {
            workflow: Some(read.workflow),
            phase: row.map(|row| row.slug),
            ..Select::default()
        };
        return Ok(Asked { request, select });
    }
    admission.permit(None, None)?;
    let phase = match scope.map(|scope| scope.phase).unwrap_or_default() {
        0 => None,
        _ if need == PhaseNeed::Refused => return Err(of_no_phase().into()),
        number => {
            let row = table.get(Phase::new(number));
            let unknown =
                || Refusal::invalid(Violations::one("scope.phase", "is not a known phase"));
            Some(row.ok_or_else(unknown)?.slug)
        }
    };
    Ok(Asked { request, select: Select { phase, ..Select::default() } })
}

fn of_no_phase() -> Refusal {
    let what = "must be unset: this is about all phases together";
    Refusal::invalid(Violations::one("scope.phase", what))
}

/// What counts beside the scope.
pub(super) fn filter(
    filter: Option<wire::Filter>,
    select: Select,
    violations: &mut Violations,
) -> Select {
    let filter = filter.unwrap_or_default();
    let cycle_id = optional_uuid(&filter.cycle_id, "filter.cycle_id", violations);
    let report_id = optional_uuid(&filter.report_id, "filter.report_id", violations);
    if select.workflow.is_some() {
        let what = "must be unset: the scope names it";
        for (field, given) in [("filter.cycle_id", cycle_id), ("filter.report_id", report_id)] {
            if given.is_some() {
                violations.add(field, what);
            }
        }
    }
    if filter.user_id < 0 {
        violations.add("filter.user_id", "is no user id: above 0");
    }
    let person = (filter.user_id > 0).then_some(filter.user_id);
    Select { cycle_id, report_id, person, ..select }
}

/// The period of figures.
pub(super) fn period(period: Option<wire::Period>, violations: &mut Violations) -> Period {
    let period = period.unwrap_or_default();
    let start = period.start.and_then(|at| time_from_wire(at, "period.start", violations));
    let end = period.end.and_then(|at| time_from_wire(at, "period.end", violations));
    if let (Some(start), Some(end)) = (start, end)
        && end <= start
    {
        violations.add("period.end", "is not after period.start");
    }
    Period::widened(start, end)
}

/// A series, and the beginnings of its stretches of time.
pub(super) fn series(
    asked: Asked<wire::QuerySeriesRequest>,
    now: DateTime<Utc>,
) -> Result<(Wanted, Vec<DateTime<Utc>>), Violations> {
    let Asked { request, select } = asked;
    let mut violations = Violations::default();
    let select = filter(request.filter, select, &mut violations);
    let metric = MetricType::named(&request.metric_type);
    if metric.is_none() {
        let known: Vec<&str> = MetricType::ALL.iter().map(|metric| metric.name()).collect();
        violations.add("metric_type", format!("is none of: {}", known.join(", ")));
    }
    let bucket = match wire::Bucket::try_from(request.bucket) {
        Ok(wire::Bucket::Hour) => Some(Bucket::Hour),
        Ok(wire::Bucket::Day) => Some(Bucket::Day),
        Ok(wire::Bucket::Week) => Some(Bucket::Week),
        Ok(wire::Bucket::Month) => Some(Bucket::Month),
        Ok(wire::Bucket::Unspecified) | Err(_) => {
            violations.add("bucket", "is required: HOUR, DAY, WEEK or MONTH");
            None
        }
    };
    let from = match request.from {
        Some(from) => time_from_wire(from, "from", &mut violations),
        None => {
            violations.add("from", "is required");
            None
        }
    };
    let to = match request.to {
        Some(to) => time_from_wire(to, "to", &mut violations),
        None => Some(now),
    };
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        violations.add("to", "is not after from");
    }
    let by = groups(&request.group_by, &mut violations);
    let (Some(metric), Some(bucket), Some(from), Some(to), true) =
        (metric, bucket, from, to, violations.is_empty())
    else {
        return Err(violations);
    };
    let begins = bucket.all(from, to, MOST_FIGURES);
    if begins.len() > MOST_FIGURES {
        let what =
            format!("gives more than {MOST_FIGURES} figures: take a longer one, or less time");
        return Err(Violations::one("bucket", what));
    }
    let (first, last) = (begins.first().copied(), begins.last().copied());
    let to = last.map_or(to, |last| bucket.next(last));
    Ok((Wanted { metric, select, bucket, from: first.unwrap_or(from), to, by }, begins))
}

fn groups(given: &[i32], violations: &mut Violations) -> BTreeSet<By> {
    let mut by = BTreeSet::new();
    for (i, group) in given.iter().enumerate() {
        let group = match wire::GroupBy::try_from(*group) {
            Ok(wire::GroupBy::Phase) => By::Phase,
            Ok(wire::GroupBy::Cycle) => By::Cycle,
            Ok(wire::GroupBy::Report) => By::Report,
            Ok(wire::GroupBy::Person) => By::Person,
            Ok(wire::GroupBy::Source) => By::Source,
            Ok(wire::GroupBy::ActionType) => By::ActionType,
            Ok(wire::GroupBy::Outcome) => By::Outcome,
            Ok(wire::GroupBy::Unspecified) | Err(_) => {
                violations.add(format!("group_by[{i}]"), "is nothing that a series is split by");
                continue;
            }
        };
        if !by.insert(group) {
            violations.add(format!("group_by[{i}]"), "is there twice");
        }
    }
    by
}

/// A rebuild, and who wants it.
pub(super) fn rebuild(
    request: wire::RebuildRequest,
    by: i64,
) -> Result<generations::Wanted, Violations> {
    let mut violations = Violations::default();
    let request_id = uuid(&request.request_id, "request_id", &mut violations);
    if request_id.is_some_and(|id| id.is_nil()) {
        violations.add("request_id", "is the nil UUID: a fresh one identifies the request");
    }
    text(&request.reason, "reason", LONGEST_REASON, false, &mut violations);
    match request_id {
        Some(request_id) if violations.is_empty() => {
            Ok(generations::Wanted { request_id, by, reason: request.reason })
        }
        Some(_) | None => Err(violations),
    }
}

/// A phase on the wire, by its slug.
pub(super) fn phase_to_wire(slug: &str) -> i32 {
    let row = PhaseTable::standard().by_slug(slug);
    row.map_or(WirePhase::Unspecified.into(), |row| row.phase.number())
}
