//! Observation Management: fed test by test, through the whole life of its versions.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;
use wire::payload::Kind;
use wire::{DecisionState, Disposition, Observation, Review, Severity, Verdict};

const HERE: Phase = Phase::OBSERVATION_MANAGEMENT;

/// A rejection that accepts the test without a finding.
pub(crate) fn accepted(decision: &wire::Decision, notes: &str) -> Review {
    Review { disposition: Disposition::AcceptedWithoutFinding.into(), ..rejected(decision, notes) }
}

#[tokio::test]
async fn an_observation_comes_back_as_it_was_put() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(3, 0).await;
    let observation = Observation {
        observation_type: wire::ObservationType::ComplianceIssue.into(),
        severity: Severity::Critical.into(),
        observation_data: Some(build::object("expected", "12 months")),
        execution_ids: tested.these(&[1, 2]),
        evidence_references: vec!["doc-7".to_owned(), "page 3".to_owned()],
        remediation_status: "planned".to_owned(),
        remediation_deadline: "2026-12-31".to_owned(),
    };
    let payload = wire::Payload { kind: Some(Kind::Observation(observation)) };
    let item =
        wire::DecisionInput { payload: Some(payload.clone()), ..build::observed("O-1", &[]) };
    let draft = stage.tester.create(&stage.here, vec![item]).await.unwrap();
    let read = stage.tester.decision(&draft, "O-1").await;
    assert_eq!((read.payload.as_ref(), read.recommended_by), (Some(&payload), 10));
    assert!(read.recommended_at.is_some());
    let bare = build::observed("O-2", &[]);
    stage.tester.add(&draft, vec![bare.clone()]).await.unwrap();
    let read = stage.tester.decision(&draft, "O-2").await;
    assert_eq!(read.effective_payload, bare.payload, "an observation may stem from no test");
}

