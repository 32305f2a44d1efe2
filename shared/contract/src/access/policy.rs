//! The rules of whole services, read from the options of their methods.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DescriptorPool, MethodDescriptor, ReflectMessage as _, Value};
use signoff_workflow::Role;

use super::MethodRule;
use crate::convert::known_role;
use crate::workflow::v1 as wire;

/// The option that holds a method's rule.
const OPTION: &str = "signoff.workflow.v1.access";
/// The option that says that a method may be the first thing that happens in a phase.
const STARTS_PHASE: &str = "signoff.workflow.v1.starts_phase";

/// The rule of every method of some services.
#[derive(Clone, Debug)]
pub struct AccessPolicy {
    /// By the path of the HTTP/2 request: `/package.Service/Method`.
    rules: BTreeMap<String, MethodRule>,
    /// The paths of methods whose request is a stream.
    streams: BTreeSet<String>,
    /// The paths of methods for which a phase is started.
    starting: BTreeSet<String>,
    /// The paths of methods that change something.
    changing: BTreeSet<String>,
}

/// Why the rules of a service cannot be enforced. A server that meets this must not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The descriptors that are compiled in cannot be read.
    #[error("the descriptors cannot be read: {0}")]
    Descriptors(String),
    /// No such service in the contracts.
    #[error("the contracts have no service {0}")]
    UnknownService(String),
    /// The method has no rule.
    #[error("{0} has no access rule")]
    NoRule(String),
    /// The rule lets nobody pass, or cannot apply: without a scope there is no report to hold a
    /// role on, and no phase.
    #[error("the access rule of {0} lets nobody pass or cannot apply")]
    Useless(String),
    /// The method cannot be sent again once a phase was started for it: its request is a stream, or
    /// names no scope or no id.
    #[error("{0} cannot start a phase: it must take one message with a scope and a request_id")]
    CannotStart(String),
    /// The rule names a role that nobody knows.
    #[error("the access rule of {method} names the unknown role {number}")]
    UnknownRole {
        /// The method's path.
        method: String,
        /// The role's number.
        number: i32,
    },
}

impl AccessPolicy {
    /// The rules of these services, by their full names: `signoff.feed.v1.TrailService`.
    ///
    /// # Errors
    /// A service that the contracts do not have; a method without a rule, or with one that lets
    /// nobody pass.
    pub fn load(services: &[&str]) -> Result<Self, PolicyError> {
        Self::from_descriptors(crate::DESCRIPTOR_SET, services)
    }

    /// The rule of a method by its path: `/signoff.feed.v1.TrailService/GetTrail`.
    pub fn rule(&self, path: &str) -> Option<&MethodRule> {
        self.rules.get(path)
    }

    /// Whether the request of a method is a stream: it lasts as long as its sender takes.
    pub fn takes_a_stream(&self, path: &str) -> bool {
        self.streams.contains(path)
    }

    /// Whether a method may be the first thing that happens in a phase: the phase is started for it.
    pub fn starts_phase(&self, path: &str) -> bool {
        self.starting.contains(path)
    }

    /// Whether a method changes something: then its request has a `request_id`, by which it is done
    /// once.
    pub fn changes(&self, path: &str) -> bool {
        self.changing.contains(path)
    }

    /// All methods that have a rule, by path.
    pub fn methods(&self) -> impl Iterator<Item = (&str, &MethodRule)> {
        self.rules.iter().map(|(path, rule)| (path.as_str(), rule))
    }

    fn from_descriptors(descriptors: &[u8], services: &[&str]) -> Result<Self, PolicyError> {
        let pool = DescriptorPool::decode(descriptors)
            .map_err(|error| PolicyError::Descriptors(error.to_string()))?;
        let (mut rules, mut streams) = (BTreeMap::new(), BTreeSet::new());
        let (mut starting, mut changing) = (BTreeSet::new(), BTreeSet::new());
        for name in services {
            let service = pool
                .get_service_by_name(name)
                .ok_or_else(|| PolicyError::UnknownService((*name).to_owned()))?;
            for method in service.methods() {
                let path = format!("/{name}/{}", method.name());
                let rule = rule(&pool, &method, &path)?;
                if method.is_client_streaming() {
                    streams.insert(path.clone());
                }
                let has = |field| method.input().get_field_by_name(field).is_some();
                if has("request_id") {
                    changing.insert(path.clone());
                }
                if starts_phase(&pool, &method) {
                    if method.is_client_streaming() || !has("scope") || !has("request_id") {
                        return Err(PolicyError::CannotStart(path));
                    }
                    starting.insert(path.clone());
                }
                rules.insert(path, rule);
            }
        }
        Ok(Self { rules, streams, starting, changing })
    }
}

fn starts_phase(pool: &DescriptorPool, method: &MethodDescriptor) -> bool {
    let Some(option) = pool.get_extension_by_name(STARTS_PHASE) else { return false };
    method.options().get_extension(&option).as_bool() == Some(true)
}

