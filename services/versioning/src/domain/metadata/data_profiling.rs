//! Data Profiling (seed 002, part B).

use serde::Deserialize;
use serde_json::Value;

use super::MetadataBody;
use crate::domain::payload::{Check, Fields, Object, ProfilingRule};

/// What a version of Data Profiling says about itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataProfilingMetadata {
    /// Files, tables and the like.
    #[serde(default)]
    pub source_data_reference: Option<Object>,
    /// Free-form.
    #[serde(default)]
    pub profiling_parameters: Option<Object>,
}

impl MetadataBody for DataProfilingMetadata {
    type Payload = ProfilingRule;
    const NAME: &'static str = "data_profiling";
    const FIELDS: &'static [&'static str] = &["source_data_reference", "profiling_parameters"];

    fn check(&self, check: &mut Check<'_>) {
        check.object("source_data_reference", self.source_data_reference.as_ref());
        check.object("profiling_parameters", self.profiling_parameters.as_ref());
    }

    fn into_body(self) -> Value {
        Fields::new()
            .object("source_data_reference", self.source_data_reference)
            .object("profiling_parameters", self.profiling_parameters)
            .into_body()
    }
}
