//! What an error says of a call: that it was refused, or that nobody knows.

use std::error::Error as _;

use signoff_tests::Person;
use signoff_tests::rpc::Rpc;
use signoff_tests::wait::until;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// What somebody was told who was not answered.
#[derive(Debug)]
pub(crate) enum Told {
    /// It was refused for good, for this reason.
    Refused(Code, String),
    /// There was too much to do: it may be tried again.
    Busy,
    /// Somebody did not answer in time, or is away, and whoever waited says so: nobody knows what became of it.
    Away,
    /// The connection ended: nobody knows either.
    Broken,
}

/// What an error tells.
pub(crate) fn told(status: &Status) -> Told {
    let Some(info) = status.get_details_error_info() else {
        assert!(is_from_here(status), "an error that does not say what it is: {status:?}");
        // The client's own patience came to its end.
        let late = status.code() == Code::Cancelled && status.message() == "Timeout expired";
        return if late { Told::Away } else { Told::Broken };
    };
    match info.reason.as_str() {
        "BACKEND_UNAVAILABLE" => {
            let retry = status.get_details_retry_info().and_then(|info| info.retry_delay);
            assert!(retry.is_some(), "when to try again: {status:?}");
            Told::Away
        }
        "LIMIT_EXCEEDED" | "DEADLINE_EXCEEDED" => Told::Busy,
        "INTERNAL" => panic!("a fault of the service's own: {status:?}"),
        _ => Told::Refused(status.code(), info.reason),
    }
}

/// Whether an error without a reason was made on this side, when the connection ended or could not be made: whoever
/// answers says why.
fn is_from_here(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded => true,
        Code::Unknown | Code::Internal | Code::Cancelled => status.source().is_some(),
        _ => false,
    }
}

/// Asks for what nobody refuses until there is an answer.
pub(crate) async fn answer<R: Rpc + Clone>(person: &Person, request: R) -> R::Answer {
    until("an answer", || async {
        let status = match person.call(request.clone()).await {
            Ok(answer) => return Some(answer),
            Err(status) => status,
        };
        let refused = matches!(told(&status), Told::Refused(..));
        assert!(!refused, "{status:?}");
        None
    })
    .await
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
    }
}
