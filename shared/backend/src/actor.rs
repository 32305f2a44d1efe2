//! Who acts.

use signoff_workflow::{PhaseRow, Role};

/// A person, or a service on their behalf, with the roles that count in the command's scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Whom it counts for.
    pub user_id: i64,
    /// The subject of the token.
    pub subject: String,
    /// The service that acts on the person's behalf, if one does.
    pub acting_service: Option<String>,
    /// The roles held on this report or everywhere.
    pub roles: Vec<Role>,
    /// Whether one of these roles lets them do what they ask for. If not, they may only as a data
    /// owner, which the service must look up.
    pub by_role: bool,
}

impl Actor {
    /// Whether they may put items forward and edit them.
    pub fn is_tester(&self) -> bool {
        self.roles.iter().any(|role| matches!(role, Role::Tester | Role::TestLead))
    }

    /// Whether they hold the role that approves in the phase: in a version that does without the
    /// phase's approver, or in one that does not.
    pub fn approves_in(&self, row: &PhaseRow, waived: bool) -> bool {
        self.roles.iter().any(|role| row.approves_version(*role, waived))
    }

    /// Whether they hold a role.
    pub fn holds(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}
