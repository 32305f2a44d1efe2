//! What a version's metadata means for how the version is ruled on and approved.

use super::{Kind, Metadata, MetadataBody, Unreadable};

/// What a version says of its own approval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// It does without the phase's approver.
    pub waives_approver: bool,
    /// The keys of the items that it means to show.
    pub shown_items: Vec<String>,
}

impl Terms {
    /// What metadata says of them.
    pub(super) fn told_by(metadata: &impl MetadataBody) -> Self {
        Self {
            waives_approver: metadata.waives_approver(),
            shown_items: metadata.shown_items().to_vec(),
        }
    }

    /// Those of a version in a phase whose payloads are of this kind.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub fn of(payload_kind: &str, metadata: Option<Metadata>) -> Result<Self, Unreadable> {
        match (Kind::of(payload_kind), metadata) {
            (Some(kind), Some(metadata)) => (kind.terms)(metadata),
            (None, _) | (_, None) => Ok(Self::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::SCHEMA;
    use super::*;

    fn terms(kind: &str, body: Value) -> Result<Terms, Unreadable> {
        Terms::of(kind, Some(Metadata { schema: SCHEMA, body }))
    }

    #[test]
    fn only_an_explicit_no_waives_the_approver() {
        let waives = |body| terms("report_section", body).unwrap().waives_approver;
        assert!(waives(json!({"requires_executive_approval": false})));
        assert!(!waives(json!({"requires_executive_approval": true})));
        assert!(!waives(json!({})));
        assert_eq!(Terms::of("report_section", None).unwrap(), Terms::default());
    }

    #[test]
    fn kinds_without_anything_special_say_nothing() {
        for kind in ["attribute_decision", "sample", "a kind of another release"] {
            assert_eq!(terms(kind, json!({})).unwrap(), Terms::default());
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let of = |schema, body| Terms::of("report_section", Some(Metadata { schema, body }));
        assert!(of(SCHEMA + 1, json!({})).is_err());
        assert!(of(SCHEMA, json!({"included_sections": 7})).is_err());
        let shown = of(SCHEMA, json!({"included_sections": ["a", "b"]})).unwrap().shown_items;
        assert_eq!(shown, ["a", "b"]);
    }
}
