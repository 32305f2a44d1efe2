//! Who may ask what, and which fields are at fault.

use chrono::{DateTime, Utc};
use signoff_contract::metrics::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Scope};
use signoff_tests::Person;
use signoff_tests::people::{request_id, scope};
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::Rpc;
use signoff_tests::world::{whole, workflow};
use signoff_workflow::{Phase, Role, Workflow};
use tonic::Code;

use crate::asking::stamp;
use crate::expected::METRICS;
use crate::fake::Counted;

fn at(text: &str) -> Option<prost_types::Timestamp> {
    Some(stamp(text.parse::<DateTime<Utc>>().unwrap()))
}

/// A series that is answered.
fn series() -> wire::QuerySeriesRequest {
    wire::QuerySeriesRequest {
        metric_type: "version_count".to_owned(),
        bucket: wire::Bucket::Day.into(),
        from: at("2026-01-01T00:00:00Z"),
        to: at("2026-02-01T00:00:00Z"),
        ..Default::default()
    }
}

async fn denied<R: Rpc>(person: &Person, request: R) {
    refusal(person.call(request).await, Code::PermissionDenied, ErrorReason::RoleMissing);
}

#[tokio::test]
async fn members_ask_about_their_report_and_who_looks_everywhere_about_all() {
    let counted = Counted::new().await;
    let (here, elsewhere) = (workflow(), workflow());
    let of = |workflow: Option<Workflow>| {
        let scope = workflow.map(whole);
        let phases = wire::GetPhaseMetricsRequest { scope: scope.clone(), ..Default::default() };
        let all = wire::GetWorkflowMetricsRequest { scope: scope.clone(), ..Default::default() };
        (phases, all, wire::QuerySeriesRequest { scope, ..series() })
    };
    let rebuild =
        || wire::RebuildRequest { request_id: request_id(), reason: "why not".to_owned() };
    for role in [Role::Tester, Role::TestLead, Role::ReportOwner, Role::TestExecutive] {
        let member = counted.person(10, Some(here), &[role]).await;
        let (phases, all, over_time) = of(Some(here));
        member.call(phases).await.unwrap();
        member.call(all).await.unwrap();
        member.call(over_time).await.unwrap();
        for workflow in [Some(elsewhere), None] {
            let (phases, all, over_time) = of(workflow);
            denied(&member, phases).await;
            denied(&member, all).await;
            denied(&member, over_time).await;
        }
        member.call(wire::GetFreshnessRequest {}).await.unwrap();
        denied(&member, rebuild()).await;
    }
    for role in [Role::Auditor, Role::Service] {
        let reader = counted.person(91, None, &[role]).await;
        for workflow in [Some(here), None] {
            let (phases, all, over_time) = of(workflow);
            reader.call(phases).await.unwrap();
            reader.call(all).await.unwrap();
            reader.call(over_time).await.unwrap();
        }
        reader.call(wire::GetFreshnessRequest {}).await.unwrap();
        denied(&reader, rebuild()).await;
    }
    for roles in [&[][..], &[Role::Admin], &[Role::Gateway]] {
        let somebody = counted.person(90, None, roles).await;
        for workflow in [Some(here), None] {
            let (phases, all, over_time) = of(workflow);
            denied(&somebody, phases).await;
            denied(&somebody, all).await;
            denied(&somebody, over_time).await;
        }
        somebody.call(wire::GetFreshnessRequest {}).await.unwrap();
    }
    for roles in [&[][..], &[Role::Gateway]] {
        denied(&counted.person(90, None, roles).await, rebuild()).await;
    }
    counted.person(90, None, &[Role::Admin]).await.call(rebuild()).await.unwrap();
}

