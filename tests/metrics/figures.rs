//! Figures of a report that walked through its phases.

use signoff_contract::metrics::v1 as wire;
use signoff_contract::versioning::v1::Verdict;
use signoff_tests::acts::rejected;
use signoff_tests::people::scope;
use signoff_tests::world::whole;
use signoff_tests::{Counting, House, Office, build};
use signoff_workflow::{Phase, Role, Workflow};

/// Every metric of a phase, as a member reads it.
async fn of_phase(counting: &Counting, workflow: Workflow, phase: Phase) -> Vec<wire::Metric> {
    let member = counting.person(10, Some(workflow), &[Role::Tester]).await;
    let scope = Some(scope(workflow, phase));
    let request = wire::GetPhaseMetricsRequest { scope, ..Default::default() };
    member.call(request).await.unwrap().metrics
}

/// One of them.
#[track_caller]
fn the<'a>(metrics: &'a [wire::Metric], metric_type: &str) -> &'a wire::Metric {
    metrics.iter().find(|metric| metric.metric_type == metric_type).expect(metric_type)
}

#[track_caller]
fn value(metrics: &[wire::Metric], metric_type: &str) -> Option<f64> {
    the(metrics, metric_type).metric_value
}

#[tokio::test]
async fn a_report_on_its_way_is_counted() {
    let house = House::new().await;
    let counting = Counting::of(&house).await;
    let office = Office::of(&house).await;
    office.through(Phase::SCOPING).await;
    let samples = office.here(Phase::SAMPLE_SELECTION);
    let draft = office.tester().create(&samples, build::inputs(0..10)).await.unwrap();
    let submitted = office.tester().submit(&draft).await.unwrap();
    let decisions = office.tester().decisions(&submitted).await;
    let reviews = decisions.iter().take(2).map(|of| rejected(of, "too old")).collect();
    let submitted = office.owner().rule(&submitted, reviews).await.unwrap();
    let ruled = office.owner().rule_rest(&submitted, Verdict::Approved).await.unwrap();
    office.owner().approve(&ruled).await.unwrap();
    let second = office.tester().revise(&samples, build::inputs(10..12)).await.unwrap();
    assert_eq!(second.counts.unwrap().carried, 8);

    counting.settled(&house).await;
    let found = of_phase(&counting, office.workflow, Phase::SAMPLE_SELECTION).await;
    assert_eq!(value(&found, "version_created"), Some(2.0));
    assert_eq!(value(&found, "version_count"), Some(2.0));
    assert_eq!(value(&found, "rejection_rate"), Some(0.0));
    assert_eq!(value(&found, "decision_rejection_rate"), Some(0.2));
    assert_eq!(value(&found, "acceptance_rate"), Some(0.8));
    assert_eq!(value(&found, "carry_forward_rate"), Some(0.8));
    let approval = the(&found, "approval_time_hours");
    assert_eq!((approval.denominator, approval.unit.as_str()), (1.0, "h"));
    assert!(approval.metric_value > Some(0.0) && approval.metric_value < Some(1.0));
    assert_eq!(approval.as_of.len(), 3);

    let whole_report = wire::GetWorkflowMetricsRequest {
        scope: Some(whole(office.workflow)),
        ..Default::default()
    };
    let member = counting.person(20, Some(office.workflow), &[Role::ReportOwner]).await;
    let all = member.call(whole_report).await.unwrap().metrics;
    assert_eq!(value(&all, "version_created"), Some(5.0));
    assert_eq!(value(&all, "workflows_opened"), Some(1.0));
}
