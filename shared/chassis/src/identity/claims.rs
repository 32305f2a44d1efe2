//! What an assertion says.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use signoff_workflow::{Role, Workflow};
use uuid::Uuid;

use super::jwt::now;

/// The audience of people's and services' own tokens, towards the gateway.
pub const AUDIENCE: &str = "signoff";
/// The audience of assertions, towards the backends.
pub const INTERNAL_AUDIENCE: &str = "signoff-internal";
/// Who issues assertions.
pub const ISSUER: &str = "signoff-gateway";

/// The claims of an assertion. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: [`ISSUER`].
    pub iss: String,
    /// Whom it is for: [`INTERNAL_AUDIENCE`].
    pub aud: String,
    /// When it expires.
    pub exp: u64,
    /// When it was issued.
    pub iat: u64,
    /// The subject of the token that was presented.
    pub sub: String,
    /// Who presented it, as a user id above 0.
    pub signoff_uid: i64,
    /// Roles that are held everywhere.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Roles of the effective person on the report below.
    #[serde(default)]
    pub report_roles: Vec<Role>,
    /// The user id of the person for whom a service or the gateway acts. That person is then the
    /// effective one, and must hold the roles that count; of `roles` only the gateway's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<i64>,
    /// The call that it is good for, as `/package.Service/Method`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The test cycle that it is good for; comes with `report_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle_id: Option<Uuid>,
    /// The report that it is good for; comes with `cycle_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_id: Option<Uuid>,
    /// The number of the phase that it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<i32>,
}

impl Claims {
    /// An assertion about somebody without any role, from now on; it has yet to name its call. The
    /// lifetime is cut to whole seconds.
    pub fn new(user_id: i64, subject: impl Into<String>, lifetime: Duration) -> Self {
        let now = now();
        Self {
            iss: ISSUER.to_owned(),
            aud: INTERNAL_AUDIENCE.to_owned(),
            exp: now.saturating_add(lifetime.as_secs()),
            iat: now,
            sub: subject.into(),
            signoff_uid: user_id,
            roles: Vec::new(),
            report_roles: Vec::new(),
            on_behalf_of: None,
            method: None,
            cycle_id: None,
            report_id: None,
            phase: None,
        }
    }

    /// With these roles, each put where it is held: on the report, or everywhere.
    #[must_use]
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        for role in roles {
            if role.is_held_on_a_report() {
                self.report_roles.push(role);
            } else {
                self.roles.push(role);
            }
        }
        self
    }

    /// For this workflow only.
    #[must_use]
    pub fn on(mut self, workflow: Workflow) -> Self {
        self.cycle_id = Some(workflow.cycle_id);
        self.report_id = Some(workflow.report_id);
        self
    }

    /// For calls of this method only: `/package.Service/Method`.
    #[must_use]
    pub fn calling(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }
}
