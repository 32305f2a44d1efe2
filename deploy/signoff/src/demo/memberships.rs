//! Who held which role on the report, from when to when, and who gave it: read at the end.

use anyhow::Result;
use serde::Serialize;
use signoff_contract::gateway::v1 as wire;

use super::people::{Cast, Person};
use crate::words::{moment, word};

/// A role that somebody holds, or held.
#[derive(Debug, Serialize)]
pub(super) struct Membership {
    pub(super) user_id: i64,
    pub(super) role: String,
    pub(super) given_at: Option<String>,
    pub(super) given_by: i64,
    pub(super) reason: String,
    /// Null while it is held.
    pub(super) ended_at: Option<String>,
    /// 0 while it is held.
    pub(super) ended_by: i64,
    pub(super) end_reason: String,
}

/// All that were ever held.
pub(super) async fn memberships(reader: &Person) -> Result<Vec<Membership>> {
    let membership = |one: wire::Membership| Membership {
        role: word(one.role().as_str_name(), "ROLE_"),
        user_id: one.user_id,
        given_at: one.given_at.and_then(moment),
        given_by: one.given_by,
        reason: one.reason,
        ended_at: one.ended_at.and_then(moment),
        ended_by: one.ended_by,
        end_reason: one.end_reason,
    };
    Ok(reader.memberships().await?.into_iter().map(membership).collect())
}

impl Membership {
    /// For people.
    pub(super) fn row(&self) -> [String; 7] {
        let time = |at: &Option<String>| match at.as_deref().and_then(|at| at.get(11..23)) {
            Some(time) => time.to_owned(),
            None => String::new(),
        };
        [
            Cast::name_of(self.user_id),
            self.role.clone(),
            time(&self.given_at),
            Cast::name_of(self.given_by),
            time(&self.ended_at),
            Cast::name_of(self.ended_by),
            self.end_reason.clone(),
        ]
    }
}
