//! What a refusal says.

use std::error::Error as _;

use signoff_contract::workflow::v1::ErrorReason;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

/// The reason in a status, without which no refusal may be.
pub fn reason(status: &Status) -> String {
    let info = status.get_details_error_info().expect("an ErrorInfo in every refusal");
    assert_eq!(info.domain, "signoff");
    info.reason
}

/// Expects a refusal that somebody may meet who does whatever comes to mind, among many others: one for a
/// reason, and no fault of the service's own.
#[track_caller]
pub fn expect_fair(status: &Status) {
    let fair = matches!(
        status.code(),
        Code::FailedPrecondition
            | Code::Aborted
            | Code::AlreadyExists
            | Code::NotFound
            | Code::PermissionDenied
            | Code::InvalidArgument
            // Many at once may be more than there are connections for.
            | Code::Unavailable
            | Code::ResourceExhausted
    );
    assert!(fair, "{status:?}");
    assert!(!reason(status).is_empty());
}

/// Whether an error was made on this side, when the connection ended or could not be made: nobody knows what
/// became of the call. Whoever answers gives a reason. A request that crosses the `GOAWAY` of a server that
/// stops is `INTERNAL` here.
pub fn is_from_here(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded => status.details().is_empty(),
        Code::Unknown | Code::Internal | Code::Cancelled => status.source().is_some(),
        _ => false,
    }
}

/// Whether a service says that its database, or who stands behind it, is away.
pub fn is_away(status: &Status) -> bool {
    status.code() == Code::Unavailable
        && status.get_details_error_info().is_some_and(|info| info.reason == "BACKEND_UNAVAILABLE")
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

/// Expects that a call which answers no response of its own is refused, and gives the refusal.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(
    answer: Result<T, Status>,
    code: Code,
    expected: ErrorReason,
) -> Status {
    refused(answer.map(Response::new), code, expected)
}

/// What a refusal says of each field or id, as one text each: `notes: is required`.
pub fn faults(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|details| details.field_violations);
    violations
        .into_iter()
        .flatten()
        .map(|one| format!("{}: {}", one.field, one.description))
        .collect()
}

/// How many violations there are, named or not.
pub fn total(status: &Status) -> usize {
    let info = status.get_details_error_info().expect("an ErrorInfo in every refusal");
    info.metadata.get("violations_total").map_or(0, |total| total.parse().expect("a number"))
}

/// What a refusal says is missing: what each thing is about, and what it is.
pub fn unmet(status: &Status) -> Vec<(String, String)> {
    let details = status.get_details_precondition_failure().map(|details| details.violations);
    details.into_iter().flatten().map(|one| (one.subject, one.description)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_a_reason_comes_from_here_or_is_a_fault() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(is_from_here(&Status::from_error(Box::new(broken))));
        let sent = [Status::internal("?"), Status::unknown("?"), Status::cancelled("?")];
        assert!(!sent.iter().any(is_from_here));
        // Of what nobody says more of, it cannot be told; whoever answers says more.
        assert!(is_from_here(&Status::unavailable("?")));
        let mut details = tonic_types::ErrorDetails::new();
        details.set_error_info("BACKEND_UNAVAILABLE", "signoff", []);
        let told = Status::with_error_details(Code::Unavailable, "?", details);
        assert!(!is_from_here(&told));
    }
}
