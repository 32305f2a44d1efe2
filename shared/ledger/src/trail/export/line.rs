//! The lines, as they are written and read.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::trail::{Hash, Source};

/// One line. What is not described is refused: a line has one meaning.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line<'a> {
    /// The first.
    Trail(Opening),
    /// A record.
    #[serde(borrow)]
    Record(RecordLine<'a>),
    /// A chunk of the details of the record before it.
    #[serde(borrow)]
    Details(DetailsLine<'a>),
    /// The last.
    End(Closing),
}

/// Which chain it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    pub(super) version: u32,
    pub(super) source: Source,
    #[serde(deserialize_with = "as_written")]
    pub(super) cycle_id: Uuid,
    #[serde(deserialize_with = "as_written")]
    pub(super) report_id: Uuid,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordLine<'a> {
    pub(super) sequence: i64,
    pub(super) format: i16,
    pub(super) previous_hash: Hex,
    pub(super) hash: Hex,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) canonical: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) canonical_hex: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetailsLine<'a> {
    pub(super) sequence: i64,
    pub(super) chunk: i32,
    pub(super) hash: Hex,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) body_hex: Option<Cow<'a, str>>,
}

/// What the file must have held up to here.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Closing {
    pub(super) records: i64,
    /// The hash of the last record.
    pub(super) head: Hex,
    /// The SHA-256 of all bytes before this line.
    pub(super) digest: Hex,
}

/// A hash in hexadecimal, lower case only.
#[derive(Clone, Copy)]
pub(super) struct Hex(pub(super) Hash);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a hash"))
    }
}

/// A UUID in lower case, with hyphens.
fn as_written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    Uuid::parse_str(&text)
        .ok()
        .filter(|id| id.to_string() == text)
        .ok_or_else(|| serde::de::Error::custom("a UUID"))
}

/// Bytes as the two fields that may hold them: text if they are UTF-8, else hexadecimal.
pub(super) fn to_fields(bytes: &[u8]) -> (Option<Cow<'_, str>>, Option<Cow<'_, str>>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.into()), None),
        Err(_) => (None, Some(hex::encode(bytes).into())),
    }
}

/// The bytes that exactly one of two fields holds.
pub(super) fn from_fields(
    text: Option<Cow<'_, str>>,
    hexadecimal: Option<Cow<'_, str>>,
) -> Option<Vec<u8>> {
    match (text, hexadecimal) {
        (Some(text), None) => Some(text.into_owned().into_bytes()),
        (None, Some(text)) => unhex(&text),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    hex::decode(text).ok().filter(|_| lower)
}
