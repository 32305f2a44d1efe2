//! What is put forward, edited and taken out.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal, total};
use signoff_tests::{Stage, build};
use tonic::Code;
use uuid::Uuid;
use wire::{
    AddDecisionsRequest as Add, DecisionInput, RemoveDecisionsRequest as Remove,
    UpdateDecisionRequest as Edit,
};

use super::{Fault, all_are_named, covers, each_is_named, free_form, long, longest};

fn first(request: &mut Add) -> &mut DecisionInput {
    &mut request.decisions[0]
}

const ADD: &[Fault<Add>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("version_id", |r| r.version_id = "x".to_owned()),
    ("version_id", |r| r.version_id = r.version_id.replace('-', "")),
    ("decisions", |r| r.decisions.clear()),
    ("decisions", |r| r.decisions = vec![DecisionInput::default(); 10_001]),
    ("decisions[0].item_key", |r| first(r).item_key.clear()),
    ("decisions[0].item_key", |r| first(r).item_key = "k".repeat(256)),
    ("decisions[0].item_key", |r| first(r).item_key = "a\nb".to_owned()),
    ("decisions[0].item_key", |r| first(r).item_key = "a\0".to_owned()),
    ("decisions[0].source", |r| first(r).source = 0),
    ("decisions[0].source", |r| first(r).source = 5),
    ("decisions[0].source", |r| first(r).source = 99),
    ("decisions[0].source", |r| first(r).source = -1),
    ("decisions[0].recommendation_reason", |r| first(r).recommendation_reason = long()),
    ("decisions[0].recommendation_reason", |r| first(r).recommendation_reason = "\0".to_owned()),
    ("decisions[0].payload", |r| first(r).payload = None),
    ("decisions[0].payload", |r| first(r).payload = Some(wire::Payload { kind: None })),
    ("decisions[1].source", |r| r.decisions[1].source = 99),
];

const EDIT: &[Fault<Edit>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("version_id", |r| r.version_id = "x".to_owned()),
    ("decision_id", |r| r.decision_id.clear()),
    ("decision_id", |r| r.decision_id = "x".to_owned()),
    ("payload", |r| r.payload = None),
    ("payload.profiling_rule", |r| r.payload = Some(build::rule(&build::attribute_id(1), "x"))),
    ("modification_reason", |r| r.modification_reason = long()),
    ("modification_reason", |r| r.modification_reason = "\0".to_owned()),
];

const REMOVE: &[Fault<Remove>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("decision_ids", |r| r.decision_ids.clear()),
    ("decision_ids", |r| r.decision_ids = vec![Uuid::nil().to_string(); 10_001]),
    ("decision_ids[0]", |r| r.decision_ids[0].clear()),
    ("decision_ids[0]", |r| r.decision_ids[0] = "x".to_owned()),
    ("decision_ids[1]", |r| r.decision_ids.push(r.decision_ids[0].to_uppercase())),
    ("reason", |r| r.reason = long()),
    ("reason", |r| r.reason = "\0".to_owned()),
];

#[tokio::test]
async fn each_fault_of_items_that_are_put_forward_is_named() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let mut good = Add {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        decisions: build::inputs(5..7),
        request_id: request_id(),
        ..Default::default()
    };
    good.decisions[0].recommendation_reason = longest();
    free_form(&stage.tester, &good, "decisions[0].recommendation_metadata", |r, object| {
        first(r).recommendation_metadata = Some(object);
    })
    .await;
    all_are_named(&stage.tester, &good, &[ADD[1], ADD[6], ADD[10], ADD[13], ADD[15], ADD[17]])
        .await;
    each_is_named(&stage, &stage.tester, good, ADD).await;
}

#[tokio::test]
async fn each_fault_of_an_edit_is_named() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let good = Edit {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        decision_id: stage.tester.decisions(&draft).await[0].decision_id.clone(),
        payload: Some(build::sample("S-000000", "corrected")),
        modification_reason: longest(),
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.tester, &good, &[EDIT[1], EDIT[3], EDIT[5], EDIT[6]]).await;
    each_is_named(&stage, &stage.tester, good, EDIT).await;
}

#[tokio::test]
async fn each_fault_of_a_removal_is_named() {
    let stage = Stage::samples().await;
    let draft = stage.draft(2).await;
    let good = Remove {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        decision_ids: vec![stage.tester.decisions(&draft).await[0].decision_id.clone()],
        reason: longest(),
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.tester, &good, &[REMOVE[0], REMOVE[4], REMOVE[6]]).await;
    each_is_named(&stage, &stage.tester, good, REMOVE).await;
}

#[test]
fn every_field_is_tried() {
    covers(&[ADD], &[]);
    covers(&[EDIT], &[]);
    covers(&[REMOVE], &[]);
}

#[tokio::test]
async fn the_longest_keys_are_taken() {
    let stage = Stage::samples().await;
    let key = "ä".repeat(255);
    let draft = stage.tester.create(&stage.here, vec![build::input(&key, "x")]).await.unwrap();
    assert_eq!(stage.tester.decision(&draft, &key).await.item_key, key);
}

/// Bytes that HTTP/2 counts for the trailers of a refusal: names, values and 32 for each.
fn trailer_bytes(status: &tonic::Status) -> usize {
    let details = status.details().len().div_ceil(3) * 4;
    let message: usize =
        status.message().bytes().map(|byte| if byte.is_ascii_graphic() { 1 } else { 3 }).sum();
    let others: usize = status
        .metadata()
        .iter()
        .map(|entry| match entry {
            tonic::metadata::KeyAndValueRef::Ascii(key, value) => {
                key.as_str().len() + value.len() + 32
            }
            tonic::metadata::KeyAndValueRef::Binary(key, value) => {
                key.as_str().len() + value.as_encoded_bytes().len() + 32
            }
        })
        .sum();
    let own = "grpc-status-details-bin".len() + "grpc-message".len() + "grpc-status".len() + 3 * 32;
    details + message + others + own + 2
}

#[tokio::test]
async fn ten_thousand_faults_fit_into_the_trailers_that_clients_take() {
    let stage = Stage::samples().await;
    let draft = stage.draft(0).await;
    let bad = DecisionInput {
        item_key: "\u{1}".repeat(300),
        source: 99,
        recommendation_reason: "x".repeat(4_001),
        ..Default::default()
    };
    let mut duplicates = build::inputs(0..1);
    let long_key = "日".repeat(255);
    duplicates.extend((0..10_000).map(|_| build::input(&long_key, "x")));
    duplicates.truncate(10_000);
    let answers = [
        (stage.tester.add(&draft, vec![bad; 7_000]).await, Code::InvalidArgument, 28_000),
        (stage.tester.add(&draft, duplicates).await, Code::AlreadyExists, 9_998),
    ];
    for (answer, code, count) in answers {
        let reason = if code == Code::AlreadyExists {
            ErrorReason::ItemExists
        } else {
            ErrorReason::ValidationFailed
        };
        let status = refusal(answer, code, reason);
        assert_eq!(total(&status), count);
        let named = fields(&status).len();
        assert!((1..=50).contains(&named), "{named}");
        assert!(trailer_bytes(&status) < 8 * 1024, "{}", trailer_bytes(&status));
    }
}
