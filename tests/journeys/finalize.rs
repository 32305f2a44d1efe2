//! The final report through its whole life: written, ruled on, signed, approved, and the document
//! attached.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Role};
use signoff_tests::Stage;
use signoff_tests::acts::{modified, rejected};
use signoff_tests::build;
use signoff_tests::refusals::{faults, refusal};
use signoff_tests::report::{SIGNERS, metadata};
use signoff_workflow::Phase;
use tonic::Code;
use wire::{SignOffStatus, Verdict, Version, VersionState};

async fn stage() -> Stage {
    Stage::of(Phase::FINALIZE_TEST_REPORT).await
}

fn report_of(version: &Version) -> wire::TestReportMetadata {
    match version.metadata.clone().unwrap().kind.unwrap() {
        wire::version_metadata::Kind::FinalizeTestReport(report) => report,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_report_is_written_ruled_on_signed_approved_and_attached() {
    let stage = stage().await;
    let draft = stage.draft(3).await;
    assert_eq!(draft.content_digest, [0; 0]);
    stage.tester.describe(&draft, metadata(None, &["section-0", "section-2"])).await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    assert_eq!(submitted.content_digest.len(), 32);
    let ruled = stage.executive.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    assert_eq!(ruled.content_digest, submitted.content_digest, "nothing was changed");

    let asked = stage.tester.ask(&ruled, &SIGNERS).await.unwrap();
    let told: Vec<_> = asked
        .iter()
        .map(|one| (one.role(), one.user_id, one.status(), one.requested_by, one.date))
        .collect();
    let pending = |(role, user)| (role, user, SignOffStatus::Pending, 10, None);
    assert_eq!(told, SIGNERS.map(pending));
    for sign_off in &asked {
        assert_eq!(sign_off.version_id, ruled.version_id);
        let signer = stage.signer(sign_off.role());
        let digest = ruled.content_digest.clone();
        let signed = signer.sign_as_read(&ruled, sign_off, digest).await.unwrap();
        assert_eq!(signed.status(), SignOffStatus::Signed);
        assert_eq!(signed.content_digest, ruled.content_digest);
        assert_eq!(signed.comments, "as read");
        assert!(signed.date.is_some());
        assert_ne!(signed.etag, sign_off.etag);
    }
    assert_eq!(stage.tester.get(&ruled).await.unwrap(), ruled, "signing leaves the version alone");

    let approved = stage.executive.approve(&ruled).await.unwrap();
    assert_eq!((approved.state(), approved.reviewed_by), (VersionState::Approved, 30));
    assert_eq!(approved.content_digest, ruled.content_digest);
    let artifacts = stage.tester.artifacts(&stage.here, false).await;
    assert_eq!(artifacts[0].artifact_type, "test_report");

    let document = build::attribute_id(7);
    let attached = stage.tester.attach(&approved, &document).await.unwrap();
    assert_eq!(report_of(&attached).final_document_id, document);
    assert_eq!(attached.final_document.as_ref().unwrap().attached_by, 10);
    assert_eq!(stage.tester.current(&stage.here).await.unwrap(), attached);
    let signed = stage.tester.sign_offs(&approved).await;
    assert!(signed.iter().all(|one| one.status() == SignOffStatus::Signed));
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn the_next_report_is_signed_anew() {
    let stage = stage().await;
    let first = stage.signed_report(2).await;
    let next = stage.tester.revise(&stage.here, Stage::sections(2..3)).await.unwrap();
    assert_eq!(next.content_digest, [0; 0]);
    let next = stage.tester.submit(&next).await.unwrap();
    assert_ne!(next.content_digest, first.content_digest);
    stage.executive.rule_rest(&next, Verdict::Approved).await.unwrap();
    let refused = stage.executive.approve(&next).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::SignOffsMissing);
    assert!(stage.tester.sign_offs(&next).await.is_empty());
    stage.sign_all(&next).await;
    stage.executive.approve(&next).await.unwrap();
    assert_eq!(stage.tester.sign_offs(&first).await.len(), 3);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn the_same_content_has_the_same_digest_and_any_change_another() {
    let stage = stage().await;
    let draft = stage.draft(2).await;
    let one = stage.tester.submit(&draft).await.unwrap().content_digest;
    assert_eq!(stage.tester.withdraw(&draft).await.unwrap().content_digest, [0; 0]);
    assert_eq!(stage.tester.submit(&draft).await.unwrap().content_digest, one);
    stage.tester.withdraw(&draft).await.unwrap();
    stage.tester.describe(&draft, metadata(None, &[])).await.unwrap();
    let two = stage.tester.submit(&draft).await.unwrap().content_digest;
    assert_ne!(two, one);
    stage.tester.withdraw(&draft).await.unwrap();
    let section = stage.tester.decision(&draft, "section-1").await;
    stage.tester.edit(&draft, &section, build::section(9, "as written"), "").await.unwrap();
    let three = stage.tester.submit(&draft).await.unwrap().content_digest;
    assert!(three != two && three != one);
}

#[tokio::test]
async fn rulings_move_the_digest_with_what_stands() {
    let stage = stage().await;
    let submitted = stage.submitted(2).await;
    let all = stage.tester.decisions(&submitted).await;
    let without = stage.executive.rule(&submitted, vec![rejected(&all[1], "no")]).await.unwrap();
    assert_ne!(without.content_digest, submitted.content_digest);
    let back = stage.executive.rule_all(&submitted, &all[1..]).await;
    assert_eq!(back.content_digest, submitted.content_digest);
    let change = modified(&all[0], build::section(1, "better"), "clearer");
    let changed = stage.executive.rule(&submitted, vec![change]).await.unwrap();
    assert_ne!(changed.content_digest, submitted.content_digest);
    let confirmed = stage.tester.confirm(&submitted, &[&all[0]]).await.unwrap();
    assert_eq!(confirmed.content_digest, changed.content_digest, "the change stood already");
}

#[tokio::test]
async fn without_executive_approval_the_report_owner_rules_and_approves() {
    let stage = stage().await;
    let draft = stage.draft(2).await;
    stage.tester.describe(&draft, metadata(Some(false), &[])).await.unwrap();
    let version = stage.tester.submit(&draft).await.unwrap();
    let all = stage.tester.decisions(&version).await;
    let refused = stage.executive.rule_rest(&version, Verdict::Approved).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    let refused = stage.executive.rule(&version, vec![rejected(&all[0], "no")]).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    stage.owner.rule_rest(&version, Verdict::Approved).await.unwrap();
    for refused in
        [stage.executive.approve(&version).await, stage.executive.reject(&version, "no").await]
    {
        let status = refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
        let expected = format!("{}: is for its approver: report_owner", version.version_id);
        assert_eq!(faults(&status), [expected]);
    }

    let needless = stage.tester.ask(&version, &SIGNERS).await;
    let status = refusal(needless, Code::InvalidArgument, ErrorReason::ValidationFailed);
    let expected = "assignments[2].role: the version needs no sign-off as test_executive";
    assert_eq!(faults(&status), [expected]);
    let asked = stage.tester.ask(&version, &SIGNERS[..2]).await.unwrap();
    stage.lead.sign(&version, &asked[0]).await.unwrap();
    let refused = stage.owner.approve(&version).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::SignOffsMissing);
    stage.owner.sign(&version, &asked[1]).await.unwrap();
    let approved = stage.owner.approve(&version).await.unwrap();
    assert_eq!(approved.reviewed_by, 20);
    assert_eq!(report_of(&approved).requires_executive_approval, Some(false));
}

#[tokio::test]
async fn with_executive_approval_the_report_owner_only_signs() {
    for executive in [None, Some(true)] {
        let stage = stage().await;
        let draft = stage.draft(1).await;
        stage.tester.describe(&draft, metadata(executive, &[])).await.unwrap();
        let version = stage.tester.submit(&draft).await.unwrap();
        let refused = stage.owner.rule_rest(&version, Verdict::Approved).await;
        refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
        stage.executive.rule_rest(&version, Verdict::Approved).await.unwrap();
        stage.sign_all(&version).await;
        for refused in
            [stage.owner.approve(&version).await, stage.owner.reject(&version, "no").await]
        {
            refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
        }
        stage.executive.approve(&version).await.unwrap();
    }
}

#[tokio::test]
async fn a_rejected_report_asks_nobody_any_more() {
    let stage = stage().await;
    let version = stage.ruled_report(1).await;
    let asked = stage.tester.ask(&version, &SIGNERS[..2]).await.unwrap();
    stage.lead.sign(&version, &asked[0]).await.unwrap();
    stage.executive.reject(&version, "the summary is missing").await.unwrap();
    let all = stage.tester.sign_offs(&version).await;
    assert_eq!(all[0].status(), SignOffStatus::Signed, "what was signed stays signed");
    assert_eq!(all[1].status(), SignOffStatus::Voided);
    assert_eq!(all[1].void_reason, "the version was rejected");
    let late = stage.owner.sign(&version, &asked[1]).await;
    refusal(late, Code::FailedPrecondition, ErrorReason::SignOffState);
    let again = stage.tester.ask(&version, &[(Role::ReportOwner, 20)]).await;
    refusal(again, Code::FailedPrecondition, ErrorReason::VersionState);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}