#[tokio::test]
async fn a_report_of_which_nothing_is_known_has_zeros_and_no_values() {
    let counted = Counted::new().await;
    let here = workflow();
    let member = counted.person(10, Some(here), &[Role::Tester]).await;
    let request = wire::GetPhaseMetricsRequest {
        scope: Some(scope(here, Phase::SCOPING)),
        ..Default::default()
    };
    let found = member.call(request).await.unwrap().metrics;
    let all = wire::GetWorkflowMetricsRequest { scope: Some(whole(here)), ..Default::default() };
    let all = member.call(all).await.unwrap().metrics;
    let over_time = wire::QuerySeriesRequest { scope: Some(whole(here)), ..series() };
    let over_time = member.call(over_time).await.unwrap().series.remove(0).metrics;
    assert_eq!((found.len(), all.len(), over_time.len()), (METRICS.len(), METRICS.len(), 31));
    for metric in found.iter().chain(&all).chain(&over_time) {
        let is_plain = metric.denominator == 1.0;
        assert_eq!(metric.numerator, 0.0, "{metric:?}");
        assert_eq!(metric.metric_value, is_plain.then_some(0.0), "{metric:?}");
        assert!(is_plain || metric.denominator == 0.0, "{metric:?}");
        assert_eq!(metric.calculated_at, None);
        assert!(!metric.definition.is_empty());
        assert_eq!(metric.scope.as_ref().unwrap().report_id, here.report_id.to_string());
    }
    // Of no phase in particular, none is named.
    let request = wire::GetPhaseMetricsRequest { scope: Some(whole(here)), ..Default::default() };
    assert!(member.call(request).await.unwrap().metrics.is_empty());
    let by = vec![wire::GroupBy::Phase.into()];
    let request = wire::QuerySeriesRequest { scope: Some(whole(here)), group_by: by, ..series() };
    assert!(member.call(request).await.unwrap().series.is_empty());
}

/// Expects that a request is refused for these fields.
async fn faulty<R: Rpc + std::fmt::Debug>(person: &Person, request: R, expected: &[&str]) {
    let what = format!("{request:?}");
    let status =
        refusal(person.call(request).await, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), expected, "{what}");
}

#[tokio::test]
async fn every_field_at_fault_is_named() {
    let counted = Counted::new().await;
    let auditor = counted.auditor().await;
    let auditor = &auditor;
    let (here, id) = (whole(workflow()), workflow().cycle_id.to_string());
    let filter = |cycle_id: &str, report_id: &str, user_id| {
        let (cycle_id, report_id) = (cycle_id.to_owned(), report_id.to_owned());
        Some(wire::Filter { cycle_id, report_id, user_id })
    };
    let period = |start, end| Some(wire::Period { start, end });
    let bad = Some(prost_types::Timestamp { seconds: 1, nanos: -1 });

    let all = wire::GetWorkflowMetricsRequest::default;
    let phases = wire::GetPhaseMetricsRequest::default;
    let (noon, later) = (at("2026-01-01T12:00:00Z"), at("2026-01-01T13:00:00Z"));
    for (period, expected) in [
        (period(later, noon), "period.end"),
        (period(noon, noon), "period.end"),
        (period(bad, later), "period.start"),
        (period(noon, bad), "period.end"),
    ] {
        faulty(auditor, wire::GetWorkflowMetricsRequest { period, ..all() }, &[expected]).await;
        faulty(auditor, wire::GetPhaseMetricsRequest { period, ..phases() }, &[expected]).await;
    }
    for (scope, filter, expected) in [
        (
            None,
            filter("x", "y", -1),
            &["filter.cycle_id", "filter.report_id", "filter.user_id"][..],
        ),
        (Some(here.clone()), filter(&id, "", 0), &["filter.cycle_id"]),
        (Some(here.clone()), filter("", &id, 0), &["filter.report_id"]),
        (Some(here.clone()), filter(&id, &id, 0), &["filter.cycle_id", "filter.report_id"]),
    ] {
        let request = wire::GetWorkflowMetricsRequest {
            scope: scope.clone(),
            filter: filter.clone(),
            ..all()
        };
        faulty(auditor, request, expected).await;
        let request = wire::GetPhaseMetricsRequest {
            scope: scope.clone(),
            filter: filter.clone(),
            ..phases()
        };
        faulty(auditor, request, expected).await;
        faulty(auditor, wire::QuerySeriesRequest { scope, filter, ..series() }, expected).await;
    }
    // What a request is about comes first.
    let with = |change: fn(&mut Scope)| {
        let mut scope = here.clone();
        change(&mut scope);
        Some(scope)
    };
    let tenth = Some(Scope { phase: 10, ..Default::default() });
    let third = Some(Scope { phase: 3, ..Default::default() });
    for (scope, expected) in [
        (with(|scope| scope.report_id.clear()), "scope.report_id"),
        (with(|scope| scope.cycle_id.clear()), "scope.cycle_id"),
        (with(|scope| scope.cycle_id = "x".to_owned()), "scope.cycle_id"),
        (tenth.clone(), "scope.phase"),
    ] {
        let request = wire::GetPhaseMetricsRequest { scope: scope.clone(), ..phases() };
        faulty(auditor, request, &[expected]).await;
        faulty(auditor, wire::QuerySeriesRequest { scope: scope.clone(), ..series() }, &[expected])
            .await;
        faulty(auditor, wire::GetWorkflowMetricsRequest { scope, ..all() }, &[expected]).await;
    }
    for scope in [third.clone(), with(|scope| scope.phase = 3)] {
        let request = wire::GetWorkflowMetricsRequest { scope, ..all() };
        faulty(auditor, request, &["scope.phase"]).await;
    }
    let request = wire::GetPhaseMetricsRequest { scope: third, ..phases() };
    assert_eq!(auditor.call(request).await.unwrap().metrics.len(), METRICS.len());
}

