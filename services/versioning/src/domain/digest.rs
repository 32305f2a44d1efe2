//! What stands in a version: its order, and the digest that sign-offs bind to.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signoff_workflow::Violations;

use super::payload::canonical;

/// What goes before the content that is hashed, so that its hash means nothing else.
const DOMAIN: &[u8] = b"signoff-content-v1\0";

/// An item that a version holds, with its effective content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its key.
    pub item_key: String,
    /// SHA-256 of the canonical form of its effective payload.
    pub hash: Vec<u8>,
    /// Its place, where items have places.
    pub place: Option<i32>,
    /// Whether it was rejected: it does not stand.
    pub rejected: bool,
}

/// The digest of what would stand if the version were approved now: SHA-256 over [`DOMAIN`] and the
/// canonical JSON (RFC 8785) of its metadata, phase data and items that are not rejected, in order.
pub fn content_digest(
    metadata: Option<&Value>,
    phase_data: Option<&Value>,
    pieces: &[Piece],
) -> [u8; 32] {
    let mut standing: Vec<&Piece> = pieces.iter().filter(|piece| !piece.rejected).collect();
    standing.sort_by(|one, other| in_order(one, other));
    let items: Vec<Value> =
        standing.iter().map(|piece| json!([piece.item_key, hex::encode(&piece.hash)])).collect();
    let content = json!({ "metadata": metadata, "phase_data": phase_data, "items": items });
    Sha256::new()
        .chain_update(DOMAIN)
        .chain_update(canonical::canonical(&content))
        .finalize()
        .into()
}

/// By place, then by key, bytewise.
fn in_order(one: &Piece, other: &Piece) -> Ordering {
    (one.place, one.item_key.as_bytes()).cmp(&(other.place, other.item_key.as_bytes()))
}

/// When the order of a version is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// What is to be shown must be there.
    Submission,
    /// What is to be shown must stand.
    Approval,
}

/// Checks that no two items that stand have the same place, and that the items which the version
/// means to show are there.
///
/// # Errors
/// Every item and every key at fault.
pub fn check_order(pieces: &[Piece], shown: &[String], at: At) -> Result<(), Violations> {
    let mut violations = Violations::default();
    let mut places: BTreeMap<i32, Vec<&str>> = BTreeMap::new();
    for piece in pieces.iter().filter(|piece| !piece.rejected) {
        if let Some(place) = piece.place {
            places.entry(place).or_default().push(&piece.item_key);
        }
    }
    for (place, mut keys) in places.into_iter().filter(|(_, keys)| keys.len() > 1) {
        keys.sort_unstable();
        for key in keys {
            violations.add(key, format!("is not the only one in place {place}"));
        }
    }
    let held: HashMap<&str, bool> =
        pieces.iter().map(|piece| (piece.item_key.as_str(), piece.rejected)).collect();
    for key in shown {
        match (held.get(key.as_str()), at) {
            (None, _) => violations.add(key, "is to be shown, and is not in the version"),
            (Some(true), At::Approval) => violations.add(key, "is to be shown, and is rejected"),
            (Some(true), At::Submission) | (Some(false), _) => {}
        }
    }
    violations.or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(item_key: &str, place: i32) -> Piece {
        let hash = Sha256::digest(item_key).to_vec();
        Piece { item_key: item_key.to_owned(), hash, place: Some(place), rejected: false }
    }

    fn rejected(item_key: &str, place: i32) -> Piece {
        Piece { rejected: true, ..piece(item_key, place) }
    }

    fn named(result: Result<(), Violations>) -> Vec<String> {
        let violations = result.unwrap_err();
        violations.named().iter().map(|one| one.field.clone()).collect()
    }

    #[test]
    fn the_digest_is_as_it_is_described() {
        // Computed apart, from the description: it must never change.
        let pieces = [piece("b", 1), piece("a", 2)];
        let text = concat!(
            r#"{"items":[["b","3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"],"#,
            r#"["a","ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]],"#,
            r#""metadata":{"report_title":"Q3"},"phase_data":null}"#
        );
        let expected: [u8; 32] =
            Sha256::digest([b"signoff-content-v1\0", text.as_bytes()].concat()).into();
        let metadata = json!({"report_title": "Q3"});
        assert_eq!(content_digest(Some(&metadata), None, &pieces), expected);
    }

    #[test]
    fn the_digest_is_of_what_stands_in_its_order() {
        let digest = |pieces: &[Piece]| content_digest(None, None, pieces);
        let both = digest(&[piece("a", 1), piece("b", 2)]);
        assert_eq!(digest(&[piece("b", 2), piece("a", 1)]), both);
        assert_eq!(digest(&[piece("a", 1), piece("b", 2), rejected("c", 3)]), both);
        assert_ne!(digest(&[piece("a", 2), piece("b", 1)]), both);
        assert_ne!(digest(&[piece("a", 1), rejected("b", 2)]), both);
        let changed = Piece { hash: vec![7; 32], ..piece("b", 2) };
        assert_ne!(digest(&[piece("a", 1), changed]), both);
        let data = json!({"k": 1});
        assert_ne!(content_digest(Some(&data), None, &[]), content_digest(None, Some(&data), &[]));
    }

    #[test]
    fn two_items_do_not_share_a_place() {
        let pieces = [piece("b", 1), piece("a", 1), piece("c", 2), rejected("d", 2)];
        assert_eq!(named(check_order(&pieces, &[], At::Submission)), ["a", "b"]);
        assert_eq!(check_order(&pieces[1..], &[], At::Approval), Ok(()));
        let without = |key: &str| Piece { place: None, ..piece(key, 0) };
        assert_eq!(check_order(&[without("a"), without("b")], &[], At::Approval), Ok(()));
    }

    #[test]
    fn what_is_to_be_shown_is_there_and_at_approval_stands() {
        let pieces = [piece("a", 1), rejected("b", 2)];
        let shown = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(named(check_order(&pieces, &shown, At::Submission)), ["c"]);
        assert_eq!(named(check_order(&pieces, &shown, At::Approval)), ["b", "c"]);
    }
}
