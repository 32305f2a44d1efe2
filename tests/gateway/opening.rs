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
    assert_eq!(refusals::reason(&refused), "PHASE_DEPENDENCY_UNMET");

    let board = wire::GetBoardRequest { scope: Some(signoff_tests::world::whole(workflow)) };
    let board = tester.call(board).await.unwrap().board.unwrap();
    assert_eq!(board.phases.len(), 9);
    assert_eq!(board.phases[0].state(), PhaseState::InProgress);
    assert_eq!(board.phases[0].started_by, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_first_changes_through_two_gateways_start_a_phase_once() {
    let house = House::new().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let (address, shutdown) = house.replica().await;
    let (one, other) = (house.channel().await, signoff_tests::world::connect(address).await);
    let token = house.token(10, &[]);
    let create = |number: usize| {
        let channel = if number.is_multiple_of(2) { one.clone() } else { other.clone() };
        let tester = signoff_tests::Person::with_token(&token, channel, 10);
        let request = versions::CreateVersionRequest {
            scope: Some(scope(workflow, Phase::PLANNING)),
            decisions: build::items(Phase::PLANNING, 0..1),
            request_id: request_id(),
            ..Default::default()
        };
        tokio::spawn(async move { tester.call(request).await })
    };
    let calls: Vec<_> = (0..16).map(create).collect();
    let mut created = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => created += 1,
            Err(refused) => {
                let reason = refusals::reason(&refused);
                assert!(
                    ["VERSION_ALREADY_OPEN", "VERSION_STATE"].contains(&reason.as_str()),
                    "{refused:?}"
                );
            }
        }
    }
    assert_eq!(created, 1);
    shutdown.cancel();
}
