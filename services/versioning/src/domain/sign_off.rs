//! Sign-offs: one person's, for one role, of one version.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use signoff_backend::{Actor, Fault};
use signoff_workflow::{Role, Violations};
use uuid::Uuid;

use super::error::Error;
use super::states::UnknownValue;

/// pending → signed | rejected; pending | signed → voided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignOffStatus {
    /// Asked for.
    Pending,
    /// Given.
    Signed,
    /// Refused.
    Rejected,
    /// It counts for nothing.
    Voided,
}

impl SignOffStatus {
    const ALL: [Self; 4] = [Self::Pending, Self::Signed, Self::Rejected, Self::Voided];

    /// Its name in the database and in the trail.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Signed => "signed",
            Self::Rejected => "rejected",
            Self::Voided => "voided",
        }
    }

    /// Reads its name back.
    ///
    /// # Errors
    /// The name is unknown.
    pub fn named(name: &str) -> Result<Self, UnknownValue> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| UnknownValue { what: "sign-off status", value: name.to_owned() })
    }

    /// Asked for or given: nobody else is asked for the role meanwhile.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Pending | Self::Signed)
    }
}

/// One person's sign-off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOff {
    /// The line's internal number.
    pub line_no: i64,
    /// The version's number.
    pub number: i32,
    /// The version.
    pub version_id: Uuid,
    /// 1, 2, 3 … in the order in which they were asked for.
    pub sign_off_no: i32,
    /// Its id.
    pub sign_off_id: Uuid,
    /// The role that it is given in.
    pub role: Role,
    /// Where it stands.
    pub status: SignOffStatus,
    /// Grows by one with every change.
    pub revision: i64,
    /// Who is to sign, or did.
    pub user_id: i64,
    /// Who asked.
    pub requested_by: i64,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// Who handed it on last, and why.
    pub delegated: Option<(i64, String)>,
    /// When it was signed or refused.
    pub decided_at: Option<DateTime<Utc>>,
    /// In which words.
    pub comments: Option<String>,
    /// What was signed.
    pub content_digest: Option<Vec<u8>>,
    /// When and why it was voided.
    pub voided: Option<(DateTime<Utc>, String)>,
}

impl SignOff {
    /// The opaque tag that changes with every change.
    pub fn etag(&self) -> String {
        self.revision.to_string()
    }

    /// # Errors
    /// A tag was given and is not the sign-off's.
    pub fn expect_etag(&self, given: Option<&str>) -> Result<(), Error> {
        Ok(Fault::expect_etag(given, self.etag())?)
    }

    /// # Errors
    /// The actor is not the one who is asked, or does not hold the role.
    pub fn expect_signer(&self, actor: &Actor) -> Result<(), Error> {
        let why = if self.user_id != actor.user_id {
            format!("is asked of user {}", self.user_id)
        } else if !actor.holds(self.role) {
            format!("is for the role {}, which you do not hold on this report", self.role)
        } else {
            return Ok(());
        };
        Err(Error::NotTheSigner(Violations::one(self.sign_off_id.to_string(), why)))
    }

    /// # Errors
    /// It is not pending any more.
    pub fn expect_pending(&self) -> Result<(), Error> {
        if self.status == SignOffStatus::Pending {
            return Ok(());
        }
        let what = self.told();
        Err(Error::SignOffState(Violations::one(self.sign_off_id.to_string(), what)))
    }

    /// Where it stands, in words.
    fn told(&self) -> String {
        let user = self.user_id;
        match (self.status, &self.voided) {
            (SignOffStatus::Pending, _) => format!("waits for user {user}"),
            (SignOffStatus::Signed, _) => format!("was signed by user {user}"),
            (SignOffStatus::Rejected, _) => format!("was refused by user {user}"),
            (SignOffStatus::Voided, Some((_, why))) => {
                format!("of user {user} was voided: {why}")
            }
            (SignOffStatus::Voided, None) => format!("of user {user} was voided"),
        }
    }

    /// What the trail says about it before and after a change.
    pub fn summary(&self) -> Value {
        json!({
            "sign_off_id": self.sign_off_id,
            "version_id": self.version_id,
            "sign_off_no": self.sign_off_no,
            "role": self.role.name(),
            "status": self.status.name(),
            "revision": self.revision,
            "user_id": self.user_id,
            "requested_by": self.requested_by,
            "requested_at": self.requested_at,
            "delegated_from": self.delegated.as_ref().map(|(from, _)| from),
            "delegation_reason": self.delegated.as_ref().map(|(_, reason)| reason),
            "decided_at": self.decided_at,
            "comments": self.comments,
            "content_digest": self.content_digest.as_ref().map(hex::encode),
            "voided_at": self.voided.as_ref().map(|(at, _)| at),
            "void_reason": self.voided.as_ref().map(|(_, reason)| reason),
        })
    }
}

/// Nobody signs one version for two roles. `roles`: the other sign-offs that stand in the way.
///
/// # Errors
/// There are some.
pub fn expect_one_role<'a>(
    user_id: i64,
    in_the_way: impl Iterator<Item = &'a SignOff>,
) -> Result<(), Error> {
    let mut violations = Violations::default();
    for other in in_the_way.filter(|other| other.user_id == user_id) {
        violations.add(other.sign_off_id.to_string(), format!("{} {}", other.role, other.told()));
    }
    violations.or(()).map_err(Error::SignsTwice)
}

/// The roles that no sign-off of this content is there for, and why.
///
/// # Errors
/// [`Error::SignOffsMissing`] names each.
pub fn expect_signed(
    required: &[Role],
    all: &[SignOff],
    digest: Option<&[u8]>,
) -> Result<(), Error> {
    let mut missing = Violations::default();
    for role in required {
        let newest = all.iter().filter(|one| one.role == *role).max_by_key(|one| one.sign_off_no);
        let what = match newest {
            None => "was never requested".to_owned(),
            Some(one) if one.status == SignOffStatus::Signed => {
                if one.content_digest.is_some() && one.content_digest.as_deref() == digest {
                    continue;
                }
                format!("was signed by user {}, but for another content", one.user_id)
            }
            Some(one) => one.told(),
        };
        missing.add(role.name(), what);
    }
    missing.or(()).map_err(Error::SignOffsMissing)
}

#[cfg(test)]
#[path = "sign_off_tests.rs"]
mod tests;
