use serde::Deserialize;
use serde_json::json;

use super::super::canonical;
use super::*;
use crate::domain::payload::{Check, Fields, NamedKey};

const ID: &str = "6f9619ff-8b86-d011-b42d-00c04fc964ff";

fn faults(result: Result<Content, PayloadError>) -> Vec<String> {
    match result {
        Err(PayloadError::Invalid(violations)) => {
            violations.named().iter().map(|fault| fault.field.clone()).collect()
        }
        other => panic!("not refused for its fields: {other:?}"),
    }
}

/// A valid body of every kind, with its item key.
fn bodies() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "attribute_decision",
            ID,
            json!({"attribute_id": ID, "attribute_name": "Bank ID", "is_key": true,
                "attribute_data": {"line": 3}, "decision_type": "include",
                "decision_reason": "finds a record", "decision_metadata": {}}),
        ),
        (
            "profiling_rule",
            "R-1",
            json!({"rule_type": "quality_check", "rule_definition": {"max": 10}, "attribute_id": ID}),
        ),
        (
            "scoping_decision",
            ID,
            json!({"attribute_id": ID, "is_in_scope": true, "scoping_rationale": "money",
                "risk_rating": "high"}),
        ),
        (
            "sample",
            "S-1",
            json!({"sample_identifier": "S-1", "sample_data": {"balance": 1250.5},
                "sample_type": "risk_based", "lob_id": ID}),
        ),
        (
            "observation",
            "O-1",
            json!({"observation_type": "compliance_issue", "severity": "critical",
                "observation_data": {"gap": 1}, "execution_ids": [ID],
                "evidence_references": ["doc 1"], "remediation_status": "open",
                "remediation_deadline": "2027-01-31"}),
        ),
        (
            "report_section",
            "summary",
            json!({"section_type": "executive_summary", "section_title": "Summary",
                "section_content": "All is well.", "section_order": 1,
                "content_source": "generated", "source_references": ["O-1"]}),
        ),
    ]
}

#[test]
fn every_kind_is_kept_as_it_came() {
    let registry = PayloadRegistry::standard();
    assert_eq!(registry.kinds().count(), bodies().len());
    for (kind, key, body) in bodies() {
        let content = registry.content(kind, 1, key.to_owned(), body.clone()).unwrap();
        assert_eq!(content.body, body, "{kind}");
        assert_eq!(content.hash, canonical::hash(&body), "{kind}");
        assert_eq!((content.kind, content.schema), (kind, 1));
        assert_eq!(content.counted, kind == "scoping_decision");
        assert_eq!(content.item_key, key);
        assert_eq!(registry.upgrade(kind, 1, body.clone()).unwrap(), body);
    }
}

#[test]
fn unknown_fields_kinds_and_schemas_are_refused() {
    let registry = PayloadRegistry::standard();
    for (kind, key, mut body) in bodies() {
        body["modification_history"] = json!([]);
        let refused = registry.content(kind, 1, key.to_owned(), body.clone());
        assert_eq!(faults(refused), [format!("payload.{kind}")]);
        for schema in [0, 2] {
            assert!(matches!(
                registry.content(kind, schema, key.to_owned(), body.clone()),
                Err(PayloadError::UnknownSchema(UnknownSchema { newest: 1, .. }))
            ));
        }
    }
    assert!(matches!(
        registry.content("seventh", 1, "k".to_owned(), json!({})),
        Err(PayloadError::UnknownKind { .. })
    ));
}

#[test]
fn mandatory_fields_are_mandatory() {
    let registry = PayloadRegistry::standard();
    for (kind, key, body) in bodies() {
        let mandatory: &[&str] = match kind {
            "attribute_decision" => &["attribute_id", "attribute_name", "decision_type"],
            "profiling_rule" => &["rule_type", "attribute_id"],
            "scoping_decision" => &["attribute_id", "is_in_scope"],
            "sample" => &["sample_identifier", "sample_type"],
            "observation" => &["observation_type", "severity"],
            _ => &["section_type", "section_title", "section_order", "content_source"],
        };
        for field in mandatory {
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove(*field);
            assert_eq!(faults(registry.content(kind, 1, key.to_owned(), without)).len(), 1);
        }
    }
}

#[test]
fn fields_out_of_bounds_are_all_named() {
    let registry = PayloadRegistry::standard();
    let section = json!({"section_type": " ", "section_title": "t".repeat(256),
        "section_content": "c".repeat(200_001), "section_order": 0,
        "content_source": "manual", "source_references": ["", "x\0"]});
    assert_eq!(
        faults(registry.content("report_section", 1, "k\n".to_owned(), section)),
        [
            "item_key",
            "payload.report_section.section_type",
            "payload.report_section.section_title",
            "payload.report_section.section_content",
            "payload.report_section.section_order",
            "payload.report_section.source_references[0]",
            "payload.report_section.source_references[1]",
        ]
    );
    let decision = json!({"attribute_id": ID, "attribute_name": "", "is_key": false,
        "attribute_data": {"\0": 1}, "decision_type": "exclude",
        "decision_reason": "r".repeat(4_001), "decision_metadata": {"k": "x".repeat(65_536)}});
    assert_eq!(faults(registry.content("attribute_decision", 1, ID.to_owned(), decision)).len(), 4);
    let observation = json!({"observation_type": "finding", "severity": "low",
        "execution_ids": vec![ID; 1_001], "evidence_references": vec!["e"; 1_001],
        "remediation_status": "s".repeat(256), "remediation_deadline": "+12026-01-01"});
    assert_eq!(faults(registry.content("observation", 1, "k".to_owned(), observation)).len(), 4);
}

