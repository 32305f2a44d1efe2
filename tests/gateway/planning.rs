//! The plan of test cases: what is approved, with one another.

use signoff_contract::audit::v1::TestCaseState;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::LOBS;
use signoff_tests::office::{TESTED, samples};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal, unmet};
use signoff_tests::world::whole;
use signoff_tests::{House, Office, build};
use signoff_workflow::Phase;
use tonic::Code;

fn request(office: &Office) -> wire::PlanTestCasesRequest {
    let scope = Some(whole(office.workflow));
    wire::PlanTestCasesRequest { scope, request_id: request_id(), ..Default::default() }
}

#[tokio::test]
async fn every_sample_is_tested_for_every_attribute_in_scope_that_is_no_key() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::SAMPLE_SELECTION).await;
    // Planning starts Data Owner ID; nobody owns a lane yet.
    let planned = office.plan().await.unwrap();
    let cases = i64::from(3 * TESTED);
    assert_eq!((planned.planned, planned.added, planned.withdrawn), (cases, cases, 0));
    assert_eq!((planned.unassigned, planned.moved), (cases, 0));
    assert_eq!((planned.left_out, planned.left_out_total), (Vec::new(), 0));
    let plan = planned.plan.unwrap();
    assert_eq!((plan.number, plan.planned_by, plan.cases), (1, 10, cases));
    for (number, phase) in [
        (&plan.planning_version_id, Phase::PLANNING),
        (&plan.scoping_version_id, Phase::SCOPING),
        (&plan.sample_selection_version_id, Phase::SAMPLE_SELECTION),
    ] {
        assert_eq!(*number, office.status(phase).await.current_version_id);
    }
    for lob in LOBS {
        let cases = office.lanes.cases_of(lob).await;
        let tested: Vec<&str> = cases.iter().map(|case| case.attribute_id.as_str()).collect();
        assert_eq!(tested, [build::attribute_id(0), build::attribute_id(1)]);
    }
    let board = office.board().await;
    assert_eq!(board.plan.unwrap(), plan);
    assert_eq!((board.staged_cases, board.lanes.len()), (0, 3));
}

#[tokio::test]
async fn what_is_in_scope_and_not_planned_is_named_when_cases_are_planned() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::DATA_PROFILING).await;
    // One more than Planning has.
    office.approve(Phase::SCOPING, build::items(Phase::SCOPING, 0..TESTED + 3)).await;
    office.complete(Phase::SAMPLE_SELECTION).await;
    let planned = office.plan().await.unwrap();
    let [left_out] = planned.left_out.as_slice() else { panic!("{planned:?}") };
    assert_eq!(left_out.attribute_id, build::attribute_id(TESTED + 2));
    assert!(left_out.reason.contains("Planning"), "{left_out:?}");
    assert_eq!(planned.left_out_total, 1);
}

#[tokio::test]
async fn a_plan_is_made_again_as_often_as_one_likes() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::DATA_OWNER_ID).await;
    let request = request(&office);
    let first = office.tester().call(request.clone()).await.unwrap();
    assert_eq!((first.planned, first.added, first.withdrawn), (6, 0, 0));
    assert_eq!(first.unassigned, 0);
    assert_eq!(office.tester().call(request.clone()).await.unwrap(), first);
    let here = Some(office.here(Phase::DATA_OWNER_ID));
    let other = wire::PlanTestCasesRequest { scope: here, ..request };
    let other = office.tester().call(other).await;
    refusal(other, Code::InvalidArgument, ErrorReason::RequestIdReused);
}

#[tokio::test]
async fn revised_samples_add_cases_and_withdraw_others() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::DATA_OWNER_ID).await;
    let before = office.lanes.cases_of(LOBS[0]).await;
    let request = request(&office);
    let first = office.tester().call(request.clone()).await.unwrap();
    office.reopen(Phase::SAMPLE_SELECTION).await.unwrap();
    // One sample goes, two come.
    let here = office.here(Phase::SAMPLE_SELECTION);
    let draft = office.tester().revise(&here, samples(3..5)).await.unwrap();
    let gone = office.tester().decision(&draft, "S-000000").await;
    let draft = office.tester().remove(&draft, &[&gone], "drawn twice").await.unwrap();
    let submitted = office.tester().submit(&draft).await.unwrap();
    let verdict = signoff_contract::versioning::v1::Verdict::Approved;
    office.owner().rule_rest(&submitted, verdict).await.unwrap();
    office.owner().approve(&submitted).await.unwrap();

    let planned = office.plan().await.unwrap();
    assert_eq!((planned.planned, planned.added, planned.withdrawn), (8, 4, 2));
    assert_eq!(planned.plan.unwrap().number, 2);
    let case = office.lanes.case(&before[0]).await;
    assert_eq!(case.state(), TestCaseState::Withdrawn);
    assert_eq!(case.test_case_id, before[0].test_case_id);
    // The first request is answered as it was then.
    assert_eq!(office.tester().call(request).await.unwrap(), first);
    office.reaffirm(Phase::DATA_OWNER_ID).await.unwrap();
}

#[tokio::test]
async fn there_must_be_something_to_plan_from() {
    let office = Office::of(House::shared().await).await;
    let refused = office.plan().await;
    let refused = refusal(refused, Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);
    let missing = unmet(&refused);
    assert_eq!(missing[0].0, "sample_selection", "{missing:?}");
    let elsewhere =
        wire::PlanTestCasesRequest { scope: Some(office.here(Phase::SCOPING)), ..request(&office) };
    let refused = office.tester().call(elsewhere).await;
    let refused = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&refused), ["scope.phase"]);
    let refused = office.owner().call(request(&office)).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
}

#[tokio::test]
async fn a_plan_that_waits_for_a_version_does_not_start_with_an_old_one() {
    let office = Office::of(House::shared().await).await;
    office.through(Phase::DATA_OWNER_ID).await;
    office.reopen(Phase::SAMPLE_SELECTION).await.unwrap();
    let here = office.here(Phase::SAMPLE_SELECTION);
    office.tester().revise(&here, samples(3..4)).await.unwrap();
    // The plan in force stays, as long as the samples that it was made from are the approved ones.
    let planned = office.plan().await.unwrap();
    assert_eq!((planned.planned, planned.added, planned.withdrawn), (6, 0, 0));
    let early = office.reaffirm(Phase::DATA_OWNER_ID).await;
    refusal(early, Code::FailedPrecondition, ErrorReason::PhaseDependencyUnmet);
}
