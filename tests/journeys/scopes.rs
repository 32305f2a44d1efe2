//! What belongs to another workflow, phase or version is not found, and nothing of it is told.

use prost::Message as _;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Scope};
use signoff_tests::acts::approved;
use signoff_tests::people::scope;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::{Sent, methods_with};
use signoff_tests::world::whole;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::{Code, Status};
use uuid::Uuid;
use wire::Version;

use crate::changes::{CHANGES, ready};

fn not_found<T: std::fmt::Debug>(answer: Result<T, Status>, ids: &[&str]) {
    let status = refusal(answer, Code::NotFound, ErrorReason::NotFound);
    assert_eq!(fields(&status), ids);
}

/// Ids of versions that are not the stage's: another workflow's, another phase's, nobody's.
async fn foreign(stage: &Stage) -> [String; 3] {
    let other = Stage::samples().await.draft(1).await;
    let mut gateway = stage.gateway.clone();
    gateway.open_phase(stage.workflow, Phase::PLANNING).await;
    let planning = stage.in_phase(Phase::PLANNING);
    let sibling = stage.tester.create(&planning, vec![]).await.unwrap();
    [other.version_id, sibling.version_id, Uuid::now_v7().to_string()]
}

#[tokio::test]
async fn no_change_reaches_a_version_of_another_scope() {
    for method in CHANGES {
        let ready = ready(method).await;
        let field =
            ["version_id", "baseline_version_id"].into_iter().find(|field| ready.sent.has(field));
        let Some(field) = field else { continue };
        for id in foreign(&ready.stage).await {
            let answer = ready.sender().send(&ready.sent.with(field, &id)).await;
            not_found(answer, &[&id]);
        }
    }
}

#[tokio::test]
async fn no_read_reaches_a_version_of_another_scope() {
    let stage = Stage::samples().await;
    let own = stage.draft(2).await;
    let scope = Some(stage.here.clone());
    let version_id = own.version_id.clone();
    let other_version_id = version_id.clone();
    let reads = [
        Sent::of(&wire::GetVersionRequest { scope: scope.clone(), version_id: version_id.clone() }),
        Sent::of(&wire::ListDecisionsRequest {
            scope: scope.clone(),
            version_id: version_id.clone(),
            ..Default::default()
        }),
        Sent {
            path: "/signoff.versioning.v1.VersioningService/ExportDecisions".to_owned(),
            bytes: wire::ExportDecisionsRequest {
                scope: scope.clone(),
                version_id: version_id.clone(),
                filter: None,
            }
            .encode_to_vec(),
        },
        Sent::of(&wire::CompareVersionsRequest {
            scope,
            version_id,
            other_version_id,
            ..Default::default()
        }),
    ];
    for id in foreign(&stage).await {
        for read in &reads {
            stage.tester.send(read).await.unwrap();
            for field in ["version_id", "other_version_id"] {
                if read.has(field) {
                    not_found(stage.tester.send(&read.with(field, &id)).await, &[&id]);
                }
            }
        }
    }
}

#[test]
fn every_method_with_an_id_of_a_version_is_tried() {
    let mut named: Vec<String> = methods_with("version_id");
    named.extend(methods_with("baseline_version_id"));
    let mut named: Vec<&str> = named.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    named.retain(|method| !CHANGES.contains(method));
    named.sort_unstable();
    assert_eq!(
        named,
        [
            "CompareVersions",
            "ExportDecisions",
            "GetVersion",
            "ListDecisions",
            "ListSignOffs",
            "LocateVersion"
        ]
    );
}

/// Tries ids of decisions that are not the version's, wherever one is taken.
async fn no_decision(stage: &Stage, version: &Version, foreign: &wire::Decision) {
    let id = foreign.decision_id.as_str();
    let payload = build::sample(&foreign.item_key, "x");
    not_found(stage.tester.edit(version, foreign, payload, "x").await, &[id]);
    not_found(stage.tester.remove(version, &[foreign], "x").await, &[id]);
    not_found(stage.owner.rule(version, vec![approved(foreign)]).await, &[id]);
    not_found(stage.tester.confirm(version, &[foreign]).await, &[id]);
}

#[tokio::test]
async fn decisions_of_another_scope_or_version_are_not_found() {
    let (stage, other) = (Stage::samples().await, Stage::samples().await);
    let first = stage.approved(2).await;
    let draft = stage.tester.revise(&stage.here, build::inputs(2..3)).await.unwrap();
    let others = other.draft(3).await;
    let elsewhere = other.tester.decision(&others, "S-000002").await;
    let earlier = stage.tester.decision(&first, "S-000000").await;
    let own = stage.tester.decision(&draft, "S-000002").await;
    let nowhere = wire::Decision { decision_id: Uuid::now_v7().to_string(), ..own.clone() };
    stage.tester.remove(&draft, &[&own], "").await.unwrap();
    for foreign in [&elsewhere, &earlier, &nowhere, &own] {
        no_decision_in_a_draft(&stage, &draft, foreign).await;
    }
    let submitted = stage.tester.submit(&draft).await.unwrap();
    for foreign in [&elsewhere, &earlier, &nowhere] {
        no_decision(&stage, &submitted, foreign).await;
    }
    let removed = stage.owner.rule(&submitted, vec![approved(&own)]).await;
    not_found(removed, &[&own.decision_id]);
}

