//! Facts that outlive approval: how far a remedy is, and the rendered document.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{self as shared, ErrorReason};
use signoff_tests::acts::rejected;
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;
use wire::{Verdict, VersionState};

async fn observations() -> Stage {
    Stage::of(Phase::OBSERVATION_MANAGEMENT).await
}

async fn report() -> Stage {
    Stage::of(Phase::FINALIZE_TEST_REPORT).await
}

#[tokio::test]
async fn a_remedy_begins_with_what_was_approved_and_keeps_its_history() {
    let stage = observations().await;
    let version = stage.approved(2).await;
    let all = stage.tester.decisions(&version).await;
    assert_eq!(all[0].remediation, None);
    let first = stage.owner.remedy(&version, &all[0], Some("under way"), None, "0").await.unwrap();
    let first = first.remediation.unwrap();
    assert_eq!(first.remediation_status, "under way");
    assert_eq!(first.remediation_deadline, "2027-03-31", "as it was approved");
    assert_eq!((first.reason.as_str(), first.updated_by), ("as agreed", 20));
    let later = Some("2027-06-30");
    let second = stage.lead.remedy(&version, &all[0], None, later, &first.etag).await.unwrap();
    let second = second.remediation.unwrap();
    assert_eq!(second.remediation_status, "under way", "what is left out stays");
    assert_eq!(second.remediation_deadline, "2027-06-30");
    let third = stage.owner.remedy(&version, &all[0], Some("done"), Some(""), "").await.unwrap();
    let third = third.remediation.unwrap();
    assert_eq!(third.remediation_deadline, "", "no deadline any more");

    let now = stage.tester.decisions(&version).await;
    assert_eq!(now[0].remediation.as_ref(), Some(&third));
    assert_eq!(now[0].payload, all[0].payload, "what was approved stays as it was");
    assert_eq!(now[1], all[1]);
    assert_eq!(stage.tester.get(&version).await.unwrap(), version);
    let lineage = wire::GetLineageRequest {
        scope: version.scope.clone(),
        decision_id: all[0].decision_id.clone(),
        ..Default::default()
    };
    let lineage = stage.tester.call(lineage).await.unwrap();
    assert_eq!(lineage.remediations, [third.clone(), second, first]);
    assert_eq!(lineage.entries[0].decision.as_ref().unwrap().remediation, Some(third));
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn a_remedy_is_seen_in_every_version_that_holds_the_observation() {
    let stage = observations().await;
    let first = stage.approved(1).await;
    let second = stage.next(build::items(stage.phase, 1..2)).await;
    let old = stage.tester.decision(&first, "observation-0").await;
    stage.owner.remedy(&first, &old, Some("by way of version 1"), None, "").await.unwrap();
    let new = stage.tester.decision(&second, "observation-0").await;
    assert_eq!(new.remediation.unwrap().remediation_status, "by way of version 1");
    let answered = stage.owner.remedy(&second, &old, Some("done"), None, "1").await.unwrap();
    assert_eq!(answered.version_number, 1, "the decision that was named");
    let differences = stage.tester.compare(&first, &second).await.differences;
    assert_eq!(differences.len(), 1, "a remedy is no difference");
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let carried = stage.tester.decision(&draft, "observation-0").await;
    assert_eq!(carried.remediation.unwrap().remediation_status, "done");
}

#[tokio::test]
async fn a_remedy_needs_an_approved_observation_of_a_version_that_was_approved() {
    let stage = observations().await;
    let draft = stage.draft(2).await;
    let all = stage.tester.decisions(&draft).await;
    let tried = |which: usize| stage.owner.remedy(&draft, &all[which], Some("x"), None, "");
    refusal(tried(0).await, Code::FailedPrecondition, ErrorReason::VersionState);
    stage.tester.submit(&draft).await.unwrap();
    refusal(tried(0).await, Code::FailedPrecondition, ErrorReason::VersionState);
    stage.owner.rule(&draft, vec![rejected(&all[1], "no finding")]).await.unwrap();
    stage.owner.rule_rest(&draft, Verdict::Approved).await.unwrap();
    stage.owner.approve(&draft).await.unwrap();
    refusal(tried(1).await, Code::FailedPrecondition, ErrorReason::VersionState);
    tried(0).await.unwrap();
    let nowhere = wire::Decision { decision_id: request_id(), ..Default::default() };
    let refused = stage.owner.remedy(&draft, &nowhere, Some("x"), None, "").await;
    refusal(refused, Code::NotFound, ErrorReason::NotFound);
    let other = observations().await;
    let foreign = other.tester.decisions(&other.approved(1).await).await;
    let refused = stage.owner.remedy(&draft, &foreign[0], Some("x"), None, "").await;
    refusal(refused, Code::NotFound, ErrorReason::NotFound);
}

#[tokio::test]
async fn a_remedy_needs_no_reopening() {
    let stage = observations().await;
    let version = stage.approved(1).await;
    let decision = stage.tester.decision(&version, "observation-0").await;
    let holder = shared::Phase::FinalizeTestReport.into();
    let phase = shared::Phase::ObservationManagement.into();
    stage.seal(&[phase], holder, 1).await.unwrap();
    let refused = stage.tester.revise(&stage.here, vec![]).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::PhaseSealed);
    stage.owner.remedy(&version, &decision, Some("done"), None, "0").await.unwrap();
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn only_observations_have_remedies() {
    let stage = Stage::samples().await;
    let version = stage.approved(1).await;
    let decision = stage.tester.decision(&version, "S-000000").await;
    let refused = stage.owner.remedy(&version, &decision, Some("x"), None, "").await;
    let status = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["scope.phase"]);
}

#[tokio::test]
async fn a_document_is_attached_once() {
    let stage = report().await;
    let version = stage.signed_report(1).await;
    let (one, other) = (build::attribute_id(1), build::attribute_id(2));
    let attached = stage.lead.attach(&version, &one).await.unwrap();
    let document = attached.final_document.clone().unwrap();
    assert_eq!((document.document_id.as_str(), document.sha256), (one.as_str(), vec![7; 32]));
    assert_eq!((document.attached_by, attached.etag.as_str()), (12, version.etag.as_str()));
    for again in [&one, &other] {
        let refused = stage.tester.attach(&version, again).await;
        refusal(refused, Code::FailedPrecondition, ErrorReason::VersionState);
    }
    assert_eq!(stage.tester.get(&version).await.unwrap(), attached);
    assert_eq!(stage.tester.versions(&stage.here).await, [attached]);
}

#[tokio::test]
async fn a_document_is_of_the_approved_version_only() {
    let stage = report().await;
    let version = stage.ruled_report(1).await;
    let id = build::attribute_id(1);
    let refused = stage.tester.attach(&version, &id).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::VersionState);
    stage.sign_all(&version).await;
    stage.executive.approve(&version).await.unwrap();
    let next = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let next = stage.tester.submit(&next).await.unwrap();
    stage.sign_all(&next).await;
    let approved = stage.executive.approve(&next).await.unwrap();
    let superseded = stage.tester.get(&version).await.unwrap();
    assert_eq!(superseded.state(), VersionState::Superseded);
    let refused = stage.tester.attach(&superseded, &id).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::VersionState);
    stage.tester.attach(&approved, &id).await.unwrap();
}

#[tokio::test]
async fn phases_without_sign_offs_have_no_document() {
    let stage = Stage::samples().await;
    let version = stage.approved(1).await;
    let refused = stage.tester.attach(&version, &build::attribute_id(1)).await;
    let status = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["scope.phase"]);
}
