//! What a person or a program may be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A role. The first four are held on one report, the others everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Puts items forward; approves in Planning.
    Tester,
    /// A tester who also reopens phases. Old clients say "Test Manager".
    TestLead,
    /// Rules and approves in most phases.
    ReportOwner,
    /// Approves the final report.
    TestExecutive,
    /// Reads everything, everywhere.
    Auditor,
    /// Opens and closes workflows, sets their members.
    Admin,
    /// An internal service.
    Service,
    /// The gateway itself: opens and seals phases.
    Gateway,
}

/// A role that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown role {name:?}; known are {known}", known = Role::known())]
pub struct UnknownRole {
    /// The name as it was given.
    pub name: String,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Tester,
        Self::TestLead,
        Self::ReportOwner,
        Self::TestExecutive,
        Self::Auditor,
        Self::Admin,
        Self::Service,
        Self::Gateway,
    ];

    /// Its name in tokens, trails and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tester => "tester",
            Self::TestLead => "test_lead",
            Self::ReportOwner => "report_owner",
            Self::TestExecutive => "test_executive",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Service => "service",
            Self::Gateway => "gateway",
        }
    }

    /// Whether it is held on one report, and means nothing elsewhere.
    pub const fn is_held_on_a_report(self) -> bool {
        matches!(self, Self::Tester | Self::TestLead | Self::ReportOwner | Self::TestExecutive)
    }

    fn known() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    /// Takes its name in any case, with spaces, hyphens or underscores, and "Test Manager".
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let plain = name.trim().to_lowercase().replace([' ', '-'], "_");
        let plain = if plain == "test_manager" { "test_lead" } else { &plain };
        Self::ALL
            .into_iter()
            .find(|role| role.name() == plain)
            .ok_or_else(|| UnknownRole { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_read_back_and_old_names_too() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert_eq!("Test Manager".parse(), Ok(Role::TestLead));
        assert_eq!("report-owner".parse(), Ok(Role::ReportOwner));
    }

    #[test]
    fn a_role_on_a_report_is_none_of_the_company() {
        let on_a_report = [Role::Tester, Role::TestLead, Role::ReportOwner, Role::TestExecutive];
        for role in Role::ALL {
            assert_eq!(role.is_held_on_a_report(), on_a_report.contains(&role), "{role}");
        }
        assert_eq!(Role::TestLead.to_string(), "test_lead");
    }

    #[test]
    fn an_unknown_role_lists_the_known_ones() {
        let error = "boss".parse::<Role>().unwrap_err().to_string();
        assert!(error.contains("boss") && error.contains("test_executive"), "{error}");
    }
}
