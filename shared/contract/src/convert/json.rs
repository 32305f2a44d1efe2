//! Free-form JSON: `google.protobuf.Struct` and `serde_json::Value`.

use std::fmt::{self, Display};
use std::io;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as WireValue};
use serde_json::{Map, Number, Value};
use signoff_workflow::Violations;

/// Whole numbers up to here are exact as doubles: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How many characters of a key a path shows.
const SHOWN_KEY: usize = 64;

/// The bounds of one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLimits {
    /// Levels of objects and lists, the outermost object being the first.
    pub depth: usize,
    /// Bytes of the object as JSON without spaces.
    pub encoded_bytes: usize,
}

impl Default for JsonLimits {
    /// 16 levels and 64 KiB.
    fn default() -> Self {
        Self { depth: 16, encoded_bytes: 64 * 1024 }
    }
}

/// A JSON value that a `Struct` cannot hold, since it is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object")]
pub struct NotAnObject;

/// A free-form object from the wire; `None` if anything in it was noted as wrong.
///
/// Whole numbers within ±2^53 become integers (-0 becomes 0), others stay doubles; NaN and the
/// infinities are refused, since JSON has none. U+0000 is refused in texts and keys, since the
/// database cannot keep it, and so is a value that is not set.
pub fn json_from_wire(
    object: Struct,
    path: impl Display,
    limits: JsonLimits,
    violations: &mut Violations,
) -> Option<Value> {
    let before = violations.total();
    let value = from_struct(object, &Path::Root(&path), limits.depth, violations);
    if violations.total() > before {
        return None;
    }
    if !fits(&value, limits.encoded_bytes) {
        violations.add(
            path.to_string(),
            format!("is larger than {} bytes as JSON", limits.encoded_bytes),
        );
        return None;
    }
    Some(value)
}

/// A JSON object for the wire. Integers beyond ±2^53 lose digits: a `Struct` has doubles only.
///
/// # Errors
/// [`NotAnObject`] for any other value.
pub fn json_to_wire(value: &Value) -> Result<Struct, NotAnObject> {
    match value {
        Value::Object(fields) => Ok(to_struct(fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(NotAnObject)
        }
    }
}

/// Where a value is; written out only when something is wrong with it.
enum Path<'a> {
    Root(&'a dyn Display),
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(path) => path.fmt(f),
            Self::Key(parent, key) => {
                let shown: String = key.chars().take(SHOWN_KEY).collect();
                if !shown.is_empty()
                    && shown.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                {
                    write!(f, "{parent}.{shown}")
                } else {
                    write!(f, "{parent}[{shown:?}]")
                }
            }
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn from_struct(
    object: Struct,
    path: &Path<'_>,
    levels: usize,
    violations: &mut Violations,
) -> Value {
    let Some(below) = levels.checked_sub(1) else {
        violations.add(path.to_string(), "is nested too deeply");
        return Value::Null;
    };
    let mut fields = Map::new();
    for (key, value) in object.fields {
        let path = Path::Key(path, &key);
        if key.contains('\0') {
            violations.add(path.to_string(), "has the character U+0000 in its name");
        }
        let value = from_value(value, &path, below, violations);
        fields.insert(key, value);
    }
    Value::Object(fields)
}

fn from_list(
    list: ListValue,
    path: &Path<'_>,
    levels: usize,
    violations: &mut Violations,
) -> Value {
    let Some(below) = levels.checked_sub(1) else {
        violations.add(path.to_string(), "is nested too deeply");
        return Value::Null;
    };
    let values = list.values.into_iter().enumerate();
    Value::Array(
        values.map(|(i, v)| from_value(v, &Path::Index(path, i), below, violations)).collect(),
    )
}

fn from_value(
    value: WireValue,
    path: &Path<'_>,
    levels: usize,
    violations: &mut Violations,
) -> Value {
    match value.kind {
        Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::NumberValue(value)) => number(value).map_or_else(
            || {
                violations.add(path.to_string(), "is not a finite number");
                Value::Null
            },
            Value::Number,
        ),
        Some(Kind::StringValue(value)) => {
            if value.contains('\0') {
                violations.add(path.to_string(), "contains the character U+0000");
            }
            Value::String(value)
        }
        Some(Kind::StructValue(object)) => from_struct(object, path, levels, violations),
        Some(Kind::ListValue(list)) => from_list(list, path, levels, violations),
        None => {
            violations.add(path.to_string(), "has no value: send a null instead");
            Value::Null
        }
    }
}

/// The JSON number of a double; `None` if it is not finite.
#[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53 is checked before")]
fn number(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() <= EXACT {
        Some(Number::from(value as i64))
    } else {
        Number::from_f64(value)
    }
}

fn to_struct(fields: &Map<String, Value>) -> Struct {
    Struct { fields: fields.iter().map(|(key, value)| (key.clone(), to_value(value))).collect() }
}

fn to_value(value: &Value) -> WireValue {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        // Without the feature "arbitrary_precision" every number is a double at the least.
        Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or_default()),
        Value::String(value) => Kind::StringValue(value.clone()),
        Value::Array(values) => {
            Kind::ListValue(ListValue { values: values.iter().map(to_value).collect() })
        }
        Value::Object(fields) => Kind::StructValue(to_struct(fields)),
    };
    WireValue { kind: Some(kind) }
}

