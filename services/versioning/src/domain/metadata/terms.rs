//! What a version's metadata means for how the version is ruled on and approved.

use serde_json::Value;

use super::{
    DataProfilingMetadata, Metadata, MetadataBody, ObservationMetadata, PlanningMetadata, SCHEMA,
    SampleSelectionMetadata, ScopingMetadata, TestReportMetadata,
};
use crate::domain::payload::PayloadBody as _;

/// What a version says of its own approval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// It does without the phase's approver.
    pub waives_approver: bool,
    /// The keys of the items that it means to show.
    pub shown_items: Vec<String>,
}

/// Stored metadata cannot be read: a fault of our own.
#[derive(Debug, thiserror::Error)]
#[error("stored metadata {kind:?} of schema {schema} cannot be read")]
pub struct UnreadableTerms {
    kind: &'static str,
    schema: i16,
    source: Option<serde_json::Error>,
}

type Read = fn(i16, Value) -> Result<Terms, UnreadableTerms>;

/// The kinds of metadata, by the payload that goes with them.
const KINDS: [(&str, Read); 6] = [
    kind::<PlanningMetadata>(),
    kind::<DataProfilingMetadata>(),
    kind::<ScopingMetadata>(),
    kind::<SampleSelectionMetadata>(),
    kind::<ObservationMetadata>(),
    kind::<TestReportMetadata>(),
];

const fn kind<M: MetadataBody>() -> (&'static str, Read) {
    (M::Payload::KIND, read::<M>)
}

fn read<M: MetadataBody>(schema: i16, body: Value) -> Result<Terms, UnreadableTerms> {
    let unreadable = |source| UnreadableTerms { kind: M::NAME, schema, source };
    if schema != SCHEMA {
        return Err(unreadable(None));
    }
    let metadata: M = serde_json::from_value(body).map_err(|error| unreadable(Some(error)))?;
    Ok(Terms {
        waives_approver: metadata.waives_approver(),
        shown_items: metadata.shown_items().to_vec(),
    })
}

impl Terms {
    /// What the metadata of a version says, in a phase whose payloads are of `payload_kind`; nothing
    /// special where there is none.
    ///
    /// # Errors
    /// The metadata is not what this release could have stored.
    pub fn of(payload_kind: &str, metadata: Option<Metadata>) -> Result<Self, UnreadableTerms> {
        let known = KINDS.iter().find(|(kind, _)| *kind == payload_kind);
        match (known, metadata) {
            (Some((_, read)), Some(metadata)) => read(metadata.schema, metadata.body),
            (None, _) | (_, None) => Ok(Self::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn terms(kind: &str, body: Value) -> Result<Terms, UnreadableTerms> {
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
