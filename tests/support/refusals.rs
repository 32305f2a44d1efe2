//! What a refusal says.

use signoff_contract::workflow::v1::ErrorReason;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

/// The reason in a status, without which no refusal may be.
pub fn reason(status: &Status) -> String {
    let info = status.get_details_error_info().expect("an ErrorInfo in every refusal");
    assert_eq!(info.domain, "signoff");
    info.reason
}

/// The fields that a status names.
pub fn fields(status: &Status) -> Vec<String> {
    status
        .get_details_bad_request()
        .map(|details| details.field_violations.into_iter().map(|one| one.field).collect())
        .unwrap_or_default()
}

/// Expects a refusal, and gives it.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(
    answer: Result<Response<T>, Status>,
    code: Code,
    expected: ErrorReason,
) -> Status {
    let status = answer.expect_err("must be refused");
    let name = expected.as_str_name().trim_start_matches("ERROR_REASON_");
    assert_eq!((status.code(), reason(&status).as_str()), (code, name), "{status:?}");
    status
}
