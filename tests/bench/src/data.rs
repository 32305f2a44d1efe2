//! Samples to put forward: ten fields, about 300 bytes as JSON.

use prost_types::{Struct, Value, value::Kind};
use sha2::{Digest, Sha256};
use signoff_contract::versioning::v1 as wire;
use wire::payload::Kind as PayloadKind;

const PRODUCTS: [&str; 4] = ["credit card", "charge card", "secured card", "business card"];
const REGIONS: [&str; 4] = ["North East", "South", "Midwest", "West"];

/// A sample with a number.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    number: u32,
    /// Which of several contents it has.
    edition: u32,
}

impl Sample {
    /// The sample with this number.
    pub fn new(number: u32) -> Self {
        Self { number, edition: 0 }
    }

    /// With another content.
    #[must_use]
    pub fn edited(self, edition: u32) -> Self {
        Self { edition, ..self }
    }

    /// Samples with these numbers.
    pub fn range(numbers: std::ops::Range<u32>) -> Vec<Self> {
        numbers.map(Self::new).collect()
    }

    /// What it is called.
    pub fn key(self) -> String {
        format!("ACCT-2026-11-{:09}", self.number)
    }

    /// Its payload as it is kept: RFC 8785, which is what is hashed.
    pub fn json(self) -> String {
        let Fields { account, balance, branch, limit, overdue, opened, product, region } =
            self.fields();
        format!(
            "{{\"sample_data\":{{\"account_number\":\"{account}\",\"balance\":{balance},\
             \"branch\":\"{branch}\",\"credit_limit\":{limit},\"currency\":\"USD\",\
             \"days_past_due\":{overdue},\"opened_on\":\"{opened}\",\"product\":\"{product}\",\
             \"region\":\"{region}\",\"status\":\"open, reported to the bureau\"}},\
             \"sample_identifier\":\"{}\",\"sample_type\":\"population\"}}",
            self.key()
        )
    }

    /// The hash of its payload.
    pub fn hash(json: &str) -> [u8; 32] {
        Sha256::digest(json).into()
    }

    /// Its payload for the wire.
    pub fn payload(self) -> wire::Payload {
        let Fields { account, balance, branch, limit, overdue, opened, product, region } =
            self.fields();
        let text = |value: &str| Kind::StringValue(value.to_owned());
        let fields = [
            ("account_number", text(&account)),
            ("balance", Kind::NumberValue(balance)),
            ("branch", text(&branch)),
            ("credit_limit", Kind::NumberValue(f64::from(limit))),
            ("currency", text("USD")),
            ("days_past_due", Kind::NumberValue(f64::from(overdue))),
            ("opened_on", text(&opened)),
            ("product", text(product)),
            ("region", text(region)),
            ("status", text("open, reported to the bureau")),
        ];
        let fields = fields
            .into_iter()
            .map(|(name, kind)| (name.to_owned(), Value { kind: Some(kind) }))
            .collect();
        wire::Payload {
            kind: Some(PayloadKind::Sample(wire::Sample {
                sample_identifier: self.key(),
                sample_data: Some(Struct { fields }),
                sample_type: wire::SampleType::Population.into(),
                lob_id: String::new(),
            })),
        }
    }

    /// As a tester puts it forward.
    pub fn input(self) -> wire::DecisionInput {
        wire::DecisionInput {
            item_key: self.key(),
            source: wire::RecommendationSource::Tester.into(),
            payload: Some(self.payload()),
            ..Default::default()
        }
    }

    fn fields(self) -> Fields {
        let (number, pick) = (self.number, usize::try_from(self.number % 4).unwrap_or_default());
        Fields {
            account: format!("4000-{:04}-{:08}", self.edition, number),
            balance: f64::from(number % 100_000) + 0.25,
            branch: format!("Branch {:03}", number % 500),
            limit: 1000 * (1 + number % 50),
            overdue: number % 90,
            opened: format!("20{:02}-{:02}-17", 10 + number % 15, 1 + number % 12),
            product: PRODUCTS[pick],
            region: REGIONS[pick],
        }
    }
}

struct Fields {
    account: String,
    balance: f64,
    branch: String,
    limit: u32,
    overdue: u32,
    opened: String,
    product: &'static str,
    region: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_ten_fields_and_about_300_bytes() {
        let json = Sample::new(4711).json();
        assert!((280..400).contains(&json.len()), "{} bytes", json.len());
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["sample_data"].as_object().unwrap().len(), 10);
        assert_eq!(read["sample_identifier"], Sample::new(4711).key());
        // The same bytes, however it is written.
        assert_eq!(
            signoff_versioning::domain::payload::canonical::canonical(&read),
            json.as_bytes()
        );
    }
}
