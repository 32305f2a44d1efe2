//! Plans of test cases.

use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1 as gates;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_workflow::Phase;
use uuid::Uuid;
use wire::{PlannedCase, SubjectType, TestCaseState};

use crate::common::{changes_of, lacks, trail, unmet};

async fn plan_of(lanes: &Lanes) -> wire::GetTestPlanResponse {
    lanes.tester.call(wire::GetTestPlanRequest { scope: lanes.whole() }).await.unwrap()
}

/// All test cases, the withdrawn ones as well.
async fn all(lanes: &Lanes) -> Vec<wire::TestCase> {
    let request = wire::ListTestCasesRequest {
        scope: lanes.whole(),
        states: (1..=6).collect(),
        page_size: 1000,
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap().test_cases
}

fn counts(of: &wire::PlanTestCasesResponse) -> [i64; 5] {
    [of.planned, of.added, of.withdrawn, of.moved, of.unassigned]
}

/// Newer versions of what plans are made from.
fn newer(mut lanes: Lanes) -> Lanes {
    lanes.versions[0] = Uuid::now_v7();
    lanes.versions[1] = Uuid::now_v7();
    lanes
}

/// The cases of a plan, with the lanes that they are in.
fn case_of(sample: &str, lob: Option<Uuid>) -> PlannedCase {
    PlannedCase {
        sample_item_key: sample.to_owned(),
        attribute_id: Uuid::from_u128(0xface).to_string(),
        lob_id: lob.map(|lob| lob.to_string()).unwrap_or_default(),
    }
}

#[tokio::test]
async fn a_plan_takes_effect_with_its_last_call() {
    let lanes = Lanes::open().await;
    let cases = Lanes::cases(2);
    let before = trail(&lanes).await.len();
    for (part, so_far) in [(&cases[..2], 2), (&cases[2..5], 5), (&cases[1..4], 5)] {
        let request = lanes.plan_request(part, false);
        let answer = lanes.gateway.call(request).await.unwrap();
        assert_eq!((counts(&answer), answer.plan), ([so_far, 0, 0, 0, 0], None));
    }
    assert_eq!((plan_of(&lanes).await.plan, plan_of(&lanes).await.staged), (None, 5));
    assert_eq!(all(&lanes).await, []);
    assert_eq!(trail(&lanes).await.len(), before);
    assert_eq!(lacks(&lanes, Phase::DATA_OWNER_ID).await, ["no test cases are planned: plan them"]);

    let answer = lanes.plan(&cases[5..]).await.unwrap();
    assert_eq!(counts(&answer), [6, 6, 0, 0, 6]);
    let plan = answer.plan.unwrap();
    assert_eq!((plan.number, plan.cases, plan.planned_by), (1, 6, 1));
    assert_eq!(plan.sample_selection_version_id, lanes.versions[2].to_string());
    assert_eq!(plan_of(&lanes).await, wire::GetTestPlanResponse { plan: Some(plan), staged: 0 });
    assert_eq!(all(&lanes).await.len(), 6);
    let record = trail(&lanes).await.pop().unwrap();
    assert_eq!((record.action.as_str(), record.detail_rows), ("test_cases.planned", 7));
    lanes.expect_intact().await;
}

#[tokio::test]
async fn the_same_plan_again_changes_nothing() {
    let lanes = Lanes::planned(2).await;
    let (records, before) = (trail(&lanes).await, all(&lanes).await);
    let plan = plan_of(&lanes).await;
    let history = lanes.changes(wire::ListChangesRequest::default()).await;
    for _ in 0..2 {
        lanes.gateway.call(lanes.plan_request(&Lanes::cases(2)[..3], false)).await.unwrap();
        let answer = lanes.plan(&Lanes::cases(2)).await.unwrap();
        assert_eq!((counts(&answer), answer.plan), ([6, 0, 0, 0, 0], plan.plan.clone()));
    }
    assert_eq!(plan_of(&lanes).await, plan);
    assert_eq!((trail(&lanes).await, all(&lanes).await), (records, before));
    assert_eq!(lanes.changes(wire::ListChangesRequest::default()).await, history);
}

#[tokio::test]
async fn a_plan_from_newer_versions_adds_withdraws_moves_and_brings_back() {
    let lanes = Lanes::open().await;
    for (lob, owner) in LOBS.into_iter().zip(OWNERS) {
        lanes.assign(lob, owner).await.unwrap();
    }
    let (a, b) = (Some(LOBS[0]), Some(LOBS[1]));
    let first = [case_of("stays", a), case_of("goes", a), case_of("moves", a)];
    assert_eq!(counts(&lanes.plan(&first).await.unwrap()), [3, 3, 0, 0, 0]);
    let was = all(&lanes).await;

    let lanes = newer(lanes);
    let second = [case_of("stays", a), case_of("moves", b), case_of("comes", b)];
    let answer = lanes.plan(&second).await.unwrap();
    assert_eq!(counts(&answer), [3, 1, 1, 1, 0]);
    assert_eq!(answer.plan.unwrap().number, 2);
    let now = all(&lanes).await;
    let told: Vec<_> = now
        .iter()
        .map(|case| (case.sample_item_key.as_str(), case.state(), case.lob_id.clone()))
        .collect();
    let (waiting, lob) = (TestCaseState::AwaitingEvidence, |n: usize| LOBS[n].to_string());
    assert_eq!(
        told,
        [
            ("comes", waiting, lob(1)),
            ("goes", TestCaseState::Withdrawn, lob(0)),
            ("moves", waiting, lob(1)),
            ("stays", waiting, lob(0)),
        ]
    );
    assert_eq!(lanes.cases_of(LOBS[0]).await.len(), 1, "withdrawn ones are not listed");
    assert_eq!((lanes.lane(LOBS[0]).await.cases, lanes.lane(LOBS[1]).await.cases), (1, 2));

    let lanes = newer(lanes);
    let third = [case_of("stays", a), case_of("goes", b), case_of("moves", b), case_of("comes", b)];
    assert_eq!(counts(&lanes.plan(&third).await.unwrap()), [4, 1, 0, 0, 0]);
    let back = all(&lanes).await;
    assert_eq!((back[1].state(), back[1].lob_id.as_str()), (waiting, lob(1).as_str()));
    for (case, changes) in [
        (&back[0], &["planned"][..]),
        (&back[1], &["planned_again", "withdrawn", "planned"]),
        (&back[2], &["moved", "planned"]),
        (&back[3], &["planned"]),
    ] {
        let before = was.iter().find(|of| of.sample_item_key == case.sample_item_key);
        assert!(before.is_none_or(|of| of.test_case_id == case.test_case_id), "ids stay");
        let told = changes_of(&lanes, &case.test_case_id).await;
        let types: Vec<_> = told.iter().map(|of| of.change_type.as_str()).collect();
        assert_eq!(types, changes, "{}", case.sample_item_key);
    }
    let moved = changes_of(&lanes, &back[2].test_case_id).await.remove(0);
    assert_eq!(moved.changed_fields, ["lob_id", "plan_number"]);
    let plans = wire::ListChangesRequest {
        subject_types: vec![SubjectType::TestPlan.into()],
        ..Default::default()
    };
    assert_eq!(lanes.changes(plans).await.len(), 3);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_case_without_a_line_of_business_is_listed_with_its_reason_and_blocks() {
    let lanes = Lanes::open().await;
    lanes.assign(LOBS[0], OWNERS[0]).await.unwrap();
    let cases = [case_of("with", Some(LOBS[0])), case_of("without", None)];
    assert_eq!(counts(&lanes.plan(&cases).await.unwrap()), [2, 2, 0, 0, 1]);
    let request = wire::ListTestCasesRequest {
        scope: lanes.whole(),
        states: vec![TestCaseState::Unassigned.into()],
        ..Default::default()
    };
    let [case] = <[_; 1]>::try_from(lanes.tester.call(request).await.unwrap().test_cases).unwrap();
    assert_eq!((case.sample_item_key.as_str(), case.lob_id.as_str()), ("without", ""));
    assert!(case.unassigned_reason.contains("names no line of business"));
    let request = wire::ListLanesRequest { scope: lanes.whole(), ..Default::default() };
    let listed = lanes.tester.call(request).await.unwrap().lanes;
    assert_eq!((listed.len(), listed[0].lob_id.as_str(), listed[0].cases), (2, "", 1));
    assert!(!listed[0].complete && listed[0].owner.is_none());
    let blocks = lanes.status(Phase::DATA_OWNER_ID).await.unmet;
    assert_eq!((blocks.len(), blocks[0].subject.as_str()), (1, "no_lob"));
    assert!(blocks[0].what.contains("names no line of business: revise the samples"));
    let sealed = lanes.seal_all(1).await;
    assert!(sealed.rests_on.is_empty() && sealed.unmet.contains(&blocks[0]));

    // The sample is revised, and the plan with it.
    let lanes = newer(lanes);
    let mended = [case_of("with", Some(LOBS[0])), case_of("without", Some(LOBS[0]))];
    assert_eq!(counts(&lanes.plan(&mended).await.unwrap()), [2, 0, 0, 1, 0]);
    assert_eq!(lacks(&lanes, Phase::DATA_OWNER_ID).await, Vec::<String>::new());
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_plan_of_other_samples_than_the_phase_rests_on_blocks_it() {
    let mut lanes = Lanes::planned(1).await;
    let rested_on = lanes.versions[2];
    lanes.versions[2] = Uuid::now_v7();
    lanes.plan(&Lanes::cases(1)).await.unwrap();
    let told = lacks(&lanes, Phase::DATA_OWNER_ID).await;
    let what =
        "the test cases are planned from another version of Sample Selection: plan them anew";
    assert_eq!(told, [what]);
    lanes.versions[2] = rested_on;
    let plan = lanes.plan(&Lanes::cases(1)).await.unwrap().plan.unwrap();
    assert_eq!(plan.number, 3, "the same cases of another version are another plan");
    assert_eq!(lacks(&lanes, Phase::DATA_OWNER_ID).await, Vec::<String>::new());
}

#[tokio::test]
async fn ids_are_the_same_whatever_the_plan_and_others_in_other_workflows() {
    let (one, other) = (Lanes::planned(1).await, Lanes::planned(1).await);
    let ids = |cases: Vec<wire::TestCase>| {
        cases.into_iter().map(|case| case.test_case_id).collect::<Vec<_>>()
    };
    let (here, there) = (ids(all(&one).await), ids(all(&other).await));
    assert!(here.iter().all(|id| !there.contains(id)));
    let one = newer(one);
    one.plan(&[]).await.unwrap();
    let one = newer(one);
    one.plan(&Lanes::cases(1)).await.unwrap();
    assert_eq!(ids(all(&one).await), here);
}

#[tokio::test]
async fn an_empty_plan_withdraws_all_and_completes_nothing() {
    let lanes = newer(Lanes::planned(1).await);
    assert_eq!(counts(&lanes.plan(&[]).await.unwrap()), [0, 0, 3, 0, 0]);
    assert!(all(&lanes).await.iter().all(|case| case.state() == TestCaseState::Withdrawn));
    for phase in [Phase::DATA_OWNER_ID, Phase::REQUEST_INFO, Phase::TEST_EXECUTION] {
        let told = lacks(&lanes, phase).await;
        assert_eq!(told, ["the plan has no test case: plan them anew"], "{phase:?}");
    }
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_stale_phase_takes_a_new_plan_and_a_sealed_one_none() {
    let lanes = Lanes::planned(1).await;
    let mark = gates::MarkStaleRequest {
        scope: lanes.at(Phase::DATA_OWNER_ID),
        because: Phase::SAMPLE_SELECTION.number(),
        reopening: 1,
        request_id: request_id(),
    };
    lanes.gateway.call_audit(mark).await.unwrap();
    let lanes = newer(lanes);
    lanes.plan(&Lanes::cases(2)).await.unwrap();
    let reason = signoff_contract::workflow::v1::ErrorReason::PhaseStale;
    unmet(lanes.assign(LOBS[0], 150).await, reason);
    assert_eq!(all(&lanes).await.len(), 6);
}
