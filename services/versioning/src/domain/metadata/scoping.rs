//! Scoping (seed 002, part C).

use serde::Deserialize;
use serde_json::Value;

use super::MetadataBody;
use crate::domain::payload::{Check, Fields, Object, ScopingDecision};

/// What a version of Scoping says about itself. Its totals are derived.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopingMetadata {
    /// Free-form.
    #[serde(default)]
    pub scoping_criteria: Option<Object>,
}

impl MetadataBody for ScopingMetadata {
    type Payload = ScopingDecision;
    const NAME: &'static str = "scoping";
    const FIELDS: &'static [&'static str] = &["scoping_criteria"];

    fn check(&self, check: &mut Check<'_>) {
        check.object("scoping_criteria", self.scoping_criteria.as_ref());
    }

    fn into_body(self) -> Value {
        Fields::new().object("scoping_criteria", self.scoping_criteria).into_body()
    }
}
