//! A payload as it is kept.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::canonical;
use super::check::{Check, MAX_NAME, parse_id, text_fault};

/// A kind of payload: what its fields are, and what makes them valid.
///
/// It is read from JSON by its `Deserialize` and written by [`into_body`](Self::into_body); the
/// two agree, and field names are those of the contract.
pub trait PayloadBody: DeserializeOwned + 'static {
    /// The name of the kind, as the phase table has it.
    const KIND: &'static str;
    /// The schema version that is written now.
    const SCHEMA: i16;
    /// Whether the items of a version have places: no two of them the same.
    const ORDERED: bool = false;

    /// Notes everything that is wrong with its fields.
    fn check(&self, check: &mut Check<'_>);

    /// The field, if any, that an item's key must equal.
    fn named_key(&self) -> NamedKey<'_>;

    /// Whether it counts for the derived total of its version.
    fn counted(&self) -> bool {
        false
    }

    /// Its place among the items of its version, where they have places.
    fn place(&self) -> Option<i32> {
        None
    }

    /// Its JSON form, in the schema [`SCHEMA`](Self::SCHEMA).
    fn into_body(self) -> Value;

    /// Brings a body of an older schema up to [`SCHEMA`](Self::SCHEMA).
    ///
    /// # Errors
    /// The schema is one that this release does not know.
    fn upgrade(schema: i16, body: Value) -> Result<Value, UnknownSchema> {
        if schema == Self::SCHEMA { Ok(body) } else { Err(UnknownSchema::of::<Self>(schema)) }
    }
}

/// A body was written in a schema that this release does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema {schema} of {kind} is not known here; the newest known is {newest}")]
pub struct UnknownSchema {
    /// The kind of payload or metadata.
    pub kind: &'static str,
    /// The schema that it says.
    pub schema: i16,
    /// The newest schema known.
    pub newest: i16,
}

impl UnknownSchema {
    fn of<B: PayloadBody>(schema: i16) -> Self {
        Self { kind: B::KIND, schema, newest: B::SCHEMA }
    }
}

/// What a payload says about its item's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedKey<'a> {
    /// The key equals this id, in any case; it is kept in lower case.
    Id {
        /// The field that names it.
        field: &'static str,
        /// Its value.
        id: Uuid,
    },
    /// The key equals this text exactly.
    Text {
        /// The field that names it.
        field: &'static str,
        /// Its value.
        text: &'a str,
    },
    /// The key is the client's choice.
    Free,
}

/// Where an item stands in a request: the paths under which its faults are named.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The path of the item's key: `decisions[3].item_key`.
    pub item_key: fmt::Arguments<'a>,
    /// The path of its payload: `decisions[3].payload`.
    pub payload: fmt::Arguments<'a>,
}

/// A valid payload, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// What the item is called in its line. An id is in lower case.
    pub item_key: String,
    /// The kind of payload.
    pub kind: &'static str,
    /// The schema version of the body.
    pub schema: i16,
    /// The payload as a JSON object.
    pub body: Value,
    /// SHA-256 over the canonical form of the body.
    pub hash: [u8; 32],
    /// Whether it counts for the derived total of its version.
    pub counted: bool,
}

impl Content {
    /// Checks a payload and its key, and closes it up. `path` is that of the payload's own
    /// message: `decisions[3].payload.sample`. Whatever is wrong is noted, and nothing answered.
    /// A payload already noted as wrong, after `total_before` violations, is checked for the rest
    /// of its faults.
    pub fn close<B: PayloadBody>(
        body: B,
        item_key: String,
        place: Place<'_>,
        path: fmt::Arguments<'_>,
        total_before: usize,
        violations: &mut Violations,
    ) -> Option<Self> {
        check_item_key(&item_key, place.item_key, violations);
        body.check(&mut Check::new(path, violations));
        if violations.total() > total_before {
            return None;
        }
        let item_key = match body.named_key() {
            NamedKey::Id { field, id } if parse_id(&item_key) != Some(id) => {
                unequal(field, path, violations);
                return None;
            }
            NamedKey::Text { field, text } if text != item_key => {
                unequal(field, path, violations);
                return None;
            }
            NamedKey::Id { id, .. } => id.to_string(),
            NamedKey::Text { .. } | NamedKey::Free => item_key,
        };
        let counted = body.counted();
        let body = body.into_body();
        let hash = canonical::hash(&body);
        Some(Self { item_key, kind: B::KIND, schema: B::SCHEMA, body, hash, counted })
    }
}

fn unequal(field: &str, path: fmt::Arguments<'_>, violations: &mut Violations) {
    Check::new(path, violations).refuse(field, "does not equal the item_key");
}

/// Notes what is wrong with the shape of an item's key: 1 to 255 characters, none of them a
/// control character.
pub fn check_item_key(item_key: &str, path: fmt::Arguments<'_>, violations: &mut Violations) {
    let fault = if item_key.is_empty() {
        Some("is required".to_owned())
    } else if item_key.chars().any(char::is_control) {
        Some("contains a control character".to_owned())
    } else {
        text_fault(item_key, MAX_NAME)
    };
    if let Some(fault) = fault {
        violations.add(path.to_string(), fault);
    }
}
