//! What is asked for.

use signoff_contract::feed::v1 as feed;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{self as shared, ErrorReason};
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::world::whole;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;
use wire::{
    CompareVersionsRequest as Compare, DecisionFilter, GetCurrentVersionRequest as Current,
    GetLineageRequest as Lineage, GetPhaseStatusRequest as Status, GetVersionRequest as Get,
    ListArtifactsRequest as Artifacts, ListDecisionsRequest as Decisions,
    ListVersionsRequest as Versions,
};

use super::{Fault, all_are_named, covers, each_is_named};

fn filter(request: &mut Decisions) -> &mut DecisionFilter {
    request.filter.get_or_insert_default()
}

const GET: &[Fault<Get>] =
    &[("version_id", |r| r.version_id.clear()), ("version_id", |r| r.version_id = "x".to_owned())];

const DECISIONS: &[Fault<Decisions>] = &[
    ("version_id", |r| r.version_id.clear()),
    ("filter.states[0]", |r| filter(r).states = vec![0]),
    ("filter.states[1]", |r| filter(r).states = vec![1, 99]),
    ("filter.sources[0]", |r| filter(r).sources = vec![0]),
    ("filter.sources[1]", |r| filter(r).sources = vec![5, 99]),
    ("filter.item_key_prefix", |r| filter(r).item_key_prefix = "k".repeat(256)),
    ("filter.item_key_prefix", |r| filter(r).item_key_prefix = "\0".to_owned()),
    ("order", |r| r.order = 99),
    ("page_size", |r| r.page_size = -1),
    ("page_token", |r| r.page_token = "x".to_owned()),
];

const LINEAGE: &[Fault<Lineage>] = &[
    ("decision_id", |r| r.decision_id.clear()),
    ("decision_id", |r| r.decision_id = "x".to_owned()),
    ("page_size", |r| r.page_size = -1),
    ("page_token", |r| r.page_token = "x".to_owned()),
];

const COMPARE: &[Fault<Compare>] = &[
    ("version_id", |r| r.version_id = "x".to_owned()),
    ("other_version_id", |r| r.other_version_id.clear()),
    ("page_size", |r| r.page_size = -1),
    ("page_token", |r| r.page_token = "x".to_owned()),
];

const STATUS: &[Fault<Status>] = &[
    ("required_execution_ids", |r| {
        r.required_execution_ids = (0..100_001).map(build::execution_id).collect();
    }),
    ("required_execution_ids[0]", |r| r.required_execution_ids[0].clear()),
    ("required_execution_ids[0]", |r| r.required_execution_ids[0] = "x".to_owned()),
    ("required_execution_ids[1]", |r| {
        r.required_execution_ids.push(r.required_execution_ids[0].clone());
    }),
    ("nothing_required", |r| r.nothing_required = true),
];

const TRAIL: &[Fault<feed::GetTrailRequest>] =
    &[("source", |r| r.source = 2), ("source", |r| r.source = 3), ("source", |r| r.source = 99)];

fn head(sequence: i64, length: usize) -> shared::TrailHead {
    shared::TrailHead { sequence, hash: vec![7; length] }
}

const VERIFY: &[Fault<feed::VerifyTrailRequest>] = &[
    ("source", |r| r.source = 2),
    ("source", |r| r.source = -1),
    ("kept_heads", |r| r.kept_heads = vec![head(1, 32); 1001]),
    ("kept_heads[0].sequence", |r| r.kept_heads = vec![head(0, 32)]),
    ("kept_heads[1].hash", |r| r.kept_heads = vec![head(1, 32), head(1, 31)]),
    ("scope.phase", |r| r.scope.as_mut().unwrap().phase = 4),
];

#[tokio::test]
async fn each_fault_of_a_question_is_named() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let scope = Some(stage.here.clone());
    let version_id = draft.version_id.clone();
    let decision_id = stage.tester.decisions(&draft).await[0].decision_id.clone();
    let tester = &stage.tester;
    let get = Get { scope: scope.clone(), version_id: version_id.clone() };
    each_is_named(&stage, tester, get, GET).await;
    let list =
        Decisions { scope: scope.clone(), version_id: version_id.clone(), ..Default::default() };
    let at_once = [0, 2, 4, 5, 7, 8, 9].map(|at| DECISIONS[at]);
    all_are_named(tester, &list, &at_once).await;
    each_is_named(&stage, tester, list, DECISIONS).await;
    let lineage = Lineage { scope: scope.clone(), decision_id, ..Default::default() };
    all_are_named(tester, &lineage, &LINEAGE[1..]).await;
    each_is_named(&stage, tester, lineage, LINEAGE).await;
    let other_version_id = version_id.clone();
    let compare = Compare { scope, version_id, other_version_id, ..Default::default() };
    all_are_named(tester, &compare, COMPARE).await;
    each_is_named(&stage, tester, compare, COMPARE).await;
    let scope = Some(whole(stage.workflow));
    let trail = feed::GetTrailRequest { scope: scope.clone(), ..Default::default() };
    each_is_named(&stage, tester, trail, TRAIL).await;
    let verify = feed::VerifyTrailRequest { scope, source: 1, ..Default::default() };
    each_is_named(&stage, tester, verify, VERIFY).await;
}

#[tokio::test]
async fn each_fault_of_a_question_for_the_status_is_named() {
    let stage = Stage::of(Phase::OBSERVATION_MANAGEMENT).await;
    let good = Status {
        scope: Some(stage.here.clone()),
        required_execution_ids: vec![build::execution_id(1)],
        ..Default::default()
    };
    all_are_named(&stage.tester, &good, &[STATUS[2], STATUS[4]]).await;
    each_is_named(&stage, &stage.tester, good.clone(), STATUS).await;
    let elsewhere =
        Status { scope: Some(stage.in_phase(Phase::PLANNING)), nothing_required: true, ..good };
    let answer = stage.tester.call(elsewhere).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    let both = ["required_execution_ids", "nothing_required"];
    assert_eq!(fields(&status), both, "Planning covers nothing");
}

#[test]
fn every_field_is_tried() {
    covers(&[GET], &[]);
    covers(&[DECISIONS], &[]);
    covers(&[LINEAGE], &[]);
    covers(&[COMPARE], &[]);
    covers(&[TRAIL], &[]);
    covers(&[VERIFY], &[]);
    covers::<Current>(&[], &[]);
    covers(&[STATUS], &["with_execution_ids"]);
    covers::<Versions>(&[], &[]);
    covers::<Artifacts>(&[], &["include_superseded"]);
}
