//! What the gateway says at the gates of phases.

use shared::{Foundation, TrailHead};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::Stage;
use signoff_tests::people::request_id;
use signoff_workflow::Phase;
use wire::{
    BeginOpenRequest as Begin, FenceRequest as Fence, OpenRequest as Open,
    ReleaseSealRequest as Release, SealRequest as Seal,
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

#[test]
fn every_field_is_tried() {
    covers::<Begin>(&[], &["reaffirm"]);
    covers(&[OPEN], &[]);
    covers(&[FENCE], &[]);
    covers(&[SEAL], &[]);
    covers(&[RELEASE], &[]);
}
