//! Sign-offs: asked for, given, refused, handed on and voided.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Role};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{faults, fields, refusal};
use signoff_tests::report::SIGNERS;
use signoff_tests::{Person, Stage};
use signoff_workflow::{Phase, Role as Held};
use tonic::Code;
use wire::{SignOff, SignOffStatus, Version};

async fn report() -> (Stage, Version) {
    let stage = Stage::of(Phase::FINALIZE_TEST_REPORT).await;
    let version = stage.ruled_report(2).await;
    (stage, version)
}

async fn ask_one(stage: &Stage, version: &Version, role: Role, user_id: i64) -> SignOff {
    stage.tester.ask(version, &[(role, user_id)]).await.unwrap().swap_remove(0)
}

fn statuses(all: &[SignOff]) -> Vec<(Role, i64, SignOffStatus)> {
    all.iter().map(|one| (one.role(), one.user_id, one.status())).collect()
}

#[tokio::test]
async fn asking_anew_takes_the_place_of_a_pending_request() {
    let (stage, version) = report().await;
    let first = ask_one(&stage, &version, Role::TestLead, 13).await;
    let second = ask_one(&stage, &version, Role::TestLead, 12).await;
    let all = stage.tester.sign_offs(&version).await;
    let expected =
        [(Role::TestLead, 13, SignOffStatus::Voided), (Role::TestLead, 12, SignOffStatus::Pending)];
    assert_eq!(statuses(&all), expected);
    assert_eq!(all[0].void_reason, "asked anew");
    assert!(all[0].voided_at.is_some());
    let late = stage.person(13, &[Held::TestLead]).sign(&version, &first).await;
    refusal(late, Code::FailedPrecondition, ErrorReason::SignOffState);
    stage.lead.sign(&version, &second).await.unwrap();
    let again = stage.tester.ask(&version, &[(Role::TestLead, 13)]).await;
    refusal(again, Code::FailedPrecondition, ErrorReason::SignOffState);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn a_refusal_is_seen_and_somebody_is_asked_again() {
    let (stage, version) = report().await;
    let asked = ask_one(&stage, &version, Role::ReportOwner, 20).await;
    let declined = stage.owner.decline(&version, &asked, "the figures differ").await.unwrap();
    assert_eq!(declined.status(), SignOffStatus::Rejected);
    assert_eq!(declined.comments, "the figures differ");
    assert!(declined.date.is_some() && declined.content_digest.is_empty());
    for late in [
        stage.owner.sign(&version, &asked).await,
        stage.owner.decline(&version, &asked, "still").await,
        stage.owner.delegate(&version, &asked, 21).await,
    ] {
        refusal(late, Code::FailedPrecondition, ErrorReason::SignOffState);
    }
    let again = ask_one(&stage, &version, Role::ReportOwner, 20).await;
    stage.owner.sign(&version, &again).await.unwrap();
    let all = stage.tester.sign_offs(&version).await;
    let expected = [
        (Role::ReportOwner, 20, SignOffStatus::Rejected),
        (Role::ReportOwner, 20, SignOffStatus::Signed),
    ];
    assert_eq!(statuses(&all), expected);
}

#[tokio::test]
async fn a_request_is_handed_on_with_from_whom_and_why() {
    let (stage, version) = report().await;
    let asked = ask_one(&stage, &version, Role::ReportOwner, 20).await;
    let handed = stage.owner.delegate(&version, &asked, 21).await.unwrap();
    assert_eq!((handed.user_id, handed.delegated_from), (21, 20));
    assert_eq!(handed.delegation_reason, "on leave");
    assert_eq!(handed.status(), SignOffStatus::Pending);
    let no_longer = stage.owner.sign(&version, &asked).await;
    refusal(no_longer, Code::PermissionDenied, ErrorReason::RoleMissing);
    let delegate = stage.person(21, &[Held::ReportOwner]);
    let signed = delegate.sign(&version, &asked).await.unwrap();
    assert_eq!((signed.user_id, signed.delegated_from), (21, 20));
    let trail = stage.tester.trail_of(stage.workflow).await;
    let told: Vec<_> = trail
        .iter()
        .filter(|record| record.action.starts_with("sign_off."))
        .map(|record| (record.action.as_str(), record.actor_user_id, record.reason.as_str()))
        .collect();
    let expected = [
        ("sign_off.requested", 10, ""),
        ("sign_off.delegated", 20, "on leave"),
        ("sign_off.signed", 21, "as read"),
    ];
    assert_eq!(told, expected);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

#[tokio::test]
async fn only_whoever_is_asked_and_holds_the_role_decides() {
    let (stage, version) = report().await;
    let asked = ask_one(&stage, &version, Role::ReportOwner, 20).await;
    let somebody_else = stage.person(21, &[Held::ReportOwner]);
    let without_the_role = stage.person(20, &[Held::TestLead, Held::TestExecutive]);
    let elsewhere = Stage::of(Phase::FINALIZE_TEST_REPORT).await.owner;
    for person in [&somebody_else, &without_the_role, &elsewhere, &stage.executive] {
        for refused in [
            person.sign(&version, &asked).await,
            person.decline(&version, &asked, "no").await,
            person.delegate(&version, &asked, 22).await,
        ] {
            refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
        }
    }
    stage.owner.sign(&version, &asked).await.unwrap();
}

#[tokio::test]
async fn nobody_delegates_to_themselves_or_to_another_signer() {
    let (stage, version) = report().await;
    let asked = stage.tester.ask(&version, &SIGNERS).await.unwrap();
    let refused = stage.owner.delegate(&version, &asked[1], 20).await;
    let status = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["to_user_id"]);
    stage.lead.sign(&version, &asked[0]).await.unwrap();
    // One has signed for another role, one is asked for it.
    for (to, other) in [(12, &asked[0]), (30, &asked[2])] {
        let refused = stage.owner.delegate(&version, &asked[1], to).await;
        let status = refusal(refused, Code::PermissionDenied, ErrorReason::MakerIsChecker);
        assert_eq!(fields(&status), [other.sign_off_id.as_str()]);
    }
    stage.owner.delegate(&version, &asked[1], 21).await.unwrap();
}

#[tokio::test]
async fn what_is_asked_for_is_checked() {
    let (stage, version) = report().await;
    let asked = |assignments: &[(Role, i64)]| {
        let assignments = assignments.to_vec();
        let (stage, version) = (&stage, &version);
        async move {
            let refused = stage.tester.ask(version, &assignments).await;
            faults(&refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed))
        }
    };
    assert_eq!(asked(&[]).await, ["assignments: is empty"]);
    assert_eq!(
        asked(&[(Role::Tester, 10), (Role::Auditor, 40), (Role::TestLead, 12)]).await,
        [
            "assignments[0].role: the version needs no sign-off as tester",
            "assignments[1].role: the version needs no sign-off as auditor",
        ]
    );
    assert_eq!(
        asked(&[(Role::TestLead, 12), (Role::ReportOwner, 12), (Role::TestExecutive, 30)]).await,
        [
            "assignments[0].user_id: signs for one role only",
            "assignments[1].user_id: signs for one role only",
        ]
    );
    assert_eq!(
        asked(&[(Role::TestLead, 12), (Role::TestLead, 13)]).await,
        ["assignments[1].role: asks for test_lead twice"]
    );
    assert!(stage.tester.sign_offs(&version).await.is_empty(), "nothing happened");
}

