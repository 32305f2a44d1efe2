//! A decision as it stands in one version: what readers see.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::fact::Remediation;
use super::ids::DecisionId;
use super::states::{Origin, RulingState, Source, Standing, VersionState};
use super::version::VersionRef;

/// A payload as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPayload {
    /// The schema that `body` is written in.
    pub schema: i16,
    /// The payload's fields.
    pub body: Value,
}

/// The reviewer's change of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewerChange {
    /// The item as changed.
    pub payload: StoredPayload,
    /// Why.
    pub reason: String,
    /// Who changed it.
    pub made_by: i64,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The reviewer's words.
    pub notes: Option<String>,
}

/// A person and a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// Who.
    pub by: i64,
    /// When.
    pub at: DateTime<Utc>,
}

/// The ruling that gives a decision its standing.
#[derive(Clone, Debug, PartialEq)]
pub struct RulingInForce {
    /// Who ruled or confirmed a modification, and when.
    pub act: Act,
    /// What they said.
    pub notes: Option<String>,
    /// Whether a rejected observation's test is accepted without a finding.
    pub accepted_without_finding: bool,
    /// When it happened and when it was written down.
    pub occurred_at: DateTime<Utc>,
    /// When it was written down here.
    pub recorded_at: DateTime<Utc>,
    /// Made here or imported.
    pub origin: Origin,
}

/// A decision as it stands in one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// The version.
    pub version: VersionRef,
    /// The version's state.
    pub version_state: VersionState,
    /// The version's baseline.
    pub parent: Option<VersionRef>,
    /// The item's key.
    pub item_key: String,
    /// Which content.
    pub rev: i32,
    /// As it was put forward.
    pub payload: StoredPayload,
    /// How it stands.
    pub standing: Standing,
    /// Where the recommendation came from.
    pub source: Source,
    /// Who recommended it, and when.
    pub recommended: Act,
    /// Why.
    pub recommendation_reason: Option<String>,
    /// Parameters of a model and the like.
    pub recommendation_metadata: Option<Value>,
    /// Who edited it last.
    pub edited: Option<Act>,
    /// Why.
    pub edit_reason: Option<String>,
    /// The ruling in force.
    pub ruling: Option<RulingInForce>,
    /// The reviewer's change, if the ruling in force is one.
    pub change: Option<ReviewerChange>,
    /// Who confirmed that change, in this version or before, and when.
    pub confirmed: Option<Act>,
    /// The version that brought the content.
    pub introduced_in: VersionRef,
    /// The version that rejected the key before.
    pub rejected_in: Option<i32>,
    /// When the content was put forward, and written down.
    pub occurred_at: DateTime<Utc>,
    /// When the content was written down here.
    pub recorded_at: DateTime<Utc>,
    /// Made here or imported.
    pub origin: Origin,
    /// How far the item's remedy is, where that was looked up.
    pub remediation: Option<Remediation>,
}

impl Decision {
    /// Whether nobody touched its content since the parent version.
    pub fn is_carried(&self) -> bool {
        self.introduced_in.number < self.version.number
    }

    /// What downstream work reads.
    pub fn effective(&self) -> &StoredPayload {
        self.change.as_ref().map_or(&self.payload, |change| &change.payload)
    }

    /// The same item's decision in another version of the line.
    pub fn id_in(&self, version: i32) -> DecisionId {
        DecisionId { version, ..self.id }
    }
}

/// A ruling on an item, whether or not it is still in force.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRuling {
    /// The version that it was given in.
    pub version: i32,
    /// What it says.
    pub state: RulingState,
    /// Who said so, and when.
    pub act: Act,
    /// In which words.
    pub notes: Option<String>,
    /// The reviewer's change and its reason.
    pub change: Option<(StoredPayload, String)>,
    /// Whether a rejected observation's test is accepted without a finding.
    pub accepted_without_finding: bool,
    /// The version from which on it was no longer in force.
    pub replaced_in: Option<i32>,
    /// Whether it states an earlier one again.
    pub restated: bool,
}

/// Which decisions to list; empty parts let everything through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// How they stand.
    pub standings: Vec<Standing>,
    /// Where they come from, if nobody carried them.
    pub sources: Vec<Source>,
    /// Whether carried ones pass the filter on sources.
    pub carried_source: bool,
    /// Only carried ones, or only others.
    pub carried: Option<bool>,
    /// How the item key begins.
    pub item_key_prefix: String,
}

/// Where a list of decisions goes on: after this one.
#[derive(Clone, Debug)]
pub enum Cursor {
    /// In the order in which the line first saw the items.
    Item(i32),
    /// By item key.
    Key(String),
}

/// One change of an item's content.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// The version in which it was made.
    pub version: i32,
    /// Who changed it, and when.
    pub act: Act,
    /// Why.
    pub reason: Option<String>,
    /// The payload's fields that differ.
    pub changed_fields: Vec<String>,
}

/// How an item differs between two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// In the second only.
    Added,
    /// In the first only.
    Removed,
    /// In both, with another effective payload.
    Changed,
    /// In both, with the same effective payload, ruled differently.
    RuledDifferently,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A decision in the third version, whose content is of this one.
    fn introduced_in(number: i32) -> Decision {
        let version = |number| VersionRef { number, version_id: uuid::Uuid::nil() };
        let act = Act { by: 10, at: DateTime::UNIX_EPOCH };
        Decision {
            id: DecisionId { line_no: 5, item_no: 6, version: 3 },
            version: version(3),
            version_state: VersionState::Draft,
            parent: Some(version(2)),
            item_key: "D.1.1".to_owned(),
            rev: 1,
            payload: StoredPayload { schema: 1, body: Value::Null },
            standing: Standing::Pending,
            source: Source::Tester,
            recommended: act,
            recommendation_reason: None,
            recommendation_metadata: None,
            edited: None,
            edit_reason: None,
            ruling: None,
            change: None,
            confirmed: None,
            introduced_in: version(number),
            rejected_in: None,
            occurred_at: act.at,
            recorded_at: act.at,
            origin: Origin::Native,
            remediation: None,
        }
    }

    #[test]
    fn content_of_an_earlier_version_is_carried() {
        assert!(introduced_in(1).is_carried());
        assert!(introduced_in(2).is_carried());
        assert!(!introduced_in(3).is_carried());
    }

    #[test]
    fn an_item_has_an_id_in_each_version() {
        let there = introduced_in(1).id_in(2);
        assert_eq!(there, DecisionId { line_no: 5, item_no: 6, version: 2 });
    }

    #[test]
    fn a_reviewers_change_is_what_downstream_work_reads() {
        let mut decision = introduced_in(1);
        assert_eq!(decision.effective(), &decision.payload);
        let payload = StoredPayload { schema: 1, body: Value::from("changed") };
        decision.change = Some(ReviewerChange {
            payload: payload.clone(),
            reason: "a slip".to_owned(),
            made_by: 20,
            made_at: DateTime::UNIX_EPOCH,
            notes: None,
        });
        assert_eq!(decision.effective(), &payload);
    }
}