/// Whether a value takes at most so many bytes as JSON; stops writing when it does not.
fn fits(value: &Value, bytes: usize) -> bool {
    struct Budget(usize);
    impl io::Write for Budget {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(buffer.len()).ok_or(io::ErrorKind::FileTooLarge)?;
            Ok(buffer.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Budget(bytes), value).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(object: Struct, limits: JsonLimits) -> Result<Value, Vec<(String, String)>> {
        let mut violations = Violations::default();
        let value = json_from_wire(object, "phase_data", limits, &mut violations);
        assert_eq!(value.is_some(), violations.is_empty());
        value.ok_or_else(|| {
            let named = violations.named().iter();
            named.map(|v| (v.field.clone(), v.description.clone())).collect()
        })
    }

    fn one(key: &str, kind: Option<Kind>) -> Struct {
        Struct { fields: [(key.to_owned(), WireValue { kind })].into() }
    }

    #[test]
    fn an_object_comes_back_as_it_went() {
        let value = json!({
            "text": "ä\u{1F600}", "whole": 3, "large": 9_007_199_254_740_992_i64, "below": -7,
            "broken": 0.1, "huge": 1e300, "none": null, "yes": true,
            "list": [1, [2, {"a": []}]], "empty": {},
        });
        assert_eq!(taken(json_to_wire(&value).unwrap(), JsonLimits::default()), Ok(value));
    }

    #[test]
    fn only_objects_go_on_the_wire() {
        for value in [json!(null), json!(1), json!([]), json!("a"), json!(true)] {
            assert_eq!(json_to_wire(&value), Err(NotAnObject));
        }
    }

    #[test]
    fn minus_zero_is_zero() {
        let zero = one("n", Some(Kind::NumberValue(-0.0)));
        assert_eq!(taken(zero, JsonLimits::default()).unwrap().to_string(), r#"{"n":0}"#);
    }

    #[test]
    fn what_json_or_the_database_cannot_hold_is_named_by_its_path() {
        let refused = |kind, expected: &str| {
            let inner =
                Struct { fields: [("a".to_owned(), WireValue { kind })].into_iter().collect() };
            let list =
                ListValue { values: vec![WireValue { kind: Some(Kind::StructValue(inner)) }] };
            let outer = one("odd key", Some(Kind::ListValue(list)));
            let faults = taken(outer, JsonLimits::default()).unwrap_err();
            assert_eq!(faults.len(), 1);
            assert_eq!(faults[0].0, r#"phase_data["odd key"][0].a"#);
            assert!(faults[0].1.contains(expected), "{faults:?}");
        };
        refused(Some(Kind::NumberValue(f64::NAN)), "finite");
        refused(Some(Kind::NumberValue(f64::NEG_INFINITY)), "finite");
        refused(Some(Kind::StringValue("a\0".to_owned())), "U+0000");
        refused(None, "no value");
        let faults = taken(one("k\0", Some(Kind::BoolValue(true))), JsonLimits::default());
        assert_eq!(faults.unwrap_err()[0].0, r#"phase_data["k\0"]"#);
    }

    #[test]
    fn depth_counts_the_outermost_object_as_one() {
        let limits = JsonLimits { depth: 3, ..JsonLimits::default() };
        let fits = json_to_wire(&json!({"a": {"b": [1]}})).unwrap();
        assert!(taken(fits, limits).is_ok());
        let deep = json_to_wire(&json!({"a": {"b": [[]]}})).unwrap();
        assert_eq!(taken(deep, limits).unwrap_err()[0].0, "phase_data.a.b[0]");
    }

    #[test]
    fn size_is_that_of_the_json() {
        let value = json!({"a": "bcd"});
        let limit = |encoded_bytes| JsonLimits { encoded_bytes, ..JsonLimits::default() };
        assert!(taken(json_to_wire(&value).unwrap(), limit(11)).is_ok());
        let faults = taken(json_to_wire(&value).unwrap(), limit(10)).unwrap_err();
        assert_eq!(faults[0].0, "phase_data");
    }
}
