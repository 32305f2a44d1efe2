//! Every way to get a report approved that was not signed as it stands.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Role};
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::refusals::refusal;
use signoff_tests::report::SIGNERS;
use signoff_tests::{Stage, build};
use signoff_workflow::{Phase, Role as Held};
use tonic::Code;
use tonic_types::StatusExt as _;
use wire::{SignOffStatus, Version, VersionState};

async fn stage() -> Stage {
    Stage::of(Phase::FINALIZE_TEST_REPORT).await
}

/// Tries to approve a version: what is missing is told, role by role, and it stays submitted.
async fn unsigned(stage: &Stage, version: &Version) -> Vec<String> {
    let refused = stage.executive.approve(version).await;
    let status = refusal(refused, Code::FailedPrecondition, ErrorReason::SignOffsMissing);
    let now = stage.tester.get(version).await.unwrap();
    assert_eq!(now.state(), VersionState::Submitted);
    let unmet = status.get_details_precondition_failure().unwrap().violations;
    unmet.into_iter().map(|one| format!("{}: {}", one.subject, one.description)).collect()
}

/// How each sign-off of a version stands, and why it was voided.
async fn told(stage: &Stage, version: &Version) -> Vec<(SignOffStatus, String)> {
    let all = stage.tester.sign_offs(version).await;
    all.into_iter().map(|one| (one.status(), one.void_reason)).collect()
}

fn voided(why: &str) -> (SignOffStatus, String) {
    (SignOffStatus::Voided, why.to_owned())
}

#[tokio::test]
async fn never_requested_is_not_the_same_as_not_required() {
    let stage = stage().await;
    let version = stage.ruled_report(1).await;
    let missing = ["test_lead", "report_owner", "test_executive"];
    assert_eq!(
        unsigned(&stage, &version).await,
        missing.map(|role| format!("{role}: was never requested"))
    );
}

#[tokio::test]
async fn pending_and_refused_ones_do_not_count() {
    let stage = stage().await;
    let version = stage.ruled_report(1).await;
    let asked = stage.tester.ask(&version, &SIGNERS).await.unwrap();
    stage.owner.decline(&version, &asked[1], "no").await.unwrap();
    stage.executive.sign(&version, &asked[2]).await.unwrap();
    assert_eq!(
        unsigned(&stage, &version).await,
        ["test_lead: waits for user 12", "report_owner: was refused by user 20"]
    );
}

#[tokio::test]
async fn approving_is_not_itself_a_sign_off() {
    let stage = stage().await;
    let version = stage.ruled_report(1).await;
    let asked = stage.tester.ask(&version, &SIGNERS[..2]).await.unwrap();
    stage.lead.sign(&version, &asked[0]).await.unwrap();
    stage.owner.sign(&version, &asked[1]).await.unwrap();
    assert_eq!(unsigned(&stage, &version).await, ["test_executive: was never requested"]);
}

