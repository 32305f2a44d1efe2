//! What the gateway says at the gates of phases.

use shared::{ErrorReason, Foundation, TrailHead};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;
use wire::{
    BeginOpenRequest as Begin, BeginReopenRequest as BeginReopen, CloseWorkflowRequest as Close,
    FenceRequest as Fence, FinishReopenRequest as Finish, MarkStaleRequest as Mark,
    OpenRequest as Open, ReleaseSealRequest as Release, SealRequest as Seal,
};

use super::{Fault, all_are_named, covers, each_is_named};

const OPEN: &[Fault<Open>] = &[
    ("attempt", |r| r.attempt = 0),
    ("attempt", |r| r.attempt = -1),
    ("rests_on", |r| r.rests_on.clear()),
    ("rests_on[0].phase", |r| r.rests_on[0].phase = 0),
    ("rests_on[0].phase", |r| r.rests_on[0].phase = 99),
    ("rests_on[0].version_id", |r| r.rests_on[0].version_id = "x".to_owned()),
    ("rests_on[0].trail_head", |r| {
        r.rests_on[0].trail_head = Some(TrailHead { sequence: -1, hash: vec![0; 32] });
    }),
    ("rests_on[0].trail_head", |r| {
        r.rests_on[0].trail_head = Some(TrailHead { sequence: 1, hash: vec![0; 31] });
    }),
];

const FENCE: &[Fault<Fence>] = &[
    ("attempt", |r| r.attempt = 0),
    ("attempt", |r| r.attempt = i64::MIN),
    ("attempt", |r| r.attempt += 1),
    ("attempt", |r| r.attempt = i64::MAX),
];

const SEAL: &[Fault<Seal>] = &[
    ("phases[0]", |r| r.phases = vec![99, 1]),
    ("phases[1]", |r| r.phases = vec![1, 1]),
    ("scope.phase", |r| r.phases = vec![2]),
    ("phases", |r| r.scope.as_mut().unwrap().phase = 0),
    ("holder", |r| r.holder = 0),
    ("holder", |r| r.holder = 99),
    ("holder", |r| r.holder = 1),
    ("attempt", |r| r.attempt = 0),
];

const RELEASE: &[Fault<Release>] = &[
    ("holder", |r| r.holder = 0),
    ("holder", |r| r.holder = 99),
    ("up_to_attempt", |r| r.up_to_attempt = 0),
];

#[tokio::test]
async fn each_fault_of_opening_and_fencing_is_named() {
    let stage = Stage::closed(Phase::DATA_PROFILING).await;
    let scope = Some(stage.here.clone());
    let attempt = stage.begin(&stage.here).await.unwrap();
    let rests_on = vec![Foundation { phase: 1, ..Default::default() }];
    let good = Open { scope: scope.clone(), attempt, rests_on, request_id: request_id() };
    all_are_named(&stage.gateway, &good, &[OPEN[0], OPEN[4], OPEN[5], OPEN[7]]).await;
    each_is_named(&stage, &stage.gateway, good, OPEN).await;
    let good = Fence { scope, attempt, request_id: request_id() };
    each_is_named(&stage, &stage.gateway, good, FENCE).await;
}

#[tokio::test]
async fn each_fault_of_sealing_and_releasing_is_named() {
    let stage = Stage::of(Phase::PLANNING).await;
    stage.approved(1).await;
    let scope = Some(stage.here.clone());
    let holder = 2;
    let good = Seal {
        scope: scope.clone(),
        holder,
        attempt: 1,
        request_id: request_id(),
        ..Default::default()
    };
    all_are_named(&stage.gateway, &good, &[SEAL[5], SEAL[7]]).await;
    each_is_named(&stage, &stage.gateway, good, SEAL).await;
    let good = Release { scope, holder, up_to_attempt: 1, request_id: request_id() };
    all_are_named(&stage.gateway, &good, &[RELEASE[1], RELEASE[2]]).await;
    each_is_named(&stage, &stage.gateway, good, RELEASE).await;
}