async fn no_decision_in_a_draft(stage: &Stage, draft: &Version, foreign: &wire::Decision) {
    let id = foreign.decision_id.as_str();
    let payload = build::sample(&foreign.item_key, "x");
    not_found(stage.tester.remove(draft, &[foreign], "x").await, &[id]);
    let answer = stage.tester.edit(draft, foreign, payload, "x").await;
    not_found(answer, &[id]);
}

#[tokio::test]
async fn every_id_that_is_not_there_is_named() {
    let stage = Stage::samples().await;
    let draft = stage.draft(2).await;
    let own = stage.tester.decision(&draft, "S-000000").await;
    let missing = |_| wire::Decision { decision_id: Uuid::now_v7().to_string(), ..own.clone() };
    let (one, two) = (missing(1), missing(2));
    let answer = stage.tester.remove(&draft, &[&one, &own, &two], "x").await;
    not_found(answer, &[&one.decision_id, &two.decision_id]);
    assert_eq!(stage.tester.get(&draft).await.unwrap(), draft);
}

#[tokio::test]
async fn a_lineage_is_asked_of_a_decision_that_was_there() {
    let stage = Stage::samples().await;
    let first = stage.approved(1).await;
    let draft = stage.tester.revise(&stage.here, build::inputs(1..2)).await.unwrap();
    let new = stage.tester.decision(&draft, "S-000001").await;
    let lineage = |here: &Scope, decision_id: &str| wire::GetLineageRequest {
        scope: Some(here.clone()),
        decision_id: decision_id.to_owned(),
        ..Default::default()
    };
    stage.tester.call(lineage(&stage.here, &new.decision_id)).await.unwrap();
    let elsewhere = Stage::samples().await;
    let answer = elsewhere.tester.call(lineage(&elsewhere.here, &new.decision_id)).await;
    not_found(answer, &[&new.decision_id]);
    let planning = stage.in_phase(Phase::PLANNING);
    not_found(stage.tester.call(lineage(&planning, &new.decision_id)).await, &[&new.decision_id]);
    let nowhere = Uuid::now_v7().to_string();
    not_found(stage.tester.call(lineage(&stage.here, &nowhere)).await, &[&nowhere]);
    assert_eq!(stage.tester.lineage(&first, &new).await.len(), 1);
}

#[tokio::test]
async fn lists_of_a_scope_hold_nothing_of_another() {
    let (one, other) = (Stage::samples().await, Stage::samples().await);
    let mine = one.approved(1).await;
    other.approved(2).await;
    assert_eq!(one.tester.versions(&one.here).await, [mine]);
    assert_eq!(one.tester.artifacts(&whole(one.workflow), true).await.len(), 1);
    let trail = one.tester.trail_of(one.workflow).await;
    assert!(trail.iter().zip(1..).all(|(record, sequence)| record.sequence == sequence));
    assert_eq!(trail.len(), 6, "begun, opened, created, submitted, reviewed, approved");
}

#[tokio::test]
async fn phases_that_keep_no_versions_say_so() {
    let stage = Stage::samples().await;
    let current = async |phase: i32| {
        let here = Scope { phase, ..stage.here.clone() };
        stage.tester.call(wire::GetCurrentVersionRequest { scope: Some(here) }).await
    };
    for audited in [5, 6, 7] {
        let status =
            refusal(current(audited).await, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["scope.phase"]);
    }
    for served in [1, 2, 3, 4, 8, 9] {
        refusal(current(served).await, Code::NotFound, ErrorReason::NotFound);
    }
    for unknown in [0, 10, -1] {
        let status =
            refusal(current(unknown).await, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["scope.phase"]);
    }
}

#[tokio::test]
async fn a_scope_says_what_is_wrong_with_it() {
    let stage = Stage::samples().await;
    let good = scope(stage.workflow, stage.phase);
    let bad = Scope { cycle_id: "x".to_owned(), report_id: String::new(), phase: 77 };
    let cases: [(Option<Scope>, &[&str]); 5] = [
        (None, &["scope"]),
        (Some(Scope { cycle_id: String::new(), ..good.clone() }), &["scope.cycle_id"]),
        (Some(Scope { report_id: "{}".to_owned(), ..good.clone() }), &["scope.report_id"]),
        (Some(Scope { phase: 0, ..good }), &["scope.phase"]),
        (Some(bad), &["scope.cycle_id", "scope.report_id", "scope.phase"]),
    ];
    for (scope, at_fault) in cases {
        let answer = stage.tester.call(wire::GetCurrentVersionRequest { scope }).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), at_fault);
    }
}