#[tokio::test]
async fn every_field_of_a_series_and_of_a_rebuild_at_fault_is_named() {
    let counted = Counted::new().await;
    let auditor = counted.auditor().await;
    let auditor = &auditor;
    let nothing = wire::QuerySeriesRequest::default();
    faulty(auditor, nothing, &["metric_type", "bucket", "from"]).await;
    let by = |groups: &[i32]| wire::QuerySeriesRequest { group_by: groups.to_vec(), ..series() };
    for (request, expected) in [
        (
            wire::QuerySeriesRequest { metric_type: "versions".to_owned(), ..series() },
            "metric_type",
        ),
        (wire::QuerySeriesRequest { bucket: 5, ..series() }, "bucket"),
        (wire::QuerySeriesRequest { bucket: -1, ..series() }, "bucket"),
        (wire::QuerySeriesRequest { from: None, ..series() }, "from"),
        (wire::QuerySeriesRequest { to: series().from, ..series() }, "to"),
        (wire::QuerySeriesRequest { from: series().to, to: series().from, ..series() }, "to"),
        (by(&[1, 2, 1]), "group_by[2]"),
        (by(&[0]), "group_by[0]"),
        (by(&[7, 8]), "group_by[1]"),
    ] {
        faulty(auditor, request, &[expected]).await;
    }
    // 2,500 hours are answered, and not one more.
    let hours = |to: &str| wire::QuerySeriesRequest {
        bucket: wire::Bucket::Hour.into(),
        to: at(to),
        ..series()
    };
    let whole = auditor.call(hours("2026-04-15T04:00:00Z")).await.unwrap();
    assert_eq!(whole.series[0].metrics.len(), 2_500);
    faulty(auditor, hours("2026-04-15T04:00:00.000001Z"), &["bucket"]).await;
    let far = wire::QuerySeriesRequest {
        from: at("0001-01-01T00:00:00Z"),
        to: at("9999-12-31T23:59:59Z"),
        ..series()
    };
    faulty(auditor, far, &["bucket"]).await;

    let admin = counted.person(90, None, &[Role::Admin]).await;
    let rebuild = |id: &str, reason: &str| wire::RebuildRequest {
        request_id: id.to_owned(),
        reason: reason.to_owned(),
    };
    let (id, nil) = (request_id(), uuid::Uuid::nil().to_string());
    faulty(&admin, rebuild("", ""), &["request_id"]).await;
    faulty(&admin, rebuild("x", &"x".repeat(4_001)), &["request_id", "reason"]).await;
    faulty(&admin, rebuild(&nil, "why not"), &["request_id"]).await;
    faulty(&admin, rebuild(&id, "zero\0"), &["reason"]).await;
}