#[test]
fn the_only_field_out_of_bounds_is_named() {
    let registry = PayloadRegistry::standard();
    for (kind, field, wrong) in [
        ("profiling_rule", "rule_definition", json!({"k": "\0"})),
        ("scoping_decision", "scoping_rationale", json!("r".repeat(4_001))),
        ("sample", "sample_data", json!({"k": "\0"})),
    ] {
        let (_, key, mut body) = bodies().into_iter().find(|(name, ..)| *name == kind).unwrap();
        body[field] = wrong;
        let refused = registry.content(kind, 1, key.to_owned(), body);
        assert_eq!(faults(refused), [format!("payload.{kind}.{field}")]);
    }
}

#[test]
fn attributes_out_of_scope_are_not_counted() {
    let body = json!({"attribute_id": ID, "is_in_scope": false});
    let content =
        PayloadRegistry::standard().content("scoping_decision", 1, ID.to_owned(), body).unwrap();
    assert!(!content.counted);
}

#[test]
fn sections_alone_have_places() {
    let registry = PayloadRegistry::standard();
    for (kind, _, mut body) in bodies() {
        let is_section = kind == "report_section";
        assert_eq!(registry.spec(kind).unwrap().is_ordered(), is_section);
        if is_section {
            body["section_order"] = json!(7);
        }
        assert_eq!(registry.place(kind, 1, body).unwrap(), is_section.then_some(7));
    }
    assert!(matches!(
        registry.place("report_section", 1, json!({})),
        Err(PayloadError::Invalid(_))
    ));
}

#[test]
fn an_item_key_equals_what_the_payload_names() {
    let registry = PayloadRegistry::standard();
    let with_key = |kind: &str, key: &str| {
        let (_, _, body) = bodies().into_iter().find(|(name, _, _)| *name == kind).unwrap();
        registry.content(kind, 1, key.to_owned(), body)
    };
    let shouted = with_key("scoping_decision", &ID.to_uppercase()).unwrap();
    assert_eq!(shouted.item_key, ID);
    for (kind, field) in [
        ("attribute_decision", "attribute_id"),
        ("scoping_decision", "attribute_id"),
        ("sample", "sample_identifier"),
    ] {
        assert_eq!(faults(with_key(kind, "s-1")), [format!("payload.{kind}.{field}")]);
    }
    for (kind, _, _) in bodies() {
        assert_eq!(faults(with_key(kind, "")), ["item_key"]);
        assert_eq!(faults(with_key(kind, "a\u{7}")), ["item_key"]);
        assert_eq!(faults(with_key(kind, &"€".repeat(256))), ["item_key"]);
    }
    assert!(with_key("profiling_rule", &"€".repeat(255)).is_ok());
}

/// A kind that the product does not have, in its second schema.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Training {
    course: String,
    hours: i32,
}

impl PayloadBody for Training {
    const KIND: &'static str = "training";
    const SCHEMA: i16 = 2;

    fn check(&self, check: &mut Check<'_>) {
        check.required_text("course", &self.course, 20);
    }

    fn named_key(&self) -> NamedKey<'_> {
        NamedKey::Text { field: "course", text: &self.course }
    }

    fn into_body(self) -> Value {
        Fields::new().text("course", self.course).integer("hours", self.hours).into_body()
    }

    fn upgrade(schema: i16, mut body: Value) -> Result<Value, UnknownSchema> {
        match schema {
            1 => {
                body["hours"] = json!(0);
                Ok(body)
            }
            2 => Ok(body),
            _ => Err(UnknownSchema { kind: Self::KIND, schema, newest: Self::SCHEMA }),
        }
    }
}

#[test]
fn a_seventh_kind_is_registered_and_its_old_schema_read() {
    let registry = PayloadRegistry::standard().with(PayloadSpec::of::<Training>());
    let old =
        registry.content("training", 1, "fire".to_owned(), json!({"course": "fire"})).unwrap();
    assert_eq!((old.schema, &old.body), (2, &json!({"course": "fire", "hours": 0})));
    assert_eq!(
        registry.upgrade("training", 1, json!({"course": "fire"})).unwrap(),
        json!({"course": "fire", "hours": 0})
    );
    assert!(registry.upgrade("training", 3, json!({})).is_err());
    let spec = registry.spec("training").unwrap();
    assert_eq!((spec.kind(), spec.schema()), ("training", 2));
}
