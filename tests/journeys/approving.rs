//! Rules 4, 6 and 14: approval, what it supersedes, the registry of artifacts, and two times.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Origin};
use signoff_tests::acts::rejected;
use signoff_tests::people::request_id;
use signoff_tests::reads::when;
use signoff_tests::refusals::{reason, refusal};
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;
use tonic_types::StatusExt as _;
use wire::{Verdict, VersionState};

#[tokio::test]
async fn a_version_with_pending_decisions_is_not_approved() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    let decision = stage.tester.decision(&submitted, "S-000000").await;
    for _ in 0..2 {
        let status = refusal(
            stage.owner.approve(&submitted).await,
            Code::FailedPrecondition,
            ErrorReason::DecisionsPending,
        );
        let unmet = status.get_details_precondition_failure().unwrap().violations;
        assert_eq!(unmet[0].subject, submitted.version_id);
        stage.owner.rule(&submitted, vec![rejected(&decision, "no")]).await.unwrap();
    }
}

#[tokio::test]
async fn a_version_with_nothing_approved_is_not_approved() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    stage.owner.rule_rest(&submitted, Verdict::Rejected).await.unwrap();
    let refused = stage.owner.approve(&submitted).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::NothingApproved);
    let empty = Stage::samples().await;
    let submitted = empty.submitted(0).await;
    let refused = empty.owner.approve(&submitted).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::NothingApproved);
    empty.owner.reject(&submitted, "there is nothing in it").await.unwrap();
}

#[tokio::test]
async fn approving_says_who_when_and_why() {
    let stage = Stage::samples().await;
    let approved = stage.approved(2).await;
    assert_eq!(approved.state(), VersionState::Approved);
    assert_eq!((approved.created_by, approved.submitted_by, approved.reviewed_by), (10, 10, 20));
    assert_eq!(approved.review_notes, "fine");
    assert_eq!(approved.approved_version_id, approved.version_id);
    let times = [approved.created_at, approved.submitted_at, approved.reviewed_at];
    assert!(times.map(when).is_sorted());
    assert_eq!(approved.updated_at, approved.reviewed_at);
}

#[tokio::test]
async fn a_later_approval_supersedes_the_earlier_one() {
    let stage = Stage::samples().await;
    let first = stage.approved(1).await;
    let second = stage.next(build::inputs(1..2)).await;
    let superseded = stage.tester.get(&first).await.unwrap();
    assert_eq!(superseded.state(), VersionState::Superseded);
    assert_eq!(superseded.superseded_by_version_id, second.version_id);
    assert_eq!(superseded.superseded_at, second.reviewed_at);
    assert_eq!(superseded.approved_version_id, second.version_id);
    assert_eq!(superseded.counts, first.counts);
    assert_ne!(superseded.etag, first.etag);
    assert_eq!(stage.tester.current(&stage.here).await.unwrap(), second);
}

#[tokio::test]
async fn a_phase_without_an_approved_version_has_no_current_one() {
    let stage = Stage::samples().await;
    let none = |answer| refusal(answer, Code::NotFound, ErrorReason::NotFound);
    none(stage.tester.current(&stage.here).await);
    let first = stage.rejected(1).await;
    none(stage.tester.current(&stage.here).await);
    assert_eq!(stage.tester.get(&first).await.unwrap().approved_version_id, "");
    let second = stage.next(vec![]).await;
    assert_eq!(stage.tester.current(&stage.here).await.unwrap(), second);
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    assert_eq!(draft.approved_version_id, second.version_id);
    stage.tester.submit(&draft).await.unwrap();
    stage.owner.reject(&draft, "no").await.unwrap();
    assert_eq!(
        stage.tester.current(&stage.here).await.unwrap(),
        second,
        "a rejection changes nothing"
    );
}

