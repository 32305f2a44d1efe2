//! Records as they are stored, and what their bytes say.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Origin, Source};

/// A SHA-256.
pub type Hash = [u8; 32];

/// What every record's hash begins with, so that it is the hash of nothing else.
const DOMAIN: &[u8] = b"signoff-trail-v1\0";

/// The last record of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Head {
    /// 1, 2, 3 … without gaps; 0 for an empty chain.
    pub sequence: i64,
    /// The record's hash; zeros for an empty chain.
    pub hash: Hash,
}

impl Head {
    /// The head of a chain without records.
    pub const EMPTY: Self = Self { sequence: 0, hash: [0; 32] };
}

/// A record as it is stored: its bytes and hashes, and the columns that repeat parts of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number in the chain.
    pub sequence: i64,
    /// The version of the canonical form.
    pub format: i16,
    /// The bytes that were hashed.
    pub canonical: Vec<u8>,
    /// The hash of the previous hash and the bytes.
    pub hash: Hash,
    /// The hash of the record before; zeros for the first.
    pub previous_hash: Hash,
    /// The phase, by its slug.
    pub phase: Option<String>,
    /// What happened.
    pub action: String,
    /// Whom it counts for.
    pub actor: i64,
    /// What it happened to.
    pub subject: String,
    /// The request that made the change.
    pub request_id: Option<Uuid>,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Where it happened.
    pub origin: Origin,
}

impl Record {
    /// What its bytes say.
    ///
    /// # Errors
    /// The bytes are not a record of a known format.
    pub fn content(&self) -> Result<Content, serde_json::Error> {
        serde_json::from_slice(&self.canonical)
    }

    /// The record without its columns.
    pub fn link(&self) -> Link<'_> {
        Link {
            sequence: self.sequence,
            format: self.format,
            canonical: &self.canonical,
            hash: self.hash,
            previous_hash: self.previous_hash,
        }
    }
}

/// What a chain is made of: a record without the columns that repeat parts of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Its number in the chain.
    pub sequence: i64,
    /// The version of the canonical form.
    pub format: i16,
    /// The bytes that were hashed.
    pub canonical: &'a [u8],
    /// The hash of the previous hash and the bytes.
    pub hash: Hash,
    /// The hash of the record before; zeros for the first.
    pub previous_hash: Hash,
}

impl Link<'_> {
    /// Whether the hash is that of the bytes and of the hash before.
    pub fn is_intact(&self) -> bool {
        record_hash(&self.previous_hash, self.canonical) == self.hash
    }
}

/// What the bytes of a record say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Content {
    /// What happened: `version.approved`.
    pub action: String,
    /// Who did it.
    pub actor: Actor,
    /// What is after.
    pub after: Option<Value>,
    /// What was before.
    pub before: Option<Value>,
    /// The test cycle.
    pub cycle_id: Uuid,
    /// The items that it touched.
    pub details: Option<Details>,
    /// The version of the canonical form.
    pub format: i16,
    /// The RPC that made the change.
    pub method: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Where it happened.
    pub origin: Origin,
    /// The phase, by its slug; none where it is about the whole workflow.
    pub phase: Option<String>,
    /// The hash of the record before; zeros for the first.
    #[serde(deserialize_with = "from_hex")]
    pub previous_hash: Hash,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
    /// The report under test.
    pub report_id: Uuid,
    /// The request that made the change.
    pub request_id: Option<Uuid>,
    /// The record's number in the chain.
    pub sequence: i64,
    /// The service that keeps the chain.
    pub source: Source,
    /// What it happened to.
    pub subject: String,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Actor {
    /// The service that acted on the person's behalf, if one did.
    pub acting_service: Option<String>,
    /// The roles that the actor held.
    pub roles: Vec<String>,
    /// The subject of the token that was presented.
    pub subject: String,
    /// Whom it counts for.
    pub user_id: i64,
}

/// What a record says about its details.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Details {
    /// How many chunks there are.
    pub chunks: i32,
    /// The SHA-256 of the chunks' hashes, one after the other.
    #[serde(deserialize_with = "from_hex")]
    pub root: Hash,
    /// How many rows there are in all chunks together.
    pub touched: i64,
}

/// The hash of a record.
pub(crate) fn record_hash(previous: &Hash, canonical: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(previous);
    hasher.update(canonical);
    hasher.finalize().into()
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut hash = [0; 32];
    hex::decode_to_slice(&text, &mut hash).map_err(serde::de::Error::custom)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_format_is_right() {
        let hash = hex::encode(record_hash(&[0; 32], br#"{"sequence":1}"#));
        assert!(include_str!("../../FORMAT.md").contains(&hash));
    }

    #[test]
    fn a_link_is_intact_if_its_hash_is_that_of_what_it_says() {
        let (previous_hash, canonical) = ([1; 32], br#"{"sequence":2}"#);
        let hash = record_hash(&previous_hash, canonical);
        let link = Link { sequence: 2, format: 1, canonical, hash, previous_hash };
        assert!(link.is_intact());
        assert!(!Link { canonical: br#"{"sequence":3}"#, ..link }.is_intact());
        assert!(!Link { previous_hash: [0; 32], ..link }.is_intact());
        assert!(!Link { hash: previous_hash, ..link }.is_intact());
    }
}
