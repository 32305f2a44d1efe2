//! Puts the JSON body of a payload together.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Free-form JSON of a payload.
pub type Object = Map<String, Value>;

/// The fields of a body. What is unset or empty is left out, except for free-form JSON, where
/// empty and unset are two things.
#[derive(Debug, Default)]
pub struct Fields(Object);

impl Fields {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn put(mut self, name: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// A text.
    pub fn text(self, name: &str, value: String) -> Self {
        self.put(name, (!value.is_empty()).then_some(Value::String(value)))
    }

    /// A word of an enum.
    pub fn word(self, name: &str, value: impl Into<Option<&'static str>>) -> Self {
        self.put(name, value.into().map(Value::from))
    }

    /// A yes or no.
    pub fn flag(self, name: &str, value: impl Into<Option<bool>>) -> Self {
        self.put(name, value.into().map(Value::Bool))
    }

    /// A whole number.
    pub fn integer(self, name: &str, value: i32) -> Self {
        self.put(name, Some(Value::from(value)))
    }

    /// An id, in lower case with hyphens.
    pub fn id(self, name: &str, value: impl Into<Option<Uuid>>) -> Self {
        self.put(name, value.into().map(|id| Value::String(id.to_string())))
    }

    /// A date, YYYY-MM-DD.
    pub fn date(self, name: &str, value: Option<NaiveDate>) -> Self {
        self.put(name, value.map(|date| Value::String(date.to_string())))
    }

    /// A time, RFC 3339 in UTC.
    pub fn time(self, name: &str, value: Option<DateTime<Utc>>) -> Self {
        let text = value.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        self.put(name, text.map(Value::String))
    }

    /// Free-form JSON.
    pub fn object(self, name: &str, value: Option<Object>) -> Self {
        self.put(name, value.map(Value::Object))
    }

    /// A list of texts.
    pub fn texts(self, name: &str, values: Vec<String>) -> Self {
        let entries = (!values.is_empty())
            .then(|| Value::Array(values.into_iter().map(Value::String).collect()));
        self.put(name, entries)
    }

    /// A list of ids.
    pub fn ids(self, name: &str, values: Vec<Uuid>) -> Self {
        self.texts(name, values.iter().map(Uuid::to_string).collect())
    }

    /// The body.
    pub fn into_body(self) -> Value {
        Value::Object(self.0)
    }
}