#[tokio::test]
async fn the_registry_keeps_what_was_approved_before() {
    let stage = Stage::samples().await;
    assert_eq!(stage.tester.artifacts(&stage.here, true).await, []);
    let first = stage.approved(1).await;
    let second = stage.next(build::inputs(1..2)).await;
    let current = stage.tester.artifacts(&stage.here, false).await;
    assert_eq!(
        current,
        [wire::Artifact {
            artifact_type: "samples".to_owned(),
            phase: Phase::SAMPLE_SELECTION.number(),
            version_id: second.version_id.clone(),
            version_number: 2,
            approved_at: second.reviewed_at,
            approved_by: 20,
            notes: "fine".to_owned(),
            superseded_at: None,
        }]
    );
    let all = stage.tester.artifacts(&stage.here, true).await;
    assert_eq!(all.len(), 2);
    assert_eq!((&all[0].version_id, all[0].superseded_at), (&first.version_id, second.reviewed_at));
    assert_eq!(all[1], current[0]);
}

#[tokio::test]
async fn the_registry_of_a_workflow_lists_all_its_phases_in_the_order_of_their_approvals() {
    let samples = Stage::samples().await;
    samples.approved(1).await;
    let planning = samples.in_phase(Phase::PLANNING);
    samples.gateway.clone().open_phase(samples.workflow, Phase::PLANNING).await;
    let items = build::items(Phase::PLANNING, 0..1);
    let draft = samples.tester.create(&planning, items).await.unwrap();
    samples.tester.submit(&draft).await.unwrap();
    samples.lead.rule_rest(&draft, Verdict::Approved).await.unwrap();
    samples.lead.approve(&draft).await.unwrap();
    let whole = signoff_tests::world::whole(samples.workflow);
    let types = |all: Vec<wire::Artifact>| {
        all.into_iter().map(|one| (one.artifact_type, one.phase)).collect::<Vec<_>>()
    };
    let all = types(samples.tester.artifacts(&whole, false).await);
    assert_eq!(all, [("samples".to_owned(), 4), ("attributes".to_owned(), 1)]);
    let one = types(samples.tester.artifacts(&planning, false).await);
    assert_eq!(one, [("attributes".to_owned(), 1)]);
}

#[tokio::test]
async fn rejecting_needs_notes_and_keeps_the_rulings() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    let status = stage.owner.reject(&submitted, " ").await.unwrap_err();
    assert_eq!(reason(&status), "VALIDATION_FAILED");
    let rejected = stage.owner.reject(&submitted, "ten more, please").await.unwrap();
    assert_eq!(rejected.review_notes, "ten more, please");
    assert_eq!(rejected.counts.unwrap().approved, 2);
}

#[tokio::test]
async fn headers_rulings_and_records_know_two_times_and_an_origin() {
    let stage = Stage::samples().await;
    let approved = stage.approved(1).await;
    assert_eq!(approved.origin(), Origin::Native);
    assert!(approved.occurred_at.is_some() && approved.occurred_at == approved.recorded_at);
    let decision = stage.tester.decision(&approved, "S-000000").await;
    assert_eq!(decision.origin(), Origin::Native);
    assert_eq!(
        (decision.occurred_at, decision.recorded_at),
        (decision.decided_at, decision.decided_at)
    );
    for record in stage.tester.trail_of(stage.workflow).await {
        assert_eq!(record.origin(), Origin::Native);
        assert!(record.occurred_at.is_some() && record.occurred_at == record.recorded_at);
    }
}

#[tokio::test]
async fn notes_of_every_step_are_kept() {
    let stage = Stage::samples().await;
    let scope = Some(stage.here.clone());
    let created = stage
        .tester
        .call(wire::CreateVersionRequest {
            scope: scope.clone(),
            request_id: request_id(),
            notes: "a first draw".to_owned(),
            phase_data: Some(build::object("k", "v")),
            decisions: build::inputs(0..1),
            ..Default::default()
        })
        .await
        .unwrap()
        .version
        .unwrap();
    assert_eq!(created.phase_data, Some(build::object("k", "v")));
    let submitted = stage
        .tester
        .call(wire::SubmitVersionRequest {
            scope,
            request_id: request_id(),
            version_id: created.version_id,
            notes: "please look".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap()
        .version
        .unwrap();
    let notes = (submitted.creation_notes.as_str(), submitted.submission_notes.as_str());
    assert_eq!(notes, ("a first draw", "please look"));
}
