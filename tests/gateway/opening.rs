//! Phases are started by the first change in them, and only when they may be.

use signoff_contract::gateway::v1 as wire;
use signoff_contract::versioning::v1 as versions;
use signoff_contract::workflow::v1::PhaseState;
use signoff_tests::build;
use signoff_tests::people::{request_id, scope};
use signoff_tests::{House, refusals};
use signoff_workflow::{Phase, Role};

#[tokio::test]
async fn the_first_change_starts_planning() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester), (20, Role::ReportOwner)]).await;
    let tester = house.person(10, &[]).await;
    let create = versions::CreateVersionRequest {
        scope: Some(scope(workflow, Phase::PLANNING)),
        decisions: build::items(Phase::PLANNING, 0..3),
        request_id: request_id(),
        ..Default::default()
    };
    let version = tester.call(create).await.unwrap().version.unwrap();
    assert_eq!(version.number, 1);

    let scoping = versions::CreateVersionRequest {
        scope: Some(scope(workflow, Phase::SCOPING)),
        request_id: request_id(),
        ..Default::default()
    };
    let refused = tester.call(scoping).await.unwrap_err();
    eprintln!("{refused:?}");
    assert_eq!(refusals::reason(&refused), "PHASE_DEPENDENCY_UNMET");

    let board = wire::GetBoardRequest { scope: Some(signoff_tests::world::whole(workflow)) };
    let board = tester.call(board).await.unwrap().board.unwrap();
    assert_eq!(board.phases.len(), 9);
    assert_eq!(board.phases[0].state(), PhaseState::InProgress);
    assert_eq!(board.phases[0].started_by, 10);
}
