//! Items for requests.

use prost_types::{Struct, Value, value::Kind};
use signoff_contract::versioning::v1 as wire;
use wire::payload::Kind as PayloadKind;

/// A free-form object with one text.
pub fn object(key: &str, text: &str) -> Struct {
    let value = Value { kind: Some(Kind::StringValue(text.to_owned())) };
    Struct { fields: [(key.to_owned(), value)].into() }
}

/// A payload for a sample.
pub fn sample(key: &str, content: &str) -> wire::Payload {
    wire::Payload {
        kind: Some(PayloadKind::Sample(wire::Sample {
            sample_identifier: key.to_owned(),
            sample_data: Some(object("content", content)),
            sample_type: wire::SampleType::Population.into(),
            lob_id: String::new(),
        })),
    }
}

/// A recommended sample.
pub fn input(key: &str, content: &str) -> wire::DecisionInput {
    wire::DecisionInput {
        item_key: key.to_owned(),
        source: wire::RecommendationSource::Tester.into(),
        payload: Some(sample(key, content)),
        ..Default::default()
    }
}

/// Recommended samples with these numbers.
pub fn inputs(numbers: std::ops::Range<u32>) -> Vec<wire::DecisionInput> {
    numbers.map(|number| input(&format!("S-{number:06}"), "as drawn")).collect()
}