const REQUIRED: &[Fault<Seal>] = &[
    ("required_execution_ids", |r| {
        r.required_execution_ids = (0..100_001).map(build::execution_id).collect();
    }),
    ("required_execution_ids[0]", |r| r.required_execution_ids[0].clear()),
    ("required_execution_ids[0]", |r| r.required_execution_ids[0] = "x".to_owned()),
    ("required_execution_ids[1]", |r| {
        r.required_execution_ids.push(r.required_execution_ids[0].clone());
    }),
];

const BEGIN_REOPEN: &[Fault<BeginReopen>] = &[
    ("reason", |r| r.reason.clear()),
    ("reason", |r| r.reason = super::long()),
    ("reason", |r| r.reason = "\0".to_owned()),
];

const MARK: &[Fault<Mark>] = &[
    ("because", |r| r.because = 0),
    ("because", |r| r.because = 99),
    ("because", |r| r.because = 3),
    ("because", |r| r.because = 4),
    ("because", |r| r.because = 9),
    ("reopening", |r| r.reopening = 0),
    ("reopening", |r| r.reopening = i64::MIN),
];

const FINISH: &[Fault<Finish>] =
    &[("reopening", |r| r.reopening = 0), ("reopening", |r| r.reopening = -1)];

const CLOSE: &[Fault<Close>] = &[
    ("reason", |r| r.reason.clear()),
    ("reason", |r| r.reason = super::long()),
    ("scope.phase", |r| r.scope.as_mut().unwrap().phase = 3),
];

#[tokio::test]
async fn each_fault_of_reopening_and_closing_is_named() {
    let stage = Stage::of(Phase::SCOPING).await;
    let scope = Some(stage.here.clone());
    let good = Mark { scope: scope.clone(), because: 1, reopening: 1, request_id: request_id() };
    all_are_named(&stage.gateway, &good, &[MARK[0], MARK[5]]).await;
    each_is_named(&stage, &stage.gateway, good, MARK).await;
    let attempt = stage.begin_again(&stage.here).await.unwrap();
    stage
        .open(&stage.here, attempt, vec![Foundation { phase: 2, ..Default::default() }])
        .await
        .unwrap();
    let reason = super::longest();
    let good =
        BeginReopen { scope: scope.clone(), reason: reason.clone(), request_id: request_id() };
    each_is_named(&stage, &stage.gateway, good, BEGIN_REOPEN).await;
    let good = Finish { scope, reopening: 1, request_id: request_id() };
    each_is_named(&stage, &stage.gateway, good, FINISH).await;
    let scope = Some(signoff_tests::world::whole(stage.workflow));
    each_is_named(&stage, &stage.gateway, Close { scope, reason, request_id: request_id() }, CLOSE)
        .await;
}

#[tokio::test]
async fn each_fault_of_what_must_be_covered_is_named() {
    let stage = Stage::of(Phase::OBSERVATION_MANAGEMENT).await;
    let good = Seal {
        scope: Some(stage.here.clone()),
        holder: 9,
        attempt: 1,
        required_execution_ids: vec![build::execution_id(1)],
        request_id: request_id(),
        ..Default::default()
    };
    each_is_named(&stage, &stage.gateway, good.clone(), REQUIRED).await;
    let status = refusal(
        stage
            .gateway
            .call(Seal { scope: Some(stage.in_phase(Phase::PLANNING)), holder: 2, ..good })
            .await,
        Code::InvalidArgument,
        ErrorReason::ValidationFailed,
    );
    assert_eq!(fields(&status), ["required_execution_ids"], "Planning covers nothing");
}

#[test]
fn every_field_is_tried() {
    covers::<Begin>(&[], &["reaffirm"]);
    covers(&[OPEN], &[]);
    covers(&[FENCE], &[]);
    covers(&[SEAL, REQUIRED], &[]);
    covers(&[BEGIN_REOPEN], &[]);
    covers(&[MARK], &[]);
    covers(&[FINISH], &[]);
    covers(&[CLOSE], &[]);
    covers(&[RELEASE], &[]);
}
