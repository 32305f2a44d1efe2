//! The messages of the gates are one Rust type for both services: their fields must be the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use prost_reflect::{DescriptorPool, FieldDescriptor, ServiceDescriptor};

const VERSIONING: &str = "signoff.versioning.v1";
const AUDIT: &str = "signoff.audit.v1";

/// All that the encoding of a field depends on, with its name.
fn told(field: &FieldDescriptor) -> (u32, String, String, bool, bool) {
    (
        field.number(),
        field.name().to_owned(),
        format!("{:?}", field.kind()).replace(AUDIT, VERSIONING),
        field.is_list(),
        field.supports_presence(),
    )
}

fn fields(pool: &DescriptorPool, name: &str) -> Vec<(u32, String, String, bool, bool)> {
    pool.get_message_by_name(name).unwrap().fields().map(|field| told(&field)).collect()
}

#[test]
fn both_services_have_the_same_gate_methods_and_messages() {
    let pool = DescriptorPool::decode(signoff_contract::DESCRIPTOR_SET).unwrap();
    let service = |name: &str| -> ServiceDescriptor { pool.get_service_by_name(name).unwrap() };
    let versioning = service("signoff.versioning.v1.VersioningService");
    let names: Vec<String> = versioning.methods().map(|method| method.name().to_owned()).collect();
    let mut compared = 0;
    for method in service("signoff.audit.v1.AuditPhaseService").methods() {
        if ["ListChanges", "RecordChange"].contains(&method.name()) {
            continue;
        }
        assert!(names.contains(&method.name().to_owned()), "{}", method.name());
        for message in [method.input(), method.output()] {
            let versionings = format!("{VERSIONING}.{}", message.name());
            assert_eq!(fields(&pool, message.full_name()), fields(&pool, &versionings));
            compared += 1;
        }
    }
    assert_eq!(compared, 20);
}
