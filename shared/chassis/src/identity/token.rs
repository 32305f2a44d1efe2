//! What a token of the identity provider says, where it is minted here.

use std::time::Duration;

use serde::Serialize;
use signoff_workflow::{Role, Workflow};
use uuid::Uuid;

use super::AUDIENCE;
use super::jwt::now;

/// Who issues the tokens of a system on one machine, which has no other identity provider.
pub const LOCAL_ISSUER: &str = "signoff-local";

/// The claims of a token. Times are seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenClaims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// When it expires.
    pub exp: u64,
    /// When it was issued.
    pub iat: u64,
    /// Whom it is about, as the provider names them.
    pub sub: String,
    /// The same as a user id above 0.
    pub signoff_uid: i64,
    /// Roles that are held everywhere. Those that are held on a report come from its members.
    pub roles: Vec<Role>,
    /// The test cycle that it is good for; comes with `report_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle_id: Option<Uuid>,
    /// The report that it is good for; comes with `cycle_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_id: Option<Uuid>,
}

impl TokenClaims {
    /// A token of the local provider about somebody without any role, from now on. The lifetime is
    /// cut to whole seconds.
    pub fn new(user_id: i64, subject: impl Into<String>, lifetime: Duration) -> Self {
        let now = now();
        Self {
            iss: LOCAL_ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: now.saturating_add(lifetime.as_secs()),
            iat: now,
            sub: subject.into(),
            signoff_uid: user_id,
            roles: Vec::new(),
            cycle_id: None,
            report_id: None,
        }
    }

    /// With these roles.
    #[must_use]
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.roles.extend(roles);
        self
    }

    /// For this workflow only.
    #[must_use]
    pub fn on(mut self, workflow: Workflow) -> Self {
        self.cycle_id = Some(workflow.cycle_id);
        self.report_id = Some(workflow.report_id);
        self
    }
}
