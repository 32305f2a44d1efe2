//! Plans of which calls get lost, or that two gateways make at once: no half of one takes effect.

use signoff_contract::audit::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::Lanes;
use uuid::Uuid;

use crate::common::unmet;

fn changed(of: &wire::PlanTestCasesResponse) -> [i64; 4] {
    [of.planned, of.added, of.withdrawn, of.moved]
}

#[tokio::test]
async fn two_gateways_that_make_the_same_plan_do_not_halve_it() {
    let lanes = Lanes::open().await;
    let cases = Lanes::cases(2);
    lanes.gateway.call(lanes.plan_request(&cases[..3], false)).await.unwrap();
    // The other one is quicker: its last call takes what is staged along.
    lanes.gateway.call(lanes.plan_request(&cases[..3], false)).await.unwrap();
    let other = lanes.gateway.call(lanes.plan_request(&cases[3..], true)).await.unwrap();
    assert_eq!(changed(&other), [6, 6, 0, 0]);
    let late = lanes.gateway.call(lanes.plan_request(&cases[3..], true)).await.unwrap();
    assert_eq!((changed(&late), late.plan), ([6, 0, 0, 0], other.plan));
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_plan_that_comes_back_without_some_of_its_calls_is_refused() {
    let mut lanes = Lanes::open().await;
    let cases = Lanes::cases(2);
    lanes.gateway.call(lanes.plan_request(&cases[..3], false)).await.unwrap();
    let whole = lanes.gateway.call(lanes.plan_request(&cases[3..], true)).await.unwrap();
    assert_eq!(changed(&whole), [6, 6, 0, 0]);
    let first = lanes.versions;
    lanes.versions[0] = Uuid::now_v7();
    assert_eq!(changed(&lanes.plan(&cases[..1]).await.unwrap()), [1, 0, 5, 0]);
    // The first one's last call again, whose stage was used up long ago.
    lanes.versions = first;
    let told = unmet(lanes.plan(&cases[3..]).await, ErrorReason::PlanIncomplete);
    assert_eq!(told, ["test_plan: has 3 of 6 cases: send all of them again"]);
    assert_eq!(changed(&lanes.plan(&cases).await.unwrap()), [6, 5, 0, 0]);
}

#[tokio::test]
async fn whoever_says_how_many_cases_a_plan_has_is_told_when_some_are_missing() {
    let lanes = Lanes::open().await;
    let cases = Lanes::cases(2);
    let of = |cases: &[wire::PlannedCase], total_cases| wire::PlanTestCasesRequest {
        total_cases,
        ..lanes.plan_request(cases, true)
    };
    let told = unmet(lanes.gateway.call(of(&cases[2..], 6)).await, ErrorReason::PlanIncomplete);
    assert_eq!(told, ["test_plan: has 4 of 6 cases: send all of them again"]);
    assert_eq!(lanes.cases_of(signoff_tests::lanes::LOBS[2]).await, []);
    let whole = lanes.gateway.call(of(&cases, 6)).await.unwrap();
    assert_eq!(changed(&whole), [6, 6, 0, 0]);
}

#[tokio::test]
async fn what_is_staged_of_other_versions_waits_for_them() {
    let mut lanes = Lanes::open().await;
    let cases = Lanes::cases(2);
    lanes.gateway.call(lanes.plan_request(&cases[..3], false)).await.unwrap();
    let first = lanes.versions;
    lanes.versions[1] = Uuid::now_v7();
    assert_eq!(changed(&lanes.plan(&cases[..1]).await.unwrap()), [1, 1, 0, 0]);
    lanes.versions = first;
    let whole = lanes.gateway.call(lanes.plan_request(&cases[3..], true)).await.unwrap();
    assert_eq!(changed(&whole), [6, 5, 0, 0]);
}
