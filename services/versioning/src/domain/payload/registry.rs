//! The kinds of payloads by name.

use std::collections::BTreeMap;

use serde_json::Value;
use signoff_workflow::Violations;

use super::content::{Content, PayloadBody, Place, UnknownSchema};
use super::{
    AttributeDecision, Observation, ProfilingRule, ReportSection, Sample, ScopingDecision,
};

/// What can be done with a kind of payload without knowing its type.
#[derive(Clone, Copy, Debug)]
pub struct PayloadSpec {
    kind: &'static str,
    schema: i16,
    ordered: bool,
    place: fn(Value) -> Result<Option<i32>, serde_json::Error>,
    content: fn(Value, String, Place<'_>, &mut Violations) -> Option<Content>,
    upgrade: fn(i16, Value) -> Result<Value, UnknownSchema>,
}

impl PayloadSpec {
    /// The spec of a type.
    pub const fn of<B: PayloadBody>() -> Self {
        Self {
            kind: B::KIND,
            schema: B::SCHEMA,
            ordered: B::ORDERED,
            place: place::<B>,
            content: content::<B>,
            upgrade: B::upgrade,
        }
    }

    /// The name of the kind.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The schema version that is written now.
    pub const fn schema(&self) -> i16 {
        self.schema
    }

    /// Whether the items of a version have places.
    pub const fn is_ordered(&self) -> bool {
        self.ordered
    }
}

/// The place of a body in the newest schema.
fn place<B: PayloadBody>(body: Value) -> Result<Option<i32>, serde_json::Error> {
    serde_json::from_value::<B>(body).map(|body| body.place())
}

/// How much is told of why a body cannot be read, in characters.
const MAX_FAULT: usize = 300;

/// A JSON body as a content.
fn content<B: PayloadBody>(
    body: Value,
    item_key: String,
    place: Place<'_>,
    violations: &mut Violations,
) -> Option<Content> {
    let total_before = violations.total();
    let payload = place.payload;
    let path = format_args!("{payload}.{}", B::KIND);
    match serde_json::from_value::<B>(body) {
        Ok(body) => Content::close(body, item_key, place, path, total_before, violations),
        Err(fault) => {
            // It may quote the input, at any length.
            let fault: String = fault.to_string().chars().take(MAX_FAULT).collect();
            violations.add(path.to_string(), fault);
            None
        }
    }
}

/// Why a body is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// No such kind is registered.
    #[error("no payload is called {kind:?}")]
    UnknownKind {
        /// The kind that was asked for.
        kind: String,
    },
    /// It was written by a newer release.
    #[error(transparent)]
    UnknownSchema(#[from] UnknownSchema),
    /// Its fields are wrong.
    #[error("{} fields are wrong", .0.total())]
    Invalid(Violations),
}

/// The kinds of payloads that a service takes.
#[derive(Clone, Debug, Default)]
pub struct PayloadRegistry(BTreeMap<&'static str, PayloadSpec>);

impl PayloadRegistry {
    /// The six of the phase table.
    pub fn standard() -> Self {
        Self::default()
            .with(PayloadSpec::of::<AttributeDecision>())
            .with(PayloadSpec::of::<ProfilingRule>())
            .with(PayloadSpec::of::<ScopingDecision>())
            .with(PayloadSpec::of::<Sample>())
            .with(PayloadSpec::of::<Observation>())
            .with(PayloadSpec::of::<ReportSection>())
    }

    /// With one more kind, or another spec for a kind that is there.
    #[must_use]
    pub fn with(mut self, spec: PayloadSpec) -> Self {
        self.0.insert(spec.kind, spec);
        self
    }

    /// The kind with this name.
    ///
    /// # Errors
    /// [`PayloadError::UnknownKind`].
    pub fn spec(&self, kind: &str) -> Result<&PayloadSpec, PayloadError> {
        self.0.get(kind).ok_or_else(|| PayloadError::UnknownKind { kind: kind.to_owned() })
    }

    /// The names of all kinds, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// Checks a JSON body of a kind, written in `schema`, and closes it up in the newest schema.
    ///
    /// # Errors
    /// The kind or the schema is not known, or the body is wrong; faults are named by paths that
    /// begin with `item_key` and `payload`.
    pub fn content(
        &self,
        kind: &str,
        schema: i16,
        item_key: String,
        body: Value,
    ) -> Result<Content, PayloadError> {
        let spec = self.spec(kind)?;
        let body = (spec.upgrade)(schema, body)?;
        let mut violations = Violations::default();
        let place = Place { item_key: format_args!("item_key"), payload: format_args!("payload") };
        (spec.content)(body, item_key, place, &mut violations)
            .ok_or(PayloadError::Invalid(violations))
    }

    /// The place of a stored body among the items of its version; `None` where they have none.
    ///
    /// # Errors
    /// The kind or the schema is not known, or the body is none of the kind.
    pub fn place(&self, kind: &str, schema: i16, body: Value) -> Result<Option<i32>, PayloadError> {
        let spec = self.spec(kind)?;
        if !spec.ordered {
            return Ok(None);
        }
        let body = (spec.upgrade)(schema, body)?;
        let unreadable = |fault: serde_json::Error| {
            PayloadError::Invalid(Violations::one("payload", fault.to_string()))
        };
        (spec.place)(body).map_err(unreadable)
    }

    /// Brings a stored body up to the newest schema of its kind.
    ///
    /// # Errors
    /// The kind or the schema is not known.
    pub fn upgrade(&self, kind: &str, schema: i16, body: Value) -> Result<Value, PayloadError> {
        Ok((self.spec(kind)?.upgrade)(schema, body)?)
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