#[tokio::test]
async fn a_submitted_version_takes_new_observations_and_waits_for_their_ruling() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(2, 0).await;
    let submitted = stage.submitted(2).await;
    let ruled = stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    assert_eq!(ruled.counts.unwrap().pending, 0);
    let added = stage.lead.add(&ruled, vec![build::observed("O-9", &tested.these(&[1]))]).await;
    let after = added.unwrap().version.unwrap();
    let counts = after.counts.unwrap();
    assert_eq!((counts.total, counts.pending, counts.approved), (3, 1, 2));
    assert_eq!(after.state(), wire::VersionState::Submitted);
    assert_ne!(after.etag, ruled.etag);
    let late = stage.tester.decision(&after, "O-9").await;
    assert_eq!((late.state(), late.recommended_by), (DecisionState::Pending, 12));

    let early = stage.owner.approve(&after).await;
    refusal(early, Code::FailedPrecondition, ErrorReason::DecisionsPending);
    let doubled = stage.tester.add(&after, vec![build::observed("O-9", &[])]).await;
    refusal(doubled, Code::AlreadyExists, ErrorReason::ItemExists);
    // What is there is changed in a draft only.
    let payload = build::finding(&tested.these(&[1]), Severity::Low);
    let edited = stage.tester.edit(&after, &late, payload, "x").await;
    refusal(edited, Code::FailedPrecondition, ErrorReason::VersionState);
    let removed = stage.tester.remove(&after, &[&late], "x").await;
    refusal(removed, Code::FailedPrecondition, ErrorReason::VersionState);

    stage.owner.rule(&after, vec![approved(&late)]).await.unwrap();
    let approved = stage.owner.approve(&after).await.unwrap();
    assert_eq!(approved.counts.unwrap().approved, 3);
    let closed = stage.tester.add(&approved, vec![build::observed("O-10", &[])]).await;
    refusal(closed, Code::FailedPrecondition, ErrorReason::VersionState);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn nobody_rules_on_what_they_added_to_a_submitted_version() {
    let stage = Stage::of(HERE).await;
    let submitted = stage.submitted(1).await;
    let both =
        stage.person(30, &[signoff_workflow::Role::Tester, signoff_workflow::Role::ReportOwner]);
    both.add(&submitted, vec![build::observed("O-9", &[])]).await.unwrap();
    let own = both.rule_rest(&submitted, Verdict::Approved).await;
    refusal(own, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    let ruled = stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    assert_eq!(ruled.counts.unwrap().approved, 2);
}

#[tokio::test]
async fn a_new_observation_also_comes_into_a_revised_version_under_review() {
    let stage = Stage::of(HERE).await;
    let first = stage.approved(1).await;
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    stage.tester.add(&submitted, vec![build::observed("O-7", &[])]).await.unwrap();
    let withdrawn = stage.tester.withdraw(&submitted).await.unwrap();
    let counts = withdrawn.counts.unwrap();
    assert_eq!((counts.total, counts.carried, counts.pending), (2, 1, 1));
    let submitted = stage.tester.submit(&withdrawn).await.unwrap();
    let second = stage.approve_all(&submitted).await;
    assert_eq!((second.number, second.counts.unwrap().approved), (2, 2));
    let compared = stage.tester.compare(&first, &second).await.counts.unwrap();
    assert_eq!((compared.added, compared.unchanged), (1, 1));
}

#[tokio::test]
async fn a_test_is_accepted_without_a_finding_for_a_reason() {
    let stage = Stage::of(HERE).await;
    let submitted = stage.submitted(3).await;
    let all = stage.tester.decisions(&submitted).await;
    let disposition = Disposition::AcceptedWithoutFinding.into();
    let wrong = vec![
        accepted(&all[0], ""),
        Review { disposition, notes: "why".to_owned(), ..approved(&all[1]) },
        Review { disposition: 99, notes: "why".to_owned(), ..rejected(&all[2], "why") },
    ];
    let status = refusal(
        stage.owner.rule(&submitted, wrong).await,
        Code::InvalidArgument,
        ErrorReason::ValidationFailed,
    );
    let named = ["reviews[0].notes", "reviews[1].disposition", "reviews[2].disposition"];
    assert_eq!(fields(&status), named);

    let reviews = vec![accepted(&all[0], "the data was late"), rejected(&all[1], "no finding")];
    stage.owner.rule(&submitted, reviews).await.unwrap();
    let read = stage.tester.decisions(&submitted).await;
    let told = |n: usize| (read[n].state(), read[n].disposition(), read[n].notes.as_str());
    let accepted = (DecisionState::Rejected, Disposition::AcceptedWithoutFinding);
    assert_eq!(told(0), (accepted.0, accepted.1, "the data was late"));
    assert_eq!(told(1), (DecisionState::Rejected, Disposition::Unspecified, "no finding"));
    // Ruled on again, it is what was said last.
    stage.owner.rule(&submitted, vec![approved(&read[0])]).await.unwrap();
    let again = stage.tester.decision(&submitted, &read[0].item_key).await;
    let plain = (DecisionState::Approved, Disposition::Unspecified);
    assert_eq!((again.state(), again.disposition()), plain);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn versions_of_observations_live_like_those_of_other_phases() {
    let stage = Stage::of(HERE).await;
    let tested = stage.tested(1, 0).await;
    let submitted = stage.submitted(3).await;
    let all = stage.tester.decisions(&submitted).await;
    let changed = build::finding(&tested.these(&[0]), Severity::Low);
    let reviews = vec![
        modified(&all[0], changed.clone(), "less severe"),
        approved(&all[1]),
        accepted(&all[2], "a known limitation"),
    ];
    stage.owner.rule(&submitted, reviews).await.unwrap();
    stage.tester.confirm(&submitted, &[&all[0]]).await.unwrap();
    let first = stage.owner.approve(&submitted).await.unwrap();
    let counts = first.counts.unwrap();
    assert_eq!((counts.approved, counts.modified, counts.rejected), (1, 1, 1));
    let artifact = stage.tester.artifacts(&stage.here, false).await.remove(0);
    assert_eq!((artifact.artifact_type.as_str(), artifact.version_number), ("observations", 1));

    let draft = stage.tester.revise(&stage.here, build::items(HERE, 2..3)).await.unwrap();
    assert_eq!(draft.counts.unwrap().carried, 2, "what was rejected is not carried");
    let carried = stage.tester.decision(&draft, "observation-0").await;
    assert_eq!(carried.effective_payload, Some(changed));
    let again = stage.tester.decision(&draft, "observation-2").await;
    assert_eq!(again.previous_decision_id, all[2].decision_id);
    stage.tester.submit(&draft).await.unwrap();
    let second = stage.owner.reject(&draft, "say more").await.unwrap();
    assert_eq!(stage.tester.current(&stage.here).await.unwrap().version_id, first.version_id);
    stage.tester.delete(&second, "not needed").await.unwrap();
    assert!(stage.tester.verify(stage.workflow).await.intact);
}
