//! Profiling rules that follow from what the schedule says of an attribute.

use serde_json::{Value, json};
use signoff_contract::versioning::v1::RuleType;
use uuid::Uuid;

use super::attributes::Attribute;
use super::format::Format;

/// A rule that somebody would recommend.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its key: "D1-014-length".
    pub key: String,
    /// What it does.
    pub rule_type: RuleType,
    /// The attribute that it is about.
    pub attribute_id: Uuid,
    /// What it checks, and with which parameters.
    pub definition: Value,
    /// Why it is recommended.
    pub reason: String,
}

/// The rules of all attributes, in their order.
pub fn rules(attributes: &[Attribute]) -> Vec<Rule> {
    attributes.iter().flat_map(rules_of).collect()
}

fn rules_of(attribute: &Attribute) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut add = |check: &str, rule_type, parameters: Value, reason: String| {
        rules.push(Rule {
            key: format!("D1-{:03}-{check}", attribute.line_item),
            rule_type,
            attribute_id: attribute.attribute_id,
            definition: json!({
                "check": check,
                "field": attribute.technical_name,
                "parameters": parameters,
            }),
            reason,
        });
    };
    let name = &attribute.name;
    let form = attribute.format.in_words();

    if attribute.mandatory {
        add(
            "not-null",
            RuleType::Validation,
            json!({}),
            format!("{name} is mandatory: no record lacks it"),
        );
    } else {
        add(
            "fill-rate",
            RuleType::QualityCheck,
            json!({"largest_change": 0.1}),
            format!("{name} is optional: the share of records that have it should be steady"),
        );
    }

    match attribute.format {
        Format::Text { length } => {
            add(
                "length",
                RuleType::Validation,
                json!({"at_most": length}),
                format!("{name} is {form}"),
            );
            add(
                "trim",
                RuleType::Transformation,
                json!({"sides": "both"}),
                format!("spaces around {name} carry no meaning"),
            );
        }
        Format::Number { digits, decimals } => {
            add(
                "type",
                RuleType::Validation,
                json!({"digits": digits, "decimals": decimals}),
                format!("{name} is {form}"),
            );
            add(
                "range",
                RuleType::Validation,
                json!({"at_least": "0", "at_most": Format::largest(digits, decimals)}),
                format!("{name} is not negative, and fits into {digits} digits"),
            );
        }
        Format::Date => {
            add(
                "pattern",
                RuleType::Validation,
                json!({"pattern": "^(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$"}),
                format!("{name} is {form}"),
            );
            add(
                "plausible-date",
                RuleType::QualityCheck,
                json!({"not_before": "19500101", "calendar": true}),
                format!("{name} is a day that existed"),
            );
        }
    }

    match (attribute.is_key, attribute.dynamic, attribute.format) {
        // Keys are compared with each other below, not over time.
        (true, _, _) => {}
        (false, false, _) => add(
            "unchanged",
            RuleType::QualityCheck,
            json!({"against": "previous period"}),
            format!("{name} is static: it is what it was a month ago"),
        ),
        (false, true, Format::Number { digits: 1 | 2, .. }) => add(
            "shares",
            RuleType::QualityCheck,
            json!({"against": "previous period", "largest_change": 0.05}),
            format!("the codes of {name} should occur about as often as a month ago"),
        ),
        (false, true, Format::Number { .. }) => add(
            "outliers",
            RuleType::QualityCheck,
            json!({"against": "previous period", "deviations": 4}),
            format!("values of {name} far from the others are looked at"),
        ),
        (false, true, Format::Text { .. } | Format::Date) => {}
    }

    if attribute.is_key {
        let within = match attribute.technical_name.as_str() {
            "ReferenceNumber" => json!({"unique_within": "period"}),
            "CustomerId" => json!({"distinct_per": "ReferenceNumber", "at_most": 1}),
            _ => json!({"distinct_per": "file", "at_most": 1}),
        };
        add(
            "unique",
            RuleType::QualityCheck,
            within,
            format!("{name} is a key: it finds a record beyond doubt"),
        );
    }
    rules
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::super::attributes::attributes;
    use super::*;

    #[test]
    fn there_are_several_hundred_with_keys_of_their_own() {
        let attributes = attributes().unwrap();
        let rules = rules(&attributes);
        assert_eq!(rules.len(), 461);
        let keys: HashSet<_> = rules.iter().map(|rule| rule.key.as_str()).collect();
        assert_eq!(keys.len(), rules.len());
        assert!(keys.contains("D1-005-length"));
        let mut per_type = HashMap::new();
        for rule in &rules {
            *per_type.entry(rule.rule_type).or_insert(0) += 1;
        }
        assert_eq!(per_type.len(), 3, "{per_type:?}");
        for attribute in &attributes {
            let count =
                rules.iter().filter(|rule| rule.attribute_id == attribute.attribute_id).count();
            assert!(count >= 3, "{} {count}", attribute.name);
        }
    }

    #[test]
    fn rules_follow_from_the_schedule() {
        let attributes = attributes().unwrap();
        let checks = |name: &str| -> Vec<String> {
            let attribute = attributes.iter().find(|one| one.technical_name == name).unwrap();
            let rules = rules_of(attribute);
            rules.iter().map(|rule| rule.key.splitn(3, '-').nth(2).unwrap().to_owned()).collect()
        };
        assert_eq!(checks("ReferenceNumber"), ["not-null", "length", "trim", "unique"]);
        assert_eq!(checks("CycleEndingBalance"), ["not-null", "type", "range", "outliers"]);
        assert_eq!(checks("FraudFlag"), ["not-null", "type", "range", "shares"]);
        assert_eq!(checks("Basel2PD"), ["fill-rate", "type", "range", "outliers"]);
        assert_eq!(
            checks("AccountOriginationDate"),
            ["not-null", "pattern", "plausible-date", "unchanged"]
        );
    }
}
