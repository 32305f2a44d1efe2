//! Roles and kinds of phases.

use std::fmt::Display;

use signoff_workflow::{Role, VersioningType, Violations};

use crate::workflow::v1 as wire;

impl From<Role> for wire::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Tester => Self::Tester,
            Role::TestLead => Self::TestLead,
            Role::ReportOwner => Self::ReportOwner,
            Role::TestExecutive => Self::TestExecutive,
            Role::Auditor => Self::Auditor,
            Role::Admin => Self::Admin,
            Role::Service => Self::Service,
            Role::Gateway => Self::Gateway,
        }
    }
}

/// The role behind a value of the wire; `None` where it is unspecified.
pub(crate) fn known_role(role: wire::Role) -> Option<Role> {
    match role {
        wire::Role::Unspecified => None,
        wire::Role::Tester => Some(Role::Tester),
        wire::Role::TestLead => Some(Role::TestLead),
        wire::Role::ReportOwner => Some(Role::ReportOwner),
        wire::Role::TestExecutive => Some(Role::TestExecutive),
        wire::Role::Auditor => Some(Role::Auditor),
        wire::Role::Admin => Some(Role::Admin),
        wire::Role::Service => Some(Role::Service),
        wire::Role::Gateway => Some(Role::Gateway),
    }
}

/// A mandatory role from the wire; `None` with a note if it is unset or unknown.
pub fn role_from_wire(
    number: i32,
    path: impl Display,
    violations: &mut Violations,
) -> Option<Role> {
    let role = wire::Role::try_from(number).ok().and_then(known_role);
    if role.is_none() {
        violations.add(path.to_string(), "is not a known role");
    }
    role
}

/// The kind of a phase for the wire.
pub fn versioning_type_to_wire(kind: VersioningType) -> wire::VersioningType {
    match kind {
        VersioningType::Full => wire::VersioningType::Full,
        VersioningType::AuditOnly => wire::VersioningType::AuditOnly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_comes_back_as_it_went() {
        for role in Role::ALL {
            let mut violations = Violations::default();
            let number = wire::Role::from(role) as i32;
            assert_eq!(role_from_wire(number, "role", &mut violations), Some(role));
        }
    }

    #[test]
    fn unset_and_unknown_roles_are_refused() {
        for number in [0, 9, -1] {
            let mut violations = Violations::default();
            assert_eq!(role_from_wire(number, "members[0].role", &mut violations), None);
            assert_eq!(violations.named()[0].field, "members[0].role");
        }
    }
}