fn rule(
    pool: &DescriptorPool,
    method: &MethodDescriptor,
    path: &str,
) -> Result<MethodRule, PolicyError> {
    let missing = || PolicyError::NoRule(path.to_owned());
    let option = pool.get_extension_by_name(OPTION).ok_or_else(missing)?;
    let options = method.options();
    if !options.has_extension(&option) {
        return Err(missing());
    }
    let value = options.get_extension(&option);
    let Value::Message(message) = value.as_ref() else {
        return Err(missing());
    };
    debug_assert_eq!(message.descriptor().name(), "AccessRule");
    let rule: wire::AccessRule =
        message.transcode_to().map_err(|error| PolicyError::Descriptors(error.to_string()))?;

    let roles = rule.roles.iter().map(|number| {
        wire::Role::try_from(*number)
            .ok()
            .and_then(known_role)
            .ok_or_else(|| PolicyError::UnknownRole { method: path.to_owned(), number: *number })
    });
    let rule = MethodRule {
        roles: roles.collect::<Result<Vec<Role>, _>>()?,
        phase_approver: rule.phase_approver,
        phase_contributor: rule.phase_contributor,
        members: rule.members,
        no_scope: rule.no_scope,
        data_owner: rule.data_owner,
        anybody: rule.anybody,
        scope_optional: rule.scope_optional,
    };
    if rule.lets_somebody_pass() { Ok(rule) } else { Err(PolicyError::Useless(path.to_owned())) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const SERVICES: [&str; 2] =
        ["signoff.feed.v1.TrailService", "signoff.versioning.v1.VersioningService"];

    /// The policy of a service with one method that has this option, all else being the contracts.
    fn with_option(option: &str) -> Result<AccessPolicy, PolicyError> {
        let source = format!(
            r#"syntax = "proto3";
            package test;
            import "signoff/workflow/v1/access.proto";
            message Empty {{}}
            service Door {{ rpc Open(Empty) returns (Empty) {{ {option} }} }}"#
        );
        let contracts = DescriptorPool::decode(crate::DESCRIPTOR_SET).unwrap();
        let files: HashMap<String, Vec<u8>> =
            contracts.files().map(|file| (file.name().to_owned(), file.encode_to_vec())).collect();
        let mut resolver = protox::file::ChainFileResolver::new();
        let parsed = protox::file::File::from_source("test.proto", &source).unwrap();
        resolver.add(Fixed(parsed));
        resolver.add(Known(files));
        let mut compiler = protox::Compiler::with_file_resolver(resolver);
        compiler.include_imports(true).open_file("test.proto").unwrap();
        AccessPolicy::from_descriptors(&compiler.encode_file_descriptor_set(), &["test.Door"])
    }

    struct Fixed(protox::file::File);
    impl protox::file::FileResolver for Fixed {
        fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
            (name == "test.proto")
                .then(|| self.0.clone())
                .ok_or_else(|| protox::Error::file_not_found(name))
        }
    }

    struct Known(HashMap<String, Vec<u8>>);
    impl protox::file::FileResolver for Known {
        fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
            let file = self.0.get(name).ok_or_else(|| protox::Error::file_not_found(name))?;
            protox::file::File::decode_file_descriptor_proto(file.as_slice())
                .map_err(protox::Error::new)
        }
    }

    #[test]
    fn every_method_of_the_contracts_has_a_rule() {
        let policy = AccessPolicy::load(&SERVICES).unwrap();
        let create = policy.rule("/signoff.versioning.v1.VersioningService/CreateVersion").unwrap();
        assert_eq!(create.roles, [Role::Tester, Role::TestLead]);
        let locate = policy.rule("/signoff.versioning.v1.VersioningService/LocateVersion").unwrap();
        assert!(locate.no_scope && !locate.members);
        assert_eq!(policy.rule("/signoff.versioning.v1.VersioningService/Nothing"), None);
        let streams: Vec<&str> = policy
            .methods()
            .map(|(path, _)| path)
            .filter(|path| policy.takes_a_stream(path))
            .collect();
        assert_eq!(streams, ["/signoff.versioning.v1.VersioningService/ImportDecisions"]);
    }

    #[test]
    fn a_method_changes_something_or_only_reads() {
        let policy = AccessPolicy::load(&SERVICES).unwrap();
        let changes = |method: &str| policy.changes(method);
        assert!(changes("/signoff.versioning.v1.VersioningService/CreateVersion"));
        assert!(changes("/signoff.versioning.v1.VersioningService/ImportDecisions"));
        assert!(!changes("/signoff.feed.v1.TrailService/GetTrail"));
        // By the names that the contracts give to what only reads.
        let reads = ["Get", "List", "Batch", "Compare", "Export", "Locate", "Verify"];
        for (path, _) in policy.methods() {
            let method = path.rsplit('/').next().unwrap();
            let only_reads = reads.iter().any(|verb| method.starts_with(verb));
            assert_eq!(changes(path), !only_reads, "{path}");
        }
    }

    #[test]
    fn a_service_that_is_not_in_the_contracts_is_refused() {
        let refused = AccessPolicy::load(&["signoff.Nothing"]).unwrap_err();
        assert_eq!(refused, PolicyError::UnknownService("signoff.Nothing".to_owned()));
    }

    #[test]
    fn a_method_without_a_usable_rule_is_refused_by_name() {
        let path = || "/test.Door/Open".to_owned();
        let no_rule = PolicyError::NoRule(path());
        assert_eq!(with_option("").unwrap_err(), no_rule);
        assert_eq!(with_option("option deprecated = true;").unwrap_err(), no_rule);
        for useless in ["{}", "{no_scope: true}", "{no_scope: true members: true}"] {
            let option = format!("option (signoff.workflow.v1.access) = {useless};");
            assert_eq!(with_option(&option).unwrap_err(), PolicyError::Useless(path()), "{option}");
        }
        let starts = "option (signoff.workflow.v1.access) = {roles: [ROLE_ADMIN]};
            option (signoff.workflow.v1.starts_phase) = true;";
        assert_eq!(with_option(starts).unwrap_err(), PolicyError::CannotStart(path()));
        let unspecified = "option (signoff.workflow.v1.access) = {roles: [ROLE_UNSPECIFIED]};";
        assert!(matches!(
            with_option(unspecified),
            Err(PolicyError::UnknownRole { number: 0, .. })
        ));
        let fine = "option (signoff.workflow.v1.access) = {roles: [ROLE_ADMIN]};";
        assert_eq!(with_option(fine).unwrap().methods().count(), 1);
    }
}
