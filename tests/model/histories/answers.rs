//! What an error says of a call: that it was refused, or that nobody knows.

use signoff_tests::Person;
use signoff_tests::refusals::is_from_here;
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
