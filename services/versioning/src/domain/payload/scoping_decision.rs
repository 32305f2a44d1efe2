//! Scoping: whether an attribute is tested in this cycle (seed 002, part C).

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::check::MAX_REASON;
use super::{Check, Fields, NamedKey, PayloadBody, words};

words! {
    /// How much harm an error would do.
    pub enum RiskRating {
        /// Much.
        High = "high",
        /// Some.
        Medium = "medium",
        /// Little.
        Low = "low",
    }
}

/// A decision on an attribute. Those in scope count for the version's total.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopingDecision {
    /// The attribute, which is the item's key.
    pub attribute_id: Uuid,
    /// Whether it is tested.
    pub is_in_scope: bool,
    /// Why.
    #[serde(default)]
    pub scoping_rationale: String,
    /// How much harm an error would do, if that was rated.
    #[serde(default)]
    pub risk_rating: Option<RiskRating>,
}

impl PayloadBody for ScopingDecision {
    const KIND: &'static str = "scoping_decision";
    const SCHEMA: i16 = 1;

    fn check(&self, check: &mut Check<'_>) {
        check.text("scoping_rationale", &self.scoping_rationale, MAX_REASON);
    }

    fn named_key(&self) -> NamedKey<'_> {
        NamedKey::Id { field: "attribute_id", id: self.attribute_id }
    }

    fn counted(&self) -> bool {
        self.is_in_scope
    }

    fn into_body(self) -> Value {
        Fields::new()
            .id("attribute_id", self.attribute_id)
            .flag("is_in_scope", self.is_in_scope)
            .text("scoping_rationale", self.scoping_rationale)
            .word("risk_rating", self.risk_rating.map(RiskRating::word))
            .into_body()
    }
}
