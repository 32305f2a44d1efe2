use super::*;

const DIGEST: [u8; 32] = [7; 32];

fn sign_off(sign_off_no: i32, role: Role, user_id: i64, status: SignOffStatus) -> SignOff {
    let decided = matches!(status, SignOffStatus::Signed | SignOffStatus::Rejected);
    SignOff {
        line_no: 1,
        number: 1,
        version_id: Uuid::nil(),
        sign_off_no,
        sign_off_id: Uuid::from_u128(u128::from(sign_off_no.cast_unsigned())),
        role,
        status,
        revision: 1,
        user_id,
        requested_by: 10,
        requested_at: DateTime::UNIX_EPOCH,
        delegated: None,
        decided_at: decided.then_some(DateTime::UNIX_EPOCH),
        comments: None,
        content_digest: (status == SignOffStatus::Signed).then(|| DIGEST.to_vec()),
        voided: (status == SignOffStatus::Voided)
            .then(|| (DateTime::UNIX_EPOCH, "the version was withdrawn".to_owned())),
    }
}

fn actor(user_id: i64, roles: &[Role]) -> Actor {
    Actor {
        user_id,
        subject: "ann".to_owned(),
        acting_service: None,
        roles: roles.to_vec(),
        by_role: true,
    }
}

fn told(result: Result<(), Error>) -> Vec<String> {
    match result {
        Err(
            Error::SignOffsMissing(violations)
            | Error::SignsTwice(violations)
            | Error::SignOffState(violations)
            | Error::NotTheSigner(violations),
        ) => violations
            .named()
            .iter()
            .map(|one| format!("{}: {}", one.field, one.description))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_role_that_is_missing_is_told_with_its_reason() {
    let required = [Role::TestLead, Role::ReportOwner, Role::TestExecutive];
    let all = [
        sign_off(1, Role::TestLead, 12, SignOffStatus::Pending),
        sign_off(2, Role::ReportOwner, 20, SignOffStatus::Rejected),
    ];
    assert_eq!(
        told(expect_signed(&required, &all, Some(&DIGEST))),
        [
            "test_lead: waits for user 12",
            "report_owner: was refused by user 20",
            "test_executive: was never requested",
        ]
    );
}

#[test]
fn only_the_newest_sign_off_of_the_content_as_it_stands_counts() {
    let required = [Role::TestLead];
    let signed = sign_off(1, Role::TestLead, 12, SignOffStatus::Signed);
    let check = |all: &[SignOff], digest: Option<&[u8]>| expect_signed(&required, all, digest);
    assert!(check(std::slice::from_ref(&signed), Some(&DIGEST)).is_ok());
    let other = ["test_lead: was signed by user 12, but for another content"];
    assert_eq!(told(check(std::slice::from_ref(&signed), Some(&[8; 32]))), other);
    assert_eq!(told(check(std::slice::from_ref(&signed), None)), other);
    let voided = sign_off(2, Role::TestLead, 13, SignOffStatus::Voided);
    assert_eq!(
        told(check(&[signed, voided], Some(&DIGEST))),
        ["test_lead: of user 13 was voided: the version was withdrawn"]
    );
}

#[test]
fn only_whoever_is_asked_and_holds_the_role_signs() {
    let asked = sign_off(1, Role::ReportOwner, 20, SignOffStatus::Pending);
    assert!(asked.expect_signer(&actor(20, &[Role::ReportOwner, Role::Tester])).is_ok());
    assert!(told(asked.expect_signer(&actor(21, &[Role::ReportOwner])))[0].contains("user 20"));
    let without = told(asked.expect_signer(&actor(20, &[Role::TestLead, Role::TestExecutive])));
    assert!(without[0].contains("report_owner"), "{without:?}");
}

#[test]
fn nothing_but_a_pending_one_is_signed() {
    for status in SignOffStatus::ALL {
        let one = sign_off(1, Role::TestLead, 12, status);
        assert_eq!(one.expect_pending().is_ok(), status == SignOffStatus::Pending, "{status:?}");
        assert_eq!(SignOffStatus::named(status.name()), Ok(status));
    }
    assert!(SignOffStatus::named("delegated").is_err());
}

#[test]
fn nobody_signs_for_two_roles() {
    let lead = sign_off(1, Role::TestLead, 12, SignOffStatus::Signed);
    let way = || [&lead].into_iter();
    assert!(expect_one_role(20, way()).is_ok());
    assert_eq!(told(expect_one_role(12, way())).len(), 1);
}

#[test]
fn nobody_else_is_asked_while_one_is_asked_for_or_given() {
    let live = SignOffStatus::ALL.into_iter().filter(|status| status.is_live());
    assert_eq!(live.collect::<Vec<_>>(), [SignOffStatus::Pending, SignOffStatus::Signed]);
}

#[test]
fn a_sign_off_is_changed_as_it_was_read() {
    let read =
        SignOff { revision: 3, ..sign_off(1, Role::TestExecutive, 20, SignOffStatus::Pending) };
    assert_eq!(read.etag(), "3");
    assert!(read.expect_etag(Some("3")).is_ok());
    let refused = read.expect_etag(Some("2")).unwrap_err();
    assert!(
        matches!(&refused, Error::Fault(Fault::EtagMismatch { current }) if current == "3"),
        "{refused}"
    );
}

#[test]
fn the_trail_says_who_was_asked_and_what_they_said() {
    let signed = SignOff {
        delegated: Some((30, "on leave".to_owned())),
        comments: Some("as discussed".to_owned()),
        content_digest: Some(vec![0xab, 1]),
        ..sign_off(2, Role::ReportOwner, 20, SignOffStatus::Signed)
    };
    let at = "1970-01-01T00:00:00Z";
    let expected = json!({
        "sign_off_id": "00000000-0000-0000-0000-000000000002",
        "version_id": Uuid::nil(),
        "sign_off_no": 2,
        "role": Role::ReportOwner.name(),
        "status": "signed",
        "revision": 1,
        "user_id": 20,
        "requested_by": 10,
        "requested_at": at,
        "delegated_from": 30,
        "delegation_reason": "on leave",
        "decided_at": at,
        "comments": "as discussed",
        "content_digest": "ab01",
        "voided_at": null,
        "void_reason": null,
    });
    assert_eq!(signed.summary(), expected);
    let voided = sign_off(3, Role::ReportOwner, 20, SignOffStatus::Voided).summary();
    assert_eq!(voided["voided_at"], at);
    assert_eq!(voided["void_reason"], "the version was withdrawn");
}
