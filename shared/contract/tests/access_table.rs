//! The rules in the descriptors, compared with the table that was written out by hand: each method,
//! role and phase is tried. A method that the table does not name fails the test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod table;

use std::collections::BTreeMap;

use prost_reflect::DescriptorPool;
use signoff_contract::access::{AccessPolicy, permits};
use signoff_workflow::{PhaseTable, Role};

use table::{TABLE, Who, may};

/// Every method of every service in the descriptors, by path, and their services.
fn methods() -> BTreeMap<String, String> {
    let pool = DescriptorPool::decode(signoff_contract::DESCRIPTOR_SET).unwrap();
    let services = pool.services().collect::<Vec<_>>();
    let methods = services.iter().flat_map(|service| {
        let name = service.full_name().to_owned();
        let methods = service.methods().collect::<Vec<_>>();
        methods.into_iter().map(move |m| (format!("/{name}/{}", m.name()), name.clone()))
    });
    methods.collect()
}

fn policy() -> AccessPolicy {
    let methods = methods();
    let services: Vec<&str> = methods.values().map(String::as_str).collect();
    AccessPolicy::load(&services).unwrap()
}

#[test]
fn the_table_names_every_method() {
    let mut named: Vec<&str> = TABLE.iter().map(|(path, _)| *path).collect();
    named.sort_unstable();
    let methods = methods();
    assert_eq!(named, methods.keys().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn each_role_may_in_each_phase_what_the_table_says() {
    let policy = policy();
    for (path, who) in TABLE {
        let rule = policy.rule(path).unwrap();
        for row in PhaseTable::standard().rows() {
            for role in Role::ALL {
                let (everywhere, on_report): (&[Role], &[Role]) =
                    if role.is_held_on_a_report() { (&[], &[role]) } else { (&[role], &[]) };
                assert_eq!(
                    permits(rule, everywhere, on_report, Some(row)),
                    may(*who, role, row.phase),
                    "{path}, {role}, {}",
                    row.display_name
                );
                assert!(
                    matches!(who, Who::Anybody) || !permits(rule, on_report, everywhere, Some(row)),
                    "{path}: {role} counts where it is not held"
                );
            }
        }
    }
}

#[test]
fn data_owners_are_looked_up_where_the_table_has_them() {
    let policy = policy();
    for (path, who) in TABLE {
        let expected = matches!(who, Who::DataOwner | Who::ReadersAndDataOwner);
        assert_eq!(policy.rule(path).unwrap().data_owner, expected, "{path}");
    }
}

#[test]
fn without_any_role_nobody_may() {
    let policy = policy();
    for (path, rule) in policy.methods().filter(|(_, rule)| !rule.anybody) {
        for row in PhaseTable::standard().rows() {
            assert!(!permits(rule, &[], &[], Some(row)), "{path}");
        }
        assert!(!permits(rule, &[], &[], None), "{path}");
    }
}

#[test]
fn what_is_about_no_workflow_has_no_scope() {
    let policy = policy();
    let without: Vec<&str> =
        policy.methods().filter(|(_, rule)| rule.no_scope).map(|(path, _)| path).collect();
    let expected = [
        "/signoff.feed.v1.FeedService/Subscribe",
        "/signoff.gateway.v1.WorkflowService/ListLobs",
        "/signoff.gateway.v1.WorkflowService/ListWorkflows",
        "/signoff.gateway.v1.WorkflowService/SetLobs",
        "/signoff.metrics.v1.MetricsService/GetFreshness",
        "/signoff.metrics.v1.MetricsService/Rebuild",
        "/signoff.versioning.v1.VersioningService/LocateVersion",
    ];
    assert_eq!(without, expected);
}

#[test]
fn what_may_be_about_no_workflow_may_be_read_across() {
    let policy = policy();
    for (path, who) in TABLE {
        let rule = policy.rule(path).unwrap();
        assert_eq!(rule.scope_optional, *who == Who::ReadersAcross, "{path}");
    }
}

#[test]
fn phases_start_with_what_may_come_first_in_them() {
    let policy = policy();
    let starting: Vec<&str> =
        policy.methods().map(|(path, _)| path).filter(|path| policy.starts_phase(path)).collect();
    let expected = [
        "/signoff.audit.v1.AuditPhaseService/RecordChange",
        "/signoff.audit.v1.DataOwnerService/AssignDataOwner",
        "/signoff.audit.v1.DocumentService/SubmitDocument",
        "/signoff.audit.v1.TestExecutionService/RequestAction",
        "/signoff.audit.v1.TestExecutionService/StartExecution",
        "/signoff.versioning.v1.VersioningService/CreateVersion",
    ];
    assert_eq!(starting, expected);
}
