//! The kinds of metadata, by the payloads that go with them.

use signoff_workflow::Violations;

use super::{
    DataProfilingMetadata, Metadata, MetadataBody, ObservationMetadata, PlanningMetadata, SCHEMA,
    SampleSelectionMetadata, ScopingMetadata, Terms, TestReportMetadata,
};
use crate::domain::payload::PayloadBody as _;

/// A kind of metadata, for whoever knows it by name only.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    payload: &'static str,
    /// Its name on the wire.
    pub name: &'static str,
    /// The fields that can be set.
    pub fields: &'static [&'static str],
    pub(super) terms: fn(Metadata) -> Result<Terms, Unreadable>,
    pub(super) faults: fn(Metadata, &mut Violations) -> Result<(), Unreadable>,
}

static KINDS: [Kind; 6] = [
    kind::<PlanningMetadata>(),
    kind::<DataProfilingMetadata>(),
    kind::<ScopingMetadata>(),
    kind::<SampleSelectionMetadata>(),
    kind::<ObservationMetadata>(),
    kind::<TestReportMetadata>(),
];

const fn kind<M: MetadataBody>() -> Kind {
    Kind {
        payload: M::Payload::KIND,
        name: M::NAME,
        fields: M::FIELDS,
        terms: |metadata| Ok(Terms::told_by(&metadata.read::<M>()?)),
        faults: |metadata, violations| {
            let path = format_args!("metadata.{}", M::NAME);
            metadata.read::<M>()?.check(&mut super::Check::new(path, violations));
            Ok(())
        },
    }
}

/// Stored metadata is not what its phase and schema say: a fault of our own.
#[derive(Debug, thiserror::Error)]
#[error("stored metadata {kind:?} of schema {schema} cannot be read")]
pub struct Unreadable {
    kind: &'static str,
    schema: i16,
    source: Option<serde_json::Error>,
}

impl Metadata {
    /// What it says.
    ///
    /// # Errors
    /// It is not what its kind and schema say: a fault of our own.
    pub fn read<M: MetadataBody>(self) -> Result<M, Unreadable> {
        let Self { schema, body } = self;
        let unreadable = |source| Unreadable { kind: M::NAME, schema, source };
        if schema != SCHEMA {
            return Err(unreadable(None));
        }
        serde_json::from_value(body).map_err(|error| unreadable(Some(error)))
    }
}

impl Kind {
    /// The metadata that goes with payloads of this kind.
    pub fn of(payload_kind: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.payload == payload_kind)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// As JSON, with every field that can be set.
    fn full(kind: &Kind) -> Value {
        let value = |field: &str| match field {
            "report_title" | "executive_summary" => "a text".into(),
            "included_sections" | "generation_methods" => serde_json::json!(["one"]),
            "target_sample_size" => 7.into(),
            "requires_executive_approval" => true.into(),
            "generated_at" => "2026-11-20T08:30:00Z".into(),
            "generation_method" => "hybrid".into(),
            _ if field.starts_with("report_period") => "2026-01-01".into(),
            _ if field.ends_with("_id") => "6f9619ff-8b86-d011-b42d-00c04fc964ff".into(),
            _ => serde_json::json!({"free": "form"}),
        };
        kind.fields.iter().map(|field| ((*field).to_owned(), value(field))).collect()
    }

    #[test]
    fn the_fields_of_a_kind_are_those_that_it_keeps() {
        for kind in &KINDS {
            let of =
                |body| (kind.faults)(Metadata { schema: SCHEMA, body }, &mut Violations::default());
            of(full(kind)).unwrap();
            assert!(of(serde_json::json!({"another": 1})).is_err(), "{kind:?}");
        }
        assert_eq!(KINDS.iter().map(|kind| kind.fields.len()).sum::<usize>(), 19);
    }
}
