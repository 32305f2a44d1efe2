//! The one way to write a JSON value, so that its hash means something.
//!
//! This is the JSON Canonicalization Scheme (RFC 8785): no spaces, the keys of an object sorted
//! by their UTF-16 code units, the shortest escapes, and every number as the double that it is,
//! written as ECMAScript does: integral ones up to 10^21 without point or exponent, others with
//! the fewest digits that read back as the same double. Minus zero is zero.
//!
//! PostgreSQL's `jsonb` keeps a number's decimal value but not how it was written (`1e22` comes
//! back as 23 digits, an integral double as an integer). Since the form depends on the double
//! alone, a value has the same bytes before and after it went through `jsonb`.

use std::io::Write as _;

use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

/// Doubles hold every integer up to here.
const EXACT: u64 = 1 << 53;

/// SHA-256 over the canonical form of `value`.
pub fn hash(value: &Value) -> [u8; 32] {
    Sha256::digest(canonical(value)).into()
}

/// The canonical form of `value`: UTF-8.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write_value(value, &mut out);
    out
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(entries) => {
            out.push(b'[');
            for (i, entry) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_value(entry, out);
            }
            out.push(b']');
        }
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (i, (key, entry)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_string(key, out);
                out.push(b':');
                write_value(entry, out);
            }
            out.push(b'}');
        }
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain_from = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            0x00..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain_from..i]);
        plain_from = i + 1;
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            out.extend_from_slice(b"00");
            out.extend_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        }
    }
    out.extend_from_slice(&bytes[plain_from..]);
    out.push(b'"');
}

fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// Writes a number in its canonical form.
pub(super) fn write_number(number: &Number, out: &mut Vec<u8>) {
    if let Some(integer) = number.as_i64().filter(|integer| integer.unsigned_abs() <= EXACT) {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{integer}");
    } else if let Some(double) = number.as_f64() {
        write_double(double, out);
    }
}

/// ECMAScript's `Number::toString`, of a finite double.
fn write_double(double: f64, out: &mut Vec<u8>) {
    if double == 0.0 {
        out.push(b'0');
        return;
    }
    if double < 0.0 {
        out.push(b'-');
    }
    // Rust's `e` format has the digits wanted: the shortest that read back, and of those the
    // nearest.
    let scientific = format!("{:e}", double.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits: Vec<u8> = mantissa.bytes().filter(|&byte| byte != b'.').collect();
    let zeros = |count: i32, out: &mut Vec<u8>| out.extend((0..count).map(|_| b'0'));
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // Digits before the point, if it is written without exponent.
    let whole = exponent + 1;
    if count <= whole && whole <= 21 {
        out.extend_from_slice(&digits);
        zeros(whole - count, out);
    } else if 0 < whole && whole <= 21 {
        let (before, after) = digits.split_at(exponent.unsigned_abs() as usize + 1);
        out.extend_from_slice(before);
        out.push(b'.');
        out.extend_from_slice(after);
    } else if -6 < whole && whole <= 0 {
        out.extend_from_slice(b"0.");
        zeros(-whole, out);
        out.extend_from_slice(&digits);
    } else {
        let (first, rest) = digits.split_at(1);
        out.extend_from_slice(first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        let _ = write!(out, "e{exponent:+}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(value: &Value) -> String {
        String::from_utf8(canonical(value)).unwrap()
    }

    #[test]
    fn numbers_are_written_as_rfc_8785_says() {
        // From appendix B of the RFC, and the edges of integers.
        for (bits, written) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        ] {
            assert_eq!(text(&json!(f64::from_bits(bits))), written);
        }
        assert_eq!(text(&json!([1.0, 1, -3, 0.1, 1234.5])), "[1,1,-3,0.1,1234.5]");
        assert_eq!(text(&json!(u64::MAX)), "18446744073709552000");
    }

    #[test]
    fn keys_are_sorted_and_escapes_are_short() {
        let value = json!({"b": 1, "a": {"z": null, "y": [true, false]}, "\u{e000}": 2, "😀": 3});
        assert_eq!(
            text(&value),
            "{\"a\":{\"y\":[true,false],\"z\":null},\"b\":1,\"😀\":3,\"\u{e000}\":2}"
        );
        assert_eq!(
            text(&json!("\u{20ac}$\u{f}\nA'\u{42}\"\\\u{7f}/")),
            "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\u{7f}/\""
        );
        let control: String = (0..0x20_u8).map(char::from).collect();
        assert_eq!(
            text(&json!(control)),
            r#""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f"#
                .to_owned()
                + r#"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b"#
                + r#"\u001c\u001d\u001e\u001f""#
        );
    }

    #[test]
    fn the_hash_is_of_the_canonical_form() {
        assert_eq!(
            hex::encode(hash(&json!({}))),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(hash(&json!({"a": 1.0, "b": 2})), hash(&json!({"b": 2.0, "a": 1})));
        assert_ne!(hash(&json!({"a": 1})), hash(&json!({"a": "1"})));
    }

    /// Writes numbers out in full, as `jsonb` answers them.
    fn as_jsonb(value: &Value) -> String {
        match value {
            Value::Number(number) if number.is_f64() => {
                format!("{}", number.as_f64().unwrap())
            }
            Value::Array(entries) => {
                format!("[{}]", entries.iter().map(as_jsonb).collect::<Vec<_>>().join(", "))
            }
            Value::Object(object) => {
                let entries: Vec<_> = object
                    .iter()
                    .rev()
                    .map(|(key, entry)| format!("{}: {}", json!(key), as_jsonb(entry)))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            other => other.to_string(),
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let number = any::<f64>().prop_filter("finite", |double| double.is_finite());
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            number.prop_map(|double| json!(double)),
            (-1e17..1e17).prop_map(|double: f64| json!(double.trunc())),
            any::<i64>().prop_map(|integer| json!(integer)),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_form_survives_being_read_and_written(value in any_json()) {
            let form = canonical(&value);
            let read: Value = serde_json::from_slice(&form).unwrap();
            prop_assert_eq!(&canonical(&read), &form);
            let plain: Value = serde_json::from_str(&value.to_string()).unwrap();
            prop_assert_eq!(&canonical(&plain), &form);
            let through_jsonb: Value = serde_json::from_str(&as_jsonb(&value)).unwrap();
            prop_assert_eq!(&canonical(&through_jsonb), &form);
        }
    }
}
