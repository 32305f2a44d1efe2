//! Planning: whether an attribute of the report is tested (seed 002, part A).

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::check::{MAX_NAME, MAX_REASON};
use super::{Check, Fields, NamedKey, Object, PayloadBody, words};

words! {
    /// What is done with the attribute.
    pub enum DecisionType {
        /// It is tested.
        Include = "include",
        /// It is left out.
        Exclude = "exclude",
        /// It is tested in a changed form.
        Modify = "modify",
    }
}

/// A decision on an attribute. Its history of modifications is answered from the lineage, never
/// kept here.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeDecision {
    /// The attribute, which is the item's key.
    pub attribute_id: Uuid,
    /// Its name.
    pub attribute_name: String,
    /// Key attributes find a record; they are not tested themselves.
    pub is_key: bool,
    /// Free-form.
    #[serde(default)]
    pub attribute_data: Option<Object>,
    /// What is done with it.
    pub decision_type: DecisionType,
    /// Why.
    #[serde(default)]
    pub decision_reason: String,
    /// Free-form.
    #[serde(default)]
    pub decision_metadata: Option<Object>,
}

impl PayloadBody for AttributeDecision {
    const KIND: &'static str = "attribute_decision";
    const SCHEMA: i16 = 1;

    fn check(&self, check: &mut Check<'_>) {
        check.required_text("attribute_name", &self.attribute_name, MAX_NAME);
        check.object("attribute_data", self.attribute_data.as_ref());
        check.text("decision_reason", &self.decision_reason, MAX_REASON);
        check.object("decision_metadata", self.decision_metadata.as_ref());
    }

    fn named_key(&self) -> NamedKey<'_> {
        NamedKey::Id { field: "attribute_id", id: self.attribute_id }
    }

    fn into_body(self) -> Value {
        Fields::new()
            .id("attribute_id", self.attribute_id)
            .text("attribute_name", self.attribute_name)
            .flag("is_key", self.is_key)
            .object("attribute_data", self.attribute_data)
            .word("decision_type", self.decision_type.word())
            .text("decision_reason", self.decision_reason)
            .object("decision_metadata", self.decision_metadata)
            .into_body()
    }
}
