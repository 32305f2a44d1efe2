//! Sample Selection: one record of the report to be tested (seed 002, part D).

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::check::MAX_NAME;
use super::{Check, Fields, NamedKey, Object, PayloadBody, words};

words! {
    /// How a sample came to be chosen.
    pub enum SampleType {
        /// It stands for the population.
        Population = "population",
        /// It was looked for.
        Targeted = "targeted",
        /// It carries a risk.
        RiskBased = "risk_based",
    }
}

/// A record to be tested.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// What the record is called, which is the item's key.
    pub sample_identifier: String,
    /// Free-form.
    #[serde(default)]
    pub sample_data: Option<Object>,
    /// How it came to be chosen.
    pub sample_type: SampleType,
    /// The line of business whose data owner answers for it. Unset, its test cases stay
    /// unassigned.
    #[serde(default)]
    pub lob_id: Option<Uuid>,
}

impl PayloadBody for Sample {
    const KIND: &'static str = "sample";
    const SCHEMA: i16 = 1;

    fn check(&self, check: &mut Check<'_>) {
        check.required_text("sample_identifier", &self.sample_identifier, MAX_NAME);
        check.object("sample_data", self.sample_data.as_ref());
    }

    fn named_key(&self) -> NamedKey<'_> {
        NamedKey::Text { field: "sample_identifier", text: &self.sample_identifier }
    }

    fn into_body(self) -> Value {
        Fields::new()
            .text("sample_identifier", self.sample_identifier)
            .object("sample_data", self.sample_data)
            .word("sample_type", self.sample_type.word())
            .id("lob_id", self.lob_id)
            .into_body()
    }
}
