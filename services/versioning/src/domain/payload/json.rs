//! Bounds of free-form JSON.

use serde_json::{Map, Number, Value};

use super::canonical::write_number;

/// How deep free-form JSON may be nested: the object itself is level 1.
pub const MAX_DEPTH: usize = 16;
/// How long free-form JSON may be, in bytes of its canonical form.
pub const MAX_BYTES: usize = 64 * 1024;

/// What is wrong with an object, in words; nothing if it is within the bounds.
pub(super) fn fault(object: &Map<String, Value>) -> Option<String> {
    let mut bytes = 0;
    if let Err(fault) = measure_object(object, 1, &mut bytes) {
        return Some(fault);
    }
    (bytes > MAX_BYTES).then(|| {
        format!("is {bytes} bytes long when written as JSON; at most {MAX_BYTES} are taken")
    })
}

fn measure_object(
    object: &Map<String, Value>,
    depth: usize,
    bytes: &mut usize,
) -> Result<(), String> {
    within_depth(depth)?;
    *bytes += 2 + object.len().saturating_sub(1);
    for (key, value) in object {
        *bytes += 1 + measure_string(key)?;
        measure(value, depth, bytes)?;
    }
    Ok(())
}

fn measure(value: &Value, depth: usize, bytes: &mut usize) -> Result<(), String> {
    match value {
        Value::Null | Value::Bool(true) => *bytes += 4,
        Value::Bool(false) => *bytes += 5,
        Value::Number(number) => *bytes += measure_number(number)?,
        Value::String(text) => *bytes += measure_string(text)?,
        Value::Array(entries) => {
            within_depth(depth + 1)?;
            *bytes += 2 + entries.len().saturating_sub(1);
            for entry in entries {
                measure(entry, depth + 1, bytes)?;
            }
        }
        Value::Object(object) => measure_object(object, depth + 1, bytes)?,
    }
    Ok(())
}

fn within_depth(depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("is nested more than {MAX_DEPTH} levels deep"));
    }
    Ok(())
}

fn measure_string(text: &str) -> Result<usize, String> {
    let mut bytes = 2 + text.len();
    for byte in text.bytes() {
        bytes += match byte {
            0 => return Err("contains the character U+0000".to_owned()),
            b'"' | b'\\' | 0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 1,
            0x01..0x20 => 5,
            _ => 0,
        };
    }
    Ok(bytes)
}

fn measure_number(number: &Number) -> Result<usize, String> {
    let mut text = Vec::with_capacity(24);
    write_number(number, &mut text);
    // Every number is a double on the wire.
    if !number.is_f64() && text != number.to_string().as_bytes() && !is_exact(number) {
        return Err(format!("contains {number}, which a double cannot hold"));
    }
    Ok(text.len())
}

/// Whether a double holds the integer.
fn is_exact(number: &Number) -> bool {
    number.as_i128() == number.as_f64().map(|double| double as i128)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::canonical::canonical;
    use super::*;

    fn fault_of(value: Value) -> Option<String> {
        let Value::Object(object) = value else { panic!("not an object") };
        fault(&object)
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| {
            (1..levels).fold(json!({}), |inner, level| {
                if level % 2 == 0 { json!({ "k": inner }) } else { json!({ "k": [inner] }) }
            })
        };
        // Ten steps of which five add an array of their own.
        assert_eq!(fault_of(nested(11)), None);
        assert!(fault_of(nested(12)).unwrap().contains("16 levels"));
        let listed =
            |levels| json!({ "k": (1..levels).fold(json!([]), |inner, _| json!([inner])) });
        assert_eq!(fault_of(listed(MAX_DEPTH - 1)), None);
        assert!(fault_of(listed(MAX_DEPTH)).unwrap().contains("16 levels"));
    }

    #[test]
    fn length_is_the_canonical_forms() {
        let awkward =
            json!({"a\"": "\u{1}\n\t\\€😀", "n": [1.0, -0.5, 1e300, null, true, false], "o": {}});
        let Value::Object(object) = &awkward else { unreachable!() };
        let mut bytes = 0;
        measure_object(object, 1, &mut bytes).unwrap();
        assert_eq!(bytes, canonical(&awkward).len());

        assert_eq!(MAX_BYTES, 65_536);
        assert_eq!(fault_of(json!({"k": "x".repeat(MAX_BYTES - 8)})), None);
        assert!(fault_of(json!({"k": "x".repeat(MAX_BYTES - 7)})).is_some());
    }

    #[test]
    fn nul_characters_are_refused_in_values_and_keys() {
        assert!(fault_of(json!({"k": ["a\0"]})).unwrap().contains("U+0000"));
        assert!(fault_of(json!({"\0": 1})).unwrap().contains("U+0000"));
    }

    #[test]
    fn integers_that_a_double_cannot_hold_are_refused() {
        assert!(fault_of(json!({"k": (1_i64 << 53) + 1})).is_some());
        assert!(fault_of(json!({"k": -(1_i64 << 53) - 1})).is_some());
        assert!(fault_of(json!({"k": u64::MAX})).is_some());
        assert_eq!(fault_of(json!({"k": [1_i64 << 53, -(1_i64 << 53), 1_i64 << 60]})), None);
        // What a double of 2^63 comes back as from the database.
        assert_eq!(fault_of(json!({"k": 9_223_372_036_854_776_000_u64})), None);
    }
}