#[tokio::test]
async fn sign_offs_are_asked_for_in_a_submitted_version() {
    let stage = Stage::of(Phase::FINALIZE_TEST_REPORT).await;
    let draft = stage.draft(1).await;
    let refused = stage.tester.ask(&draft, &SIGNERS).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::VersionState);
    let version = stage.tester.submit(&draft).await.unwrap();
    stage.executive.rule_rest(&version, wire::Verdict::Approved).await.unwrap();
    stage.sign_all(&version).await;
    let approved = stage.executive.approve(&version).await.unwrap();
    let refused = stage.tester.ask(&approved, &SIGNERS).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::VersionState);
}

#[tokio::test]
async fn other_phases_have_no_sign_offs() {
    let stage = Stage::samples().await;
    let version = stage.submitted(1).await;
    let (scope, id) = (version.scope.clone(), request_id());
    let sign_off = SignOff { sign_off_id: id, ..Default::default() };
    let list = wire::ListSignOffsRequest {
        scope,
        version_id: version.version_id.clone(),
        ..Default::default()
    };
    let one = |person: &Person| person.clone();
    let (lead, tester) = (one(&stage.lead), one(&stage.tester));
    for refused in [
        tester.ask(&version, &SIGNERS).await.map(drop),
        lead.sign(&version, &sign_off).await.map(drop),
        lead.decline(&version, &sign_off, "no").await.map(drop),
        lead.delegate(&version, &sign_off, 13).await.map(drop),
        tester.call(list).await.map(drop),
    ] {
        let status = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["scope.phase"]);
    }
}

#[tokio::test]
async fn a_tag_that_is_given_is_that_of_the_sign_off() {
    let (stage, version) = report().await;
    let asked = ask_one(&stage, &version, Role::ReportOwner, 20).await;
    stage.owner.delegate(&version, &asked, 21).await.unwrap();
    let delegate = stage.person(21, &[Held::ReportOwner]);
    let sign = |etag: &str| wire::SignRequest {
        scope: version.scope.clone(),
        sign_off_id: asked.sign_off_id.clone(),
        etag: etag.to_owned(),
        request_id: request_id(),
        ..Default::default()
    };
    let stale = delegate.call(sign(&asked.etag)).await;
    refusal(stale, Code::Aborted, ErrorReason::EtagMismatch);
    let current = stage.tester.sign_offs(&version).await.swap_remove(0).etag;
    delegate.call(sign(&current)).await.unwrap();
}

#[tokio::test]
async fn the_sign_offs_of_another_scope_are_not_listed() {
    let ((stage, version), (_, foreign)) = (report().await, report().await);
    let list = |version_id: &str| wire::ListSignOffsRequest {
        scope: version.scope.clone(),
        version_id: version_id.to_owned(),
        ..Default::default()
    };
    stage.tester.call(list(&version.version_id)).await.unwrap();
    for id in [foreign.version_id, request_id()] {
        let refused = stage.tester.call(list(&id)).await;
        let status = refusal(refused, Code::NotFound, ErrorReason::NotFound);
        assert_eq!(fields(&status), [id]);
    }
}
