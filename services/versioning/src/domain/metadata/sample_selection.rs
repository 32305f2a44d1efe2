//! Sample Selection (seed 002, part D).

use serde::Deserialize;
use serde_json::Value;

use super::{Derived, MetadataBody};
use crate::domain::payload::{Check, Fields, Object, Sample};

/// The largest target size.
pub const MAX_TARGET: i32 = 10_000_000;

/// What a version of Sample Selection says about itself. Its actual size is derived.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleSelectionMetadata {
    /// Free-form.
    #[serde(default)]
    pub selection_criteria: Option<Object>,
    /// How many samples are wanted; 0 if that was left open.
    #[serde(default)]
    pub target_sample_size: i32,
    /// How the samples were found; empty if that was left open.
    #[serde(default)]
    pub generation_methods: Vec<String>,
}

impl SampleSelectionMetadata {
    /// How many samples are wanted: as many as there are, if that was left open.
    pub fn target(&self, derived: &Derived) -> i32 {
        if self.target_sample_size == 0 { derived.total } else { self.target_sample_size }
    }

    /// How the samples were found: by their sources, if that was left open.
    pub fn methods(self, derived: &Derived) -> Vec<String> {
        if self.generation_methods.is_empty() {
            derived.sources.iter().map(|&source| source.to_owned()).collect()
        } else {
            self.generation_methods
        }
    }
}

impl MetadataBody for SampleSelectionMetadata {
    type Payload = Sample;
    const NAME: &'static str = "sample_selection";
    const FIELDS: &'static [&'static str] =
        &["selection_criteria", "target_sample_size", "generation_methods"];

    fn check(&self, check: &mut Check<'_>) {
        check.object("selection_criteria", self.selection_criteria.as_ref());
        if !(0..=MAX_TARGET).contains(&self.target_sample_size) {
            check.refuse("target_sample_size", format!("is not between 0 and {MAX_TARGET}"));
        }
        check.names("generation_methods", &self.generation_methods);
    }

    fn into_body(self) -> Value {
        let fields = Fields::new()
            .object("selection_criteria", self.selection_criteria)
            .texts("generation_methods", self.generation_methods);
        let fields = match self.target_sample_size {
            0 => fields,
            size => fields.integer("target_sample_size", size),
        };
        fields.into_body()
    }
}
