//! Rulings and confirmations.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::people::request_id;
use signoff_tests::{Stage, build};
use uuid::Uuid;
use wire::{
    ConfirmModificationsRequest as Confirm, RemainingReview, Review, ReviewDecisionsRequest as Rule,
};

use super::{Fault, all_are_named, covers, each_is_named, free_form, long, longest};

fn remaining(request: &mut Rule) -> &mut RemainingReview {
    request.remaining.as_mut().unwrap()
}

/// Of a request whose reviews approve, reject and modify, in this order.
const RULE: &[Fault<Rule>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("version_id", |r| r.version_id = "x".to_owned()),
    ("reviews", |r| {
        r.reviews.clear();
        r.remaining = None;
    }),
    ("reviews", |r| r.reviews = vec![Review::default(); 200_001]),
    ("reviews[0].decision_id", |r| r.reviews[0].decision_id.clear()),
    ("reviews[0].decision_id", |r| r.reviews[0].decision_id = "x".to_owned()),
    ("reviews[1].decision_id", |r| r.reviews[1].decision_id = r.reviews[0].decision_id.clone()),
    ("reviews[0].verdict", |r| r.reviews[0].verdict = 0),
    ("reviews[0].verdict", |r| r.reviews[0].verdict = 99),
    ("reviews[1].notes", |r| r.reviews[1].notes = long()),
    ("reviews[1].notes", |r| r.reviews[1].notes = "\0".to_owned()),
    ("reviews[0].modified_payload", |r| {
        r.reviews[0].modified_payload = r.reviews[2].modified_payload.clone();
    }),
    ("reviews[0].modification_reason", |r| r.reviews[0].modification_reason = "why".to_owned()),
    ("reviews[2].modified_payload", |r| r.reviews[2].modified_payload = None),
    ("reviews[2].modified_payload.scoping_decision", |r| {
        let other = build::scoping(&build::attribute_id(1), true, "x");
        r.reviews[2].modified_payload = Some(other);
    }),
    ("reviews[2].modified_payload.sample.sample_type", |r| {
        if let Some(wire::payload::Kind::Sample(sample)) =
            &mut r.reviews[2].modified_payload.as_mut().unwrap().kind
        {
            sample.sample_type = 99;
        }
    }),
    ("reviews[2].modification_reason", |r| r.reviews[2].modification_reason.clear()),
    ("reviews[2].modification_reason", |r| r.reviews[2].modification_reason = long()),
    ("reviews[1].disposition", |r| r.reviews[1].disposition = 1),
    // On an observation it needs notes, too: tests/journeys/observations.rs.
    ("reviews[1].disposition", |r| r.reviews[1].disposition = 99),
    ("remaining.verdict", |r| remaining(r).verdict = 0),
    ("remaining.verdict", |r| remaining(r).verdict = wire::Verdict::Modified.into()),
    ("remaining.verdict", |r| remaining(r).verdict = 99),
    ("remaining.notes", |r| remaining(r).notes = long()),
    ("remaining.notes", |r| remaining(r).notes = "\0".to_owned()),
];

const CONFIRM: &[Fault<Confirm>] = &[
    ("version_id", |r| r.version_id = "x".to_owned()),
    ("decision_ids", |r| r.decision_ids.clear()),
    ("decision_ids", |r| r.decision_ids = vec![Uuid::nil().to_string(); 10_001]),
    ("decision_ids[0]", |r| r.decision_ids[0] = "x".to_owned()),
    ("decision_ids[1]", |r| r.decision_ids.push(r.decision_ids[0].clone())),
];

#[tokio::test]
async fn each_fault_of_a_review_is_named() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(4).await;
    let all = stage.tester.decisions(&submitted).await;
    let good = Rule {
        scope: submitted.scope.clone(),
        version_id: submitted.version_id.clone(),
        reviews: vec![
            approved(&all[0]),
            rejected(&all[1], &longest()),
            modified(&all[2], build::sample("S-000002", "changed"), &longest()),
        ],
        remaining: Some(RemainingReview {
            verdict: wire::Verdict::Approved.into(),
            notes: longest(),
        }),
        request_id: request_id(),
        ..Default::default()
    };
    free_form(
        &stage.owner,
        &good,
        "reviews[2].modified_payload.sample.sample_data",
        |r, object| {
            if let Some(wire::payload::Kind::Sample(sample)) =
                &mut r.reviews[2].modified_payload.as_mut().unwrap().kind
            {
                sample.sample_data = Some(object);
            }
        },
    )
    .await;
    let several = [1, 5, 8, 9, 12, 14, 16, 19, 20, 23].map(|i: usize| RULE[i]);
    // Without a verdict, what goes with one is not looked at.
    let several: Vec<Fault<Rule>> =
        several.into_iter().filter(|(path, _)| *path != "remaining.notes").collect();
    all_are_named(&stage.owner, &good, &several).await;
    each_is_named(&stage, &stage.owner, good, RULE).await;
}

#[tokio::test]
async fn each_fault_of_a_confirmation_is_named() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(1).await;
    let all = stage.tester.decisions(&submitted).await;
    let change = modified(&all[0], build::sample("S-000000", "changed"), "typo");
    stage.owner.rule(&submitted, vec![change]).await.unwrap();
    let good = Confirm {
        scope: submitted.scope.clone(),
        version_id: submitted.version_id.clone(),
        decision_ids: vec![all[0].decision_id.clone()],
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.tester, &good, &[CONFIRM[0], CONFIRM[3]]).await;
    each_is_named(&stage, &stage.tester, good, CONFIRM).await;
}

#[test]
fn every_field_is_tried() {
    covers(&[RULE], &[]);
    covers(&[CONFIRM], &[]);
}
