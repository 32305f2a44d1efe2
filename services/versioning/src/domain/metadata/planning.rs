//! Planning (seed 002, part A).

use serde::Deserialize;
use serde_json::Value;

use super::MetadataBody;
use crate::domain::payload::{AttributeDecision, Check, Fields, Object};

/// What a version of Planning says about itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanningMetadata {
    /// Free-form.
    #[serde(default)]
    pub planning_metadata: Option<Object>,
}

impl MetadataBody for PlanningMetadata {
    type Payload = AttributeDecision;
    const NAME: &'static str = "planning";
    const FIELDS: &'static [&'static str] = &["planning_metadata"];

    fn check(&self, check: &mut Check<'_>) {
        check.object("planning_metadata", self.planning_metadata.as_ref());
    }

    fn into_body(self) -> Value {
        Fields::new().object("planning_metadata", self.planning_metadata).into_body()
    }
}
