//! Observation Management (seed 002, part H).

use serde::Deserialize;
use serde_json::Value;

use super::MetadataBody;
use crate::domain::payload::{Check, Fields, Object, Observation};

/// What a version of Observation Management says about itself. Its total is derived.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservationMetadata {
    /// Start, end and scope.
    #[serde(default)]
    pub observation_period: Option<Object>,
}

impl MetadataBody for ObservationMetadata {
    type Payload = Observation;
    const NAME: &'static str = "observation_management";
    const FIELDS: &'static [&'static str] = &["observation_period"];

    fn check(&self, check: &mut Check<'_>) {
        check.object("observation_period", self.observation_period.as_ref());
    }

    fn into_body(self) -> Value {
        Fields::new().object("observation_period", self.observation_period).into_body()
    }
}
