//! The sample story of seed 001: 100 recommended, 80 approved, 20 rejected; version 2 with 80
//! carried and 10 new.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::{request_id, scope};
use signoff_tests::{World, build, world};
use signoff_workflow::{Phase, Role};

#[tokio::test]
async fn eighty_are_carried_and_ten_are_new() {
    let world = World::new().await;
    let workflow = world::workflow();
    world.open_phases(workflow, &[Phase::SAMPLE_SELECTION]).await;
    let mut tester = world.person(10, workflow, &[Role::Tester]).await;
    let mut owner = world.person(20, workflow, &[Role::ReportOwner]).await;
    let here = Some(scope(workflow, Phase::SAMPLE_SELECTION));

    let created = tester
        .versioning
        .create_version(wire::CreateVersionRequest {
            scope: here.clone(),
            request_id: request_id(),
            decisions: build::inputs(0..100),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner()
        .version
        .unwrap();
    assert_eq!(created.counts.unwrap().pending, 100);
    assert_eq!(created.number, 1);
    let first = created.version_id;
    tester
        .versioning
        .submit_version(wire::SubmitVersionRequest {
            scope: here.clone(),
            request_id: request_id(),
            version_id: first.clone(),
            ..Default::default()
        })
        .await
        .unwrap();
    let listed = owner
        .versioning
        .list_decisions(wire::ListDecisionsRequest {
            scope: here.clone(),
            version_id: first.clone(),
            page_size: 200,
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner()
        .decisions;
    let reviews = listed[80..]
        .iter()
        .map(|decision| wire::Review {
            decision_id: decision.decision_id.clone(),
            verdict: wire::Verdict::Rejected.into(),
            notes: "not of this period".to_owned(),
            ..Default::default()
        })
        .collect();
    let reviewed = owner
        .versioning
        .review_decisions(wire::ReviewDecisionsRequest {
            scope: here.clone(),
            request_id: request_id(),
            version_id: first.clone(),
            reviews,
            remaining: Some(wire::RemainingReview {
                verdict: wire::Verdict::Approved.into(),
                notes: String::new(),
            }),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner()
        .version
        .unwrap();
    let counts = reviewed.counts.unwrap();
    assert_eq!((counts.approved, counts.rejected, counts.pending), (80, 20, 0));
    owner
        .versioning
        .reject_version(wire::RejectVersionRequest {
            scope: here.clone(),
            request_id: request_id(),
            version_id: first.clone(),
            notes: "ten more, please".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    let revised = tester
        .versioning
        .revise_version(wire::ReviseVersionRequest {
            scope: here.clone(),
            request_id: request_id(),
            decisions: build::inputs(100..110),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner()
        .version
        .unwrap();
    let counts = revised.counts.unwrap();
    assert_eq!((counts.total, counts.carried, counts.approved, counts.pending), (90, 80, 80, 10));
    assert_eq!(revised.parent_version_id, first);
    world.stop().await;
}
