//! Data Profiling: a rule that the data must pass (seed 002, part B).

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Check, Fields, NamedKey, Object, PayloadBody, words};

words! {
    /// What a rule does.
    pub enum RuleType {
        /// It tells valid values from others.
        Validation = "validation",
        /// It brings values into another form.
        Transformation = "transformation",
        /// It measures how good the data is.
        QualityCheck = "quality_check",
    }
}

/// A rule. The item's key is of the client's choice.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilingRule {
    /// What it does.
    pub rule_type: RuleType,
    /// Free-form.
    #[serde(default)]
    pub rule_definition: Option<Object>,
    /// The attribute that it is about.
    pub attribute_id: Uuid,
}

impl PayloadBody for ProfilingRule {
    const KIND: &'static str = "profiling_rule";
    const SCHEMA: i16 = 1;

    fn check(&self, check: &mut Check<'_>) {
        check.object("rule_definition", self.rule_definition.as_ref());
    }

    fn named_key(&self) -> NamedKey<'_> {
        NamedKey::Free
    }

    fn into_body(self) -> Value {
        Fields::new()
            .word("rule_type", self.rule_type.word())
            .object("rule_definition", self.rule_definition)
            .id("attribute_id", self.attribute_id)
            .into_body()
    }
}
