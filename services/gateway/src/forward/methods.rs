//! Every method that the gateway serves, read from the descriptors: a new one needs no code here.

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{Kind, MethodDescriptor};
use signoff_contract::access::{AccessPolicy, MethodRule};

/// The gateway's own services.
pub const OWN: [&str; 2] =
    ["signoff.gateway.v1.PhaseService", "signoff.gateway.v1.WorkflowService"];

/// The backends' services, under their own names.
pub const FORWARDED: [&str; 10] = [
    "signoff.audit.v1.AuditPhaseService",
    "signoff.audit.v1.DataOwnerService",
    "signoff.audit.v1.DocumentService",
    "signoff.audit.v1.TestCaseService",
    "signoff.audit.v1.TestExecutionService",
    "signoff.feed.v1.FeedService",
    "signoff.feed.v1.TrailService",
    "signoff.metrics.v1.MetricsService",
    "signoff.versioning.v1.SignOffService",
    "signoff.versioning.v1.VersioningService",
];

/// Longest message of most methods, in bytes.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// Longest message of methods that carry many decisions.
const MAX_LARGE_MESSAGE: usize = 32 * 1024 * 1024;
/// Which those are.
const LARGE: [&str; 5] = [
    "/signoff.gateway.v1.PhaseService/CreateVersion",
    "/signoff.versioning.v1.VersioningService/AddDecisions",
    "/signoff.versioning.v1.VersioningService/CreateVersion",
    "/signoff.versioning.v1.VersioningService/ReviewDecisions",
    "/signoff.versioning.v1.VersioningService/ReviseVersion",
];

/// Who serves a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The gateway itself.
    Own,
    /// The versioning service.
    Versioning,
    /// The audit service.
    Audit,
    /// The metrics service.
    Metrics,
    /// Whoever keeps the trail that the request names.
    Source,
}

/// One method.
#[derive(Clone, Debug)]
pub struct Method {
    /// `/package.Service/Method`.
    pub path: Arc<str>,
    /// Who serves it.
    pub target: Target,
    /// Who may.
    pub rule: MethodRule,
    /// Whether its request is a stream.
    pub takes_a_stream: bool,
    /// Whether a phase is started for it.
    pub starts_phase: bool,
    /// Longest first message, in bytes.
    pub longest: usize,
    /// Whether it names its phase by a text, too.
    pub names_phase: bool,
    /// Whether its scope may be left out, since it names a version.
    pub names_version: bool,
    /// The field that holds the id of the request, if it changes something.
    pub request_id: Option<u32>,
}

/// All methods, by path.
#[derive(Clone, Debug)]
pub struct Methods(HashMap<Arc<str>, Arc<Method>>);

/// What the descriptors do not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MethodsError {
    /// They cannot be read.
    #[error("the descriptors cannot be read: {0}")]
    Descriptors(String),
    /// A service that nobody says the place of.
    #[error("the gateway does not know who serves {0}")]
    Unplaced(String),
}

impl Methods {
    /// The methods of all services.
    ///
    /// # Errors
    /// A service of the contracts is in no list here.
    pub fn load(policy: &AccessPolicy) -> Result<Self, MethodsError> {
        let pool = signoff_contract::descriptors()
            .map_err(|error| MethodsError::Descriptors(error.to_string()))?;
        let mut methods = HashMap::new();
        for service in pool.services().filter(|of| of.full_name().starts_with("signoff.")) {
            let name = service.full_name().to_owned();
            let target = target_of(&name).ok_or(MethodsError::Unplaced(name))?;
            for method in service.methods() {
                let path: Arc<str> = format!("/{}/{}", service.full_name(), method.name()).into();
                let Some(rule) = policy.rule(&path) else { continue };
                let method = described(&method, target, &path, rule.clone(), policy);
                methods.insert(path, Arc::new(method));
            }
        }
        Ok(Self(methods))
    }

    /// The method at a path.
    pub fn get(&self, path: &str) -> Option<&Arc<Method>> {
        self.0.get(path)
    }
}

fn target_of(service: &str) -> Option<Target> {
    let target = match service.rsplit_once('.')?.0 {
        "signoff.gateway.v1" => Target::Own,
        "signoff.versioning.v1" => Target::Versioning,
        "signoff.audit.v1" => Target::Audit,
        "signoff.metrics.v1" => Target::Metrics,
        "signoff.feed.v1" => Target::Source,
        _ => return None,
    };
    (OWN.contains(&service) || FORWARDED.contains(&service)).then_some(target)
}

fn described(
    method: &MethodDescriptor,
    target: Target,
    path: &Arc<str>,
    rule: MethodRule,
    policy: &AccessPolicy,
) -> Method {
    let input = method.input();
    let has_text = |name: &str, number: u32| {
        input
            .get_field_by_name(name)
            .is_some_and(|field| field.number() == number && field.kind() == Kind::String)
    };
    Method {
        path: Arc::clone(path),
        target,
        rule,
        takes_a_stream: method.is_client_streaming(),
        starts_phase: policy.starts_phase(path),
        longest: if LARGE.contains(&&**path) { MAX_LARGE_MESSAGE } else { MAX_MESSAGE },
        names_phase: target == Target::Own && has_text("phase_name", 2),
        names_version: target == Target::Own && has_text("version_id", 3),
        request_id: input.get_field_by_name("request_id").map(|field| field.number()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods() -> Methods {
        let services: Vec<&str> = OWN.into_iter().chain(FORWARDED).collect();
        Methods::load(&AccessPolicy::load(&services).unwrap()).unwrap()
    }

    #[test]
    fn every_service_of_the_contracts_has_its_place() {
        let methods = methods();
        let of = |path: &str| methods.get(path).unwrap().target;
        assert_eq!(of("/signoff.versioning.v1.SignOffService/Sign"), Target::Versioning);
        assert_eq!(of("/signoff.audit.v1.TestCaseService/GetLane"), Target::Audit);
        assert_eq!(of("/signoff.feed.v1.TrailService/GetTrail"), Target::Source);
        assert_eq!(of("/signoff.feed.v1.FeedService/Subscribe"), Target::Source);
        assert_eq!(of("/signoff.metrics.v1.MetricsService/Rebuild"), Target::Metrics);
        assert_eq!(of("/signoff.gateway.v1.WorkflowService/GetBoard"), Target::Own);
        assert!(methods.get("/signoff.versioning.v1.VersioningService/Nothing").is_none());
    }

    #[test]
    fn what_carries_many_decisions_may_be_long() {
        let methods = methods();
        for path in LARGE {
            assert_eq!(methods.get(path).unwrap().longest, MAX_LARGE_MESSAGE, "{path}");
        }
        assert_eq!(
            methods.get("/signoff.feed.v1.TrailService/GetTrail").unwrap().longest,
            MAX_MESSAGE
        );
    }

    #[test]
    fn phases_by_name_and_versions_without_scope_are_the_unified_interfaces() {
        let methods = methods();
        let approve = methods.get("/signoff.gateway.v1.PhaseService/ApproveVersion").unwrap();
        assert!(approve.names_phase && approve.names_version);
        for method in methods.0.values() {
            let unified = method.path.starts_with("/signoff.gateway.v1.PhaseService/");
            assert_eq!(method.names_phase, unified, "{}", method.path);
            assert_eq!(method.names_version, method.path == approve.path, "{}", method.path);
        }
    }
}
