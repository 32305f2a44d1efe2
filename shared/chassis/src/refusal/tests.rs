use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use signoff_workflow::Role;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::*;

fn refused(refusal: Refusal, code: Code, reason: &str) -> ErrorDetails {
    let status = Status::from(refusal);
    assert_eq!(status.code(), code);
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "signoff"));
    details
}

fn violations(count: usize, describe: impl Fn(usize) -> (String, String)) -> Violations {
    let mut violations = Violations::default();
    for i in 0..count {
        let (field, description) = describe(i);
        violations.add(field, description);
    }
    violations
}

fn rule() -> MethodRule {
    MethodRule {
        roles: vec![Role::Tester, Role::TestLead],
        phase_approver: false,
        phase_contributor: false,
        members: false,
        no_scope: false,
        data_owner: false,
        anybody: false,
        scope_optional: false,
    }
}

/// How much metadata a status makes, as grpc-core counts it: name and value of each entry, and 32
/// bytes for the entry itself (RFC 7541, section 4.1).
fn metadata_bytes(status: &Status) -> usize {
    let headers = status.clone().into_http::<String>().into_parts().0.headers;
    let sum = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
    assert!(headers.contains_key("grpc-status"));
    sum
}

#[test]
fn each_situation_has_its_code_and_reason() {
    let one = || Violations::one("notes", "is required");
    let cases = [
        (Refusal::invalid(one()), Code::InvalidArgument, "VALIDATION_FAILED"),
        (Refusal::page_token_mismatch(), Code::InvalidArgument, "PAGE_TOKEN_MISMATCH"),
        (Refusal::request_id_reused(), Code::InvalidArgument, "REQUEST_ID_REUSED"),
        (
            Refusal::precondition(ErrorReason::VersionState, "not a draft", []),
            Code::FailedPrecondition,
            "VERSION_STATE",
        ),
        (Refusal::items_exist(one()), Code::AlreadyExists, "ITEM_EXISTS"),
        (Refusal::not_found("version", "x"), Code::NotFound, "NOT_FOUND"),
        (Refusal::etag_mismatch(), Code::Aborted, "ETAG_MISMATCH"),
        (Refusal::conflict(), Code::Aborted, "CONFLICT"),
        (TokenError::Expired.into(), Code::Unauthenticated, "TOKEN_INVALID"),
        (TokenError::KeysUnavailable.into(), Code::Unavailable, "BACKEND_UNAVAILABLE"),
        (Refusal::role_missing(&rule()), Code::PermissionDenied, "ROLE_MISSING"),
        (Refusal::maker_is_checker("own item"), Code::PermissionDenied, "MAKER_IS_CHECKER"),
        (Refusal::limit_exceeded("busy", None), Code::ResourceExhausted, "LIMIT_EXCEEDED"),
        (Refusal::deadline_exceeded(), Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        (Refusal::unavailable("no database"), Code::Unavailable, "BACKEND_UNAVAILABLE"),
        (Refusal::internal(), Code::Internal, "INTERNAL"),
    ];
    for (refusal, code, reason) in cases {
        refused(refusal, code, reason);
    }
}

#[test]
fn fields_are_named() {
    let fields = violations(2, |i| (format!("decisions[{i}].item_key"), "is required".to_owned()));
    let details = refused(fields.into(), Code::InvalidArgument, "VALIDATION_FAILED");
    let named = &details.bad_request().unwrap().field_violations;
    assert_eq!(named[1].field, "decisions[1].item_key");
    assert_eq!(details.error_info().unwrap().metadata[VIOLATIONS_TOTAL], "2");
}

#[test]
fn beyond_fifty_the_total_stays_true() {
    let fields = violations(73, |i| (format!("decisions[{i}]"), "is empty".to_owned()));
    let status = Status::from(Refusal::invalid(fields));
    assert_eq!(status.message(), "73 fields are at fault; the first 50 are named");
    let details = status.get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations.len(), 50);
    assert_eq!(details.error_info().unwrap().metadata[VIOLATIONS_TOTAL], "73");
}

