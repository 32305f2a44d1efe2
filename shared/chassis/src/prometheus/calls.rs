//! What is counted of the calls of a gRPC server: rate, errors, duration.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use signoff_contract::access::AccessPolicy;
use tonic::Code;

/// The histogram of durations.
pub(super) const SECONDS: &str = "grpc_server_handling_seconds";
const STARTED: &str = "grpc_server_started_total";
const HANDLED: &str = "grpc_server_handled_total";
const IN_FLIGHT: &str = "grpc_server_in_flight";

/// The upper bounds of its buckets, in seconds.
pub(super) const BUCKETS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// What is not a method of this server, whatever a caller says.
const UNKNOWN: &str = "unknown";

/// The methods that have no access rule: everybody may call them.
const EXEMPT: [&str; 5] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

pub(super) fn describe() {
    describe_counter!(STARTED, "Calls that were begun.");
    describe_counter!(HANDLED, "Calls that have ended, by their status.");
    describe_histogram!(SECONDS, "How long calls took, to the end of their answer.");
    describe_gauge!(IN_FLIGHT, "Calls that have not ended.");
}

/// The calls of one server. Methods are those of its access policy, so that no caller makes labels.
#[derive(Clone, Debug)]
pub(crate) struct Calls(Arc<Methods>);

#[derive(Debug)]
struct Methods {
    /// By path.
    known: HashMap<String, Method>,
    unknown: Method,
}

/// A method: what is counted of it is made at its first call, so that there is no line for what
/// nobody calls.
#[derive(Debug)]
struct Method {
    server: &'static str,
    service: String,
    method: String,
    counted: OnceLock<Arc<Counted>>,
}

#[derive(Debug)]
struct Counted {
    labels: Vec<metrics::Label>,
    started: Counter,
    in_flight: Gauge,
    seconds: Histogram,
    /// By code.
    handled: [OnceLock<Counter>; CODES],
}

/// How many codes there are.
const CODES: usize = 17;

impl Calls {
    /// Of the server of this name, with these methods.
    pub(crate) fn new(server: &'static str, policy: &AccessPolicy) -> Self {
        let paths = policy.methods().map(|(path, _)| path).chain(EXEMPT);
        let known = paths.filter_map(|path| {
            let (service, method) = path.strip_prefix('/')?.split_once('/')?;
            Some((path.to_owned(), Method::new(server, service, method)))
        });
        let unknown = Method::new(server, UNKNOWN, UNKNOWN);
        Self(Arc::new(Methods { known: known.collect(), unknown }))
    }

    /// One more call is under way.
    pub(crate) fn begin(&self, path: &str) -> Call {
        let method = self.0.known.get(path).unwrap_or(&self.0.unknown);
        let counted = Arc::clone(method.counted.get_or_init(|| Arc::new(method.count())));
        counted.started.increment(1);
        counted.in_flight.increment(1.0);
        Call(counted)
    }
}

impl Method {
    fn new(server: &'static str, service: &str, method: &str) -> Self {
        let (service, method) = (service.to_owned(), method.to_owned());
        Self { server, service, method, counted: OnceLock::new() }
    }

    fn count(&self) -> Counted {
        let labels = vec![
            metrics::Label::from_static_parts("service", self.server),
            metrics::Label::new("grpc_service", self.service.clone()),
            metrics::Label::new("grpc_method", self.method.clone()),
        ];
        Counted {
            started: counter!(STARTED, labels.clone()),
            in_flight: gauge!(IN_FLIGHT, labels.clone()),
            seconds: histogram!(SECONDS, labels.clone()),
            handled: [const { OnceLock::new() }; CODES],
            labels,
        }
    }
}

/// A call under way. It is over when this is dropped, which no end can avoid.
#[derive(Debug)]
pub(crate) struct Call(Arc<Counted>);

impl Call {
    /// It has ended with this code, after this time.
    pub(crate) fn ended(&self, code: Code, took: Duration) {
        self.0.seconds.record(took.as_secs_f64());
        let handled = usize::try_from(code as i32).ok().and_then(|at| self.0.handled.get(at));
        if let Some(handled) = handled {
            let counted = handled.get_or_init(|| {
                let mut labels = self.0.labels.clone();
                labels.push(metrics::Label::from_static_parts("grpc_code", name(code)));
                counter!(HANDLED, labels)
            });
            counted.increment(1);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.in_flight.decrement(1.0);
    }
}

/// The canonical name of a code.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{EXEMPT_SERVICES, is_exempt};
    use crate::prometheus::{install, render};

    fn calls(server: &'static str) -> Calls {
        install().unwrap();
        let policy = AccessPolicy::load(&["signoff.feed.v1.TrailService"]).unwrap();
        Calls::new(server, &policy)
    }

    /// The lines of one server.
    fn lines(server: &str) -> Vec<String> {
        let label = format!("service=\"{server}\"");
        render().lines().filter(|line| line.contains(&label)).map(str::to_owned).collect()
    }

    #[test]
    fn a_caller_makes_no_labels() {
        let calls = calls("labels");
        for path in [
            "/signoff.feed.v1.TrailService/GetTrail",
            "/signoff.feed.v1.TrailService/Evil-1",
            "/signoff.feed.v1.TrailService/GetTrail/",
            "/Evil-2/GetTrail",
            "/grpc.health.v1.Health/Evil-3",
            "/signoff.versioning.v1.VersioningService/GetVersion",
            "",
            "\"} 1\nevil 1",
        ] {
            calls.begin(path).ended(Code::Unimplemented, Duration::ZERO);
        }
        let started: Vec<String> =
            lines("labels").into_iter().filter(|line| line.starts_with(STARTED)).collect();
        assert_eq!(started.len(), 2, "{started:?}");
        assert!(started.iter().any(|line| line.contains("GetTrail") && line.ends_with(" 1")));
        assert!(started.iter().any(|line| line.contains("unknown") && line.ends_with(" 7")));
        assert!(!render().to_lowercase().contains("evil"));
    }

    #[test]
    fn what_everybody_may_call_is_known() {
        for path in EXEMPT {
            assert!(is_exempt(path), "{path}");
        }
        for service in EXEMPT_SERVICES {
            assert!(EXEMPT.iter().any(|path| path.starts_with(&format!("/{service}/"))));
        }
    }

    #[test]
    fn codes_have_their_canonical_names_and_places() {
        let calls = calls("codes");
        for number in 0..17 {
            let code = Code::from(number);
            assert_eq!(code as i32, number);
            calls.begin("/grpc.health.v1.Health/Check").ended(code, Duration::from_millis(3));
            // PERMISSION_DENIED is PermissionDenied without what separates the words.
            let plain = name(code).replace('_', "").to_lowercase();
            assert_eq!(plain, format!("{code:?}").to_lowercase());
        }
        let handled: Vec<String> =
            lines("codes").into_iter().filter(|line| line.starts_with(HANDLED)).collect();
        assert_eq!(handled.len(), CODES);
        assert!(handled.iter().all(|line| line.ends_with(" 1")));
        let bucket = |le: &str| {
            lines("codes")
                .into_iter()
                .find(|line| line.contains("_bucket{") && line.contains(&format!("le=\"{le}\"")))
                .unwrap()
        };
        assert!(bucket("0.0025").ends_with(" 0"));
        assert!(bucket("0.005").ends_with(" 17"));
        assert!(bucket("60").ends_with(" 17") && bucket("+Inf").ends_with(" 17"));
    }
}
