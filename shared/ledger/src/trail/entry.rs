//! What a command says about itself.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{DetailRows, MAX_CANONICAL};

/// The service that keeps a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The six phases whose decisions are versioned.
    Versioning,
    /// The three phases that are audited only.
    Audit,
    /// Workflows and their members.
    Gateway,
}

impl Source {
    /// Its name in trails.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Versioning => "versioning",
            Self::Audit => "audit",
            Self::Gateway => "gateway",
        }
    }
}

/// Where something comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It happened here.
    Native,
    /// It happened in an older system, and was imported as what it is.
    Legacy,
}

impl Origin {
    /// Its name in trails and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Legacy => "legacy",
        }
    }

    /// The origin of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Native, Self::Legacy].into_iter().find(|origin| origin.name() == name)
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailActor {
    /// Whom it counts for.
    pub user_id: i64,
    /// The subject of the token that was presented.
    pub subject: String,
    /// The service that acted on the person's behalf, if one did.
    pub acting_service: Option<String>,
    /// The roles that the actor held.
    pub roles: Vec<String>,
}

/// One change, as the command that makes it describes it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The phase, by its slug; none where it is about the whole workflow.
    pub phase: Option<String>,
    /// What happened: `version.approved`.
    pub action: &'static str,
    /// Who did it.
    pub actor: TrailActor,
    /// The RPC that made the change.
    pub method: String,
    /// The request that made the change.
    pub request_id: Option<Uuid>,
    /// What it happened to: a version id, or the phase.
    pub subject: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// What was before.
    pub before: Option<Value>,
    /// What is after.
    pub after: Option<Value>,
    /// When it happened; kept to the microsecond. For a native change: the command's time.
    pub occurred_at: DateTime<Utc>,
    /// Whether it happened here.
    pub origin: Origin,
    /// The items that it touched, in one or several tables.
    pub details: Vec<DetailRows>,
}

/// Why an entry does not fit into the trail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Its canonical form is too long. What can be long belongs into details.
    #[error("the trail record would have {size} bytes; at most {MAX_CANONICAL} are allowed")]
    TooLarge {
        /// The length in bytes.
        size: usize,
    },
    /// `before` or `after` is nested more deeply than readers of JSON accept.
    #[error("the trail record is nested more deeply than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// It could not be written as JSON.
    #[error("the trail record cannot be written as JSON")]
    Json,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_those_that_trails_have() {
        for source in [Source::Versioning, Source::Audit, Source::Gateway] {
            assert_eq!(json!(source), source.name());
        }
        for origin in [Origin::Native, Origin::Legacy] {
            assert_eq!(json!(origin), origin.name());
            assert_eq!(Origin::from_name(origin.name()), Some(origin));
        }
        assert_eq!(Origin::from_name("elsewhere"), None);
    }
}