#[tokio::test]
async fn withdrawing_voids_what_was_signed_and_what_was_asked() {
    let stage = stage().await;
    let version = stage.ruled_report(2).await;
    let asked = stage.tester.ask(&version, &SIGNERS).await.unwrap();
    stage.lead.sign(&version, &asked[0]).await.unwrap();
    stage.owner.sign(&version, &asked[1]).await.unwrap();
    stage.tester.withdraw(&version).await.unwrap();
    let why = "the version was withdrawn";
    let all = vec![voided(why); 3];
    assert_eq!(told(&stage, &version).await, all);
    for late in [
        stage.executive.sign(&version, &asked[2]).await,
        stage.lead.sign(&version, &asked[0]).await,
    ] {
        refusal(late, Code::FailedPrecondition, ErrorReason::SignOffState);
    }
    // Not even a resubmission of the very same content brings them back.
    let again = stage.tester.submit(&version).await.unwrap();
    assert_eq!(again.content_digest, version.content_digest);
    let expected = [("test_lead", 12), ("report_owner", 20), ("test_executive", 30)]
        .map(|(role, user)| format!("{role}: of user {user} was voided: {why}"));
    assert_eq!(unsigned(&stage, &version).await, expected);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn what_was_signed_is_not_edited_and_resubmitted() {
    let stage = stage().await;
    let version = stage.ruled_report(2).await;
    let asked = stage.sign_all(&version).await;
    stage.tester.withdraw(&version).await.unwrap();
    let section = stage.tester.decision(&version, "section-0").await;
    let other = build::section(1, "all is well");
    stage.tester.edit(&version, &section, other, "nicer").await.unwrap();
    let again = stage.tester.submit(&version).await.unwrap();
    assert_ne!(again.content_digest, version.content_digest);
    stage.executive.rule_rest(&version, wire::Verdict::Approved).await.unwrap();
    assert_eq!(unsigned(&stage, &version).await.len(), 3);
    let late = stage.lead.sign(&version, &asked[0]).await;
    refusal(late, Code::FailedPrecondition, ErrorReason::SignOffState);
    stage.sign_all(&version).await;
    stage.executive.approve(&version).await.unwrap();
}

#[tokio::test]
async fn a_reviewers_change_voids_what_was_signed_and_leaves_what_was_asked() {
    let stage = stage().await;
    let version = stage.ruled_report(2).await;
    let asked = stage.tester.ask(&version, &SIGNERS).await.unwrap();
    stage.lead.sign(&version, &asked[0]).await.unwrap();
    let section = stage.tester.decision(&version, "section-0").await;
    // Also a change that changes nothing: the signer did not see it.
    let change = modified(&section, section.payload.clone().unwrap(), "as it is");
    let same = stage.executive.rule(&version, vec![change]).await.unwrap();
    assert_eq!(same.content_digest, version.content_digest);
    let pending = (SignOffStatus::Pending, String::new());
    let why = "the reviewer changed what is signed";
    assert_eq!(told(&stage, &version).await, [voided(why), pending.clone(), pending]);
    stage.tester.confirm(&version, &[&section]).await.unwrap();
    // Those that were pending sign what stands now.
    let owners = stage.owner.sign(&version, &asked[1]).await.unwrap();
    assert_eq!(owners.content_digest, same.content_digest);
    stage.executive.sign(&version, &asked[2]).await.unwrap();
    assert_eq!(
        unsigned(&stage, &version).await,
        [format!("test_lead: of user 12 was voided: {why}")]
    );
}

#[tokio::test]
async fn rejecting_a_section_or_taking_it_back_voids_what_was_signed() {
    let stage = stage().await;
    let version = stage.ruled_report(2).await;
    let section = stage.tester.decision(&version, "section-1").await;
    stage.sign_all(&version).await;
    stage.executive.rule(&version, vec![rejected(&section, "out")]).await.unwrap();
    let why = "a ruling changed what is signed";
    assert_eq!(told(&stage, &version).await, vec![voided(why); 3]);
    assert_eq!(unsigned(&stage, &version).await.len(), 3);
    stage.sign_all(&version).await;
    stage.executive.rule(&version, vec![approved(&section)]).await.unwrap();
    assert_eq!(told(&stage, &version).await, vec![voided(why); 6]);
    assert_eq!(unsigned(&stage, &version).await.len(), 3);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn a_ruling_that_changes_nothing_leaves_what_was_signed() {
    let stage = stage().await;
    let version = stage.ruled_report(2).await;
    let section = stage.tester.decision(&version, "section-1").await;
    stage.sign_all(&version).await;
    stage.executive.rule(&version, vec![approved(&section)]).await.unwrap();
    stage.executive.approve(&version).await.unwrap();
}

#[tokio::test]
async fn nobody_signs_for_two_roles() {
    let stage = stage().await;
    let version = stage.ruled_report(1).await;
    let both = stage.person(40, &[Held::TestLead, Held::ReportOwner, Held::TestExecutive]);
    let first = stage.tester.ask(&version, &[(Role::TestLead, 40)]).await.unwrap();
    let second = stage.tester.ask(&version, &[(Role::ReportOwner, 40)]).await.unwrap();
    both.sign(&version, &first[0]).await.unwrap();
    let refused = both.sign(&version, &second[0]).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    // Nor by having it handed over.
    let third = stage.tester.ask(&version, &[(Role::TestExecutive, 30)]).await.unwrap();
    let refused = stage.executive.delegate(&version, &third[0], 40).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    assert_eq!(
        unsigned(&stage, &version).await,
        ["report_owner: waits for user 40", "test_executive: waits for user 30"]
    );
}

#[tokio::test]
async fn signing_twice_is_signing_once() {
    let stage = stage().await;
    let version = stage.ruled_report(1).await;
    let asked = stage.tester.ask(&version, &SIGNERS[..1]).await.unwrap();
    let signed = stage.lead.sign(&version, &asked[0]).await.unwrap();
    let again = stage.lead.sign(&version, &asked[0]).await;
    refusal(again, Code::FailedPrecondition, ErrorReason::SignOffState);
    assert_eq!(stage.tester.sign_offs(&version).await, [signed]);
}

#[tokio::test]
async fn a_delegate_without_the_role_does_not_sign() {
    let stage = stage().await;
    let version = stage.ruled_report(1).await;
    let asked = stage.tester.ask(&version, &SIGNERS[2..]).await.unwrap();
    stage.executive.delegate(&version, &asked[0], 41).await.unwrap();
    for roles in [&[Held::ReportOwner][..], &[Held::TestLead, Held::Tester]] {
        let refused = stage.person(41, roles).sign(&version, &asked[0]).await;
        refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
    stage.person(41, &[Held::TestExecutive]).sign(&version, &asked[0]).await.unwrap();
}

#[tokio::test]
async fn a_sign_off_of_another_version_or_workflow_counts_for_nothing() {
    let (stage, other) = (stage().await, stage().await);
    let version = stage.ruled_report(1).await;
    let foreign = other.ruled_report(1).await;
    let asked = other.tester.ask(&foreign, &SIGNERS[..1]).await.unwrap();
    let refused = stage.lead.sign(&version, &asked[0]).await;
    refusal(refused, Code::NotFound, ErrorReason::NotFound);
    other.sign_all(&foreign).await;
    assert_eq!(unsigned(&stage, &version).await.len(), 3);
    // The line's version before was signed, with the very same content.
    stage.sign_all(&version).await;
    stage.executive.approve(&version).await.unwrap();
    let next = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let next = stage.tester.submit(&next).await.unwrap();
    let signed = stage.tester.get(&version).await.unwrap();
    assert_eq!(next.content_digest, signed.content_digest);
    assert_eq!(unsigned(&stage, &next).await.len(), 3);
}

#[tokio::test]
async fn what_the_signer_read_must_be_what_stands() {
    let stage = stage().await;
    let version = stage.ruled_report(2).await;
    let asked = stage.tester.ask(&version, &SIGNERS).await.unwrap();
    let section = stage.tester.decision(&version, "section-1").await;
    let now = stage.executive.rule(&version, vec![rejected(&section, "out")]).await.unwrap();
    let read = version.content_digest.clone();
    let stale = stage.lead.sign_as_read(&version, &asked[0], read).await;
    let status = refusal(stale, Code::Aborted, ErrorReason::EtagMismatch);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["current_digest"], hex::encode(&now.content_digest));
    let read = now.content_digest.clone();
    stage.lead.sign_as_read(&version, &asked[0], read).await.unwrap();
}
