use serde_json::json;
use signoff_workflow::{Phase, Workflow};

use super::*;

/// A version of Scoping, made by 10, and submitted by 11.
pub(in crate::domain) fn submitted(number: i32) -> Version {
    let at = DateTime::UNIX_EPOCH;
    let workflow = Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
    Version {
        scope: Scope { workflow, phase: Phase::SCOPING },
        line_no: 5,
        number,
        version_id: Uuid::from_u128(100 + u128::from(number.unsigned_abs())),
        state: VersionState::Submitted,
        revision: 4,
        parent: None,
        approved_version_id: None,
        superseded_by: None,
        content_digest: None,
        required_sign_offs: Vec::new(),
        final_document: None,
        metadata: None,
        metadata_schema: 1,
        phase_data: None,
        counts: Counts::default(),
        sources: 0,
        created_at: at,
        created_by: 10,
        creation_notes: None,
        updated_at: at,
        submitted_at: Some(at),
        submitted_by: Some(11),
        submitters: vec![11],
        submission_notes: None,
        reviewed_at: None,
        reviewed_by: None,
        review_notes: None,
        self_approved: false,
        superseded_at: None,
        deleted_at: None,
        deleted_by: None,
        delete_reason: None,
        occurred_at: at,
        recorded_at: at,
        origin: Origin::Native,
    }
}

#[test]
fn a_change_is_made_to_the_version_that_was_read() {
    let version = submitted(3);
    assert_eq!(version.etag(), "3.4");
    assert!(version.expect_etag(Some("3.4")).is_ok());
    for stale in ["3.3", "4.4"] {
        let refused = version.expect_etag(Some(stale)).unwrap_err();
        assert!(
            matches!(&refused, Error::Fault(Fault::EtagMismatch { current }) if current == "3.4"),
            "{refused}"
        );
    }
}

#[test]
fn a_version_in_another_state_is_named_with_the_states_that_would_do() {
    let version = submitted(3);
    assert!(version.expect_state(&[VersionState::Draft, VersionState::Submitted], "do it").is_ok());
    let refused = version.expect_state(&[VersionState::Draft], "edit").unwrap_err();
    let Error::VersionState { version_id, number, state, wanted, to } = refused else {
        panic!("{refused}")
    };
    assert_eq!((version_id, number, to), (version.version_id, 3, "edit"));
    assert_eq!((state, wanted), (VersionState::Submitted, &[VersionState::Draft][..]));
}

#[test]
fn whoever_created_or_ever_submitted_it_is_its_maker() {
    let again = Version { submitters: vec![11, 12], submitted_by: Some(12), ..submitted(1) };
    for (person, made) in [(10, true), (11, true), (12, true), (13, false)] {
        assert_eq!(again.is_made_by(person), made, "{person}");
    }
}

#[test]
fn others_refer_to_it_by_number_and_id() {
    let version = submitted(3);
    let expected = VersionRef { number: 3, version_id: Uuid::from_u128(103) };
    assert_eq!(version.reference(), expected);
}

#[test]
fn metadata_goes_with_the_schema_that_it_was_written_in() {
    assert_eq!(submitted(1).stored_metadata(), None);
    let body = json!({"population": 100});
    let version = Version { metadata: Some(body.clone()), metadata_schema: 2, ..submitted(1) };
    assert_eq!(version.stored_metadata(), Some(Metadata { schema: 2, body }));
}

#[test]
fn the_trail_says_who_did_what_with_it_and_what_it_holds() {
    let counts = Counts { total: 9, pending: 1, approved: 2, rejected: 3, ..Counts::default() };
    let version = Version { content_digest: Some(vec![0xab, 1]), counts, ..submitted(3) };
    let told = version.summary();
    let expected = json!({
        "version_id": version.version_id,
        "number": 3,
        "state": VersionState::Submitted.name(),
        "revision": 4,
        "content_digest": "ab01",
        "required_sign_offs": null,
        "created_by": 10,
        "submitted_by": 11,
        "submitters": [11],
        "reviewed_by": null,
        "self_approved": false,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(told[field], *value, "{field}");
    }
    let counted = ["total", "pending", "approved", "rejected", "modified"];
    assert_eq!(counted.map(|name| told["counts"][name].as_i64()), [9, 1, 2, 3, 0].map(Some));

    let roles = vec![Role::TestExecutive, Role::ReportOwner];
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    let signed = Version { required_sign_offs: roles.clone(), ..submitted(3) };
    assert_eq!(signed.summary()["required_sign_offs"], json!(names));
}