#[test]
fn preconditions_are_named_with_their_subject() {
    let unmet = (0..60).map(|i| Unmet {
        subject: format!("phase {i}"),
        description: "approve a version".to_owned(),
    });
    let reason = ErrorReason::PhaseDependencyUnmet;
    let refusal = Refusal::precondition(reason, "not yet", unmet);
    let details = refused(refusal, Code::FailedPrecondition, "PHASE_DEPENDENCY_UNMET");
    let named = &details.precondition_failure().unwrap().violations;
    assert_eq!((named.len(), named[0].subject.as_str()), (50, "phase 0"));
    assert_eq!(named[0].r#type, "PHASE_DEPENDENCY_UNMET");
    assert_eq!(details.error_info().unwrap().metadata[VIOLATIONS_TOTAL], "60");
}

#[test]
fn what_is_not_found_is_named() {
    let details = refused(Refusal::not_found("version", "v1"), Code::NotFound, "NOT_FOUND");
    let resource = details.resource_info().unwrap();
    assert_eq!(
        (resource.resource_type.as_str(), resource.resource_name.as_str()),
        ("version", "v1")
    );
}

#[test]
fn a_limit_says_when_to_try_again() {
    let delay = Duration::from_millis(250);
    let refusal = Refusal::limit_exceeded("the workflow is busy", Some(delay));
    let details = refused(refusal, Code::ResourceExhausted, "LIMIT_EXCEEDED");
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(delay));
    let details = Status::from(Refusal::limit_exceeded("too large", None)).get_error_details();
    assert!(details.retry_info().is_none());
}

#[test]
fn a_missing_role_says_which_may() {
    let status = Status::from(Refusal::role_missing(&rule()));
    assert_eq!(status.message(), "this is for: tester, test_lead");
}

#[test]
fn metadata_and_reason_can_be_set() {
    let refusal = Refusal::conflict().because(ErrorReason::EpochChanged).with_metadata("at", "7");
    let details = refused(refusal, Code::Aborted, "EPOCH_CHANGED");
    assert_eq!(details.error_info().unwrap().metadata["at"], "7");
}

#[test]
fn fifty_ordinary_violations_fit_whole() {
    let fields = violations(50, |i| {
        let field = format!("decisions[{}].payload.sample.lob_id", 9_000 + i);
        (field, "is not a UUID in hyphenated form".to_owned())
    });
    let details = Status::from(Refusal::invalid(fields)).get_error_details();
    let named = &details.bad_request().unwrap().field_violations;
    assert_eq!(named.len(), 50);
    assert!(named.iter().all(|v| v.description.ends_with("form")));
}

#[test]
fn the_worst_refusal_still_reaches_a_client() {
    // Four bytes a character, and percent-encoded three times as long.
    let long = "\u{1F600}".repeat(2_000);
    let fields = violations(500, |_| (long.clone(), long.clone()));
    let unmet = (0..500).map(|_| Unmet { subject: long.clone(), description: long.clone() });
    let mut refusals = vec![
        Refusal::invalid(fields.clone()),
        Refusal::items_exist(fields),
        Refusal::precondition(ErrorReason::VersionState, long.clone(), unmet),
        Refusal::not_found(long.clone(), long.clone()),
        Refusal::maker_is_checker(long.clone()),
    ];
    let metadata = (0..500).fold(Refusal::internal(), |refusal, i| {
        refusal.with_metadata(&format!("{i}{long}"), long.clone())
    });
    refusals.push(metadata);
    for refusal in refusals {
        let status = Status::from(refusal);
        assert!(status.details().len() <= MAX_DETAIL_BYTES, "{}", status.details().len());
        assert!(status.message().len() <= MAX_MESSAGE_BYTES);
        let encoded = STANDARD_NO_PAD.encode(status.details()).len();
        let all = metadata_bytes(&status);
        assert!(all > encoded && all < 8 * 1024, "{all} bytes of metadata");
    }
}

#[test]
fn a_cut_list_keeps_its_total() {
    let fields = violations(50, |i| (format!("{i}{}", "f".repeat(300)), "d".repeat(300)));
    let details = Status::from(Refusal::invalid(fields)).get_error_details();
    let named = details.bad_request().unwrap().field_violations.len();
    assert!(named > 20 && named < 50, "{named}");
    assert_eq!(details.error_info().unwrap().metadata[VIOLATIONS_TOTAL], "50");
}

#[test]
fn a_message_is_one_line() {
    let status = Status::from(Refusal::maker_is_checker("one\r\ntwo\0"));
    assert_eq!(status.message(), "one  two ");
}
