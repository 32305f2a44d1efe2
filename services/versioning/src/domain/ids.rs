//! Ids that people outside see.

use std::fmt;

use uuid::Uuid;

const ITEM_BITS: u32 = 32;
const VERSION_BITS: u32 = 26;

/// The highest number that a version can have: what fits into a decision id.
pub const MAX_VERSION: i32 = (1 << VERSION_BITS) - 1;

/// One item in one version: a UUIDv8 (RFC 9562) that holds the line's internal number in 64 bits,
/// the item in 32 and the version in 26. Nothing is stored for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId {
    /// The line's internal number.
    pub line_no: i64,
    /// The item's number within the line.
    pub item_no: i32,
    /// The version's number within the line.
    pub version: i32,
}

impl DecisionId {
    /// Its form on the wire.
    pub fn to_uuid(self) -> Uuid {
        let packed = (u128::from(self.line_no.cast_unsigned()) << (ITEM_BITS + VERSION_BITS))
            | (u128::from(self.item_no.cast_unsigned()) << VERSION_BITS)
            | u128::from(self.version.cast_unsigned());
        // Version and variant lie at bits 76..80 and 62..64; the rest is ours.
        let high = packed >> 74;
        let middle = (packed >> 62) & 0xfff;
        let low = packed & ((1 << 62) - 1);
        Uuid::from_u128((high << 80) | (8 << 76) | (middle << 64) | (0b10 << 62) | low)
    }

    /// Reads the form on the wire back; `None` for a UUID that no decision can have.
    pub fn from_uuid(id: Uuid) -> Option<Self> {
        let bits = id.as_u128();
        if (bits >> 76) & 0xf != 8 || (bits >> 62) & 0b11 != 0b10 {
            return None;
        }
        let packed =
            ((bits >> 80) << 74) | (((bits >> 64) & 0xfff) << 62) | (bits & ((1 << 62) - 1));
        let line_no = i64::try_from(packed >> (ITEM_BITS + VERSION_BITS)).ok()?;
        let item_no = i32::try_from((packed >> VERSION_BITS) & 0xffff_ffff).ok()?;
        let version = i32::try_from(packed & ((1 << VERSION_BITS) - 1)).ok()?;
        (line_no > 0 && item_no > 0 && version > 0).then_some(Self { line_no, item_no, version })
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_uuid().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_id_holds_its_parts_reversibly() {
        for line_no in [1, 77, i64::MAX] {
            for item_no in [1, 4096, i32::MAX] {
                for version in [1, 20, MAX_VERSION] {
                    let id = DecisionId { line_no, item_no, version };
                    assert_eq!(id.to_uuid().get_version_num(), 8);
                    assert_eq!(id.to_uuid().get_variant(), uuid::Variant::RFC4122);
                    assert_eq!(DecisionId::from_uuid(id.to_uuid()), Some(id));
                }
            }
        }
    }

    #[test]
    fn a_decision_id_is_written_as_a_uuid() {
        let id = DecisionId { line_no: 1, item_no: 2, version: 3 };
        assert_eq!(id.to_string(), id.to_uuid().to_string());
        assert_eq!(id.to_string(), "00000000-0000-8000-8400-000008000003");
    }

    #[test]
    fn other_uuids_are_no_decision_ids() {
        assert_eq!(DecisionId::from_uuid(Uuid::nil()), None);
        assert_eq!(DecisionId::from_uuid(Uuid::now_v7()), None);
        let id = DecisionId { line_no: 1, item_no: 1, version: 1 }.to_uuid().as_u128();
        let (other_version, other_variant) = (id ^ (1 << 76), id ^ (1 << 62));
        assert_eq!(DecisionId::from_uuid(Uuid::from_u128(other_version)), None);
        assert_eq!(DecisionId::from_uuid(Uuid::from_u128(other_variant)), None);
        for (line_no, item_no, version) in [(0, 1, 1), (1, 0, 1), (1, 1, 0)] {
            let nothing = DecisionId { line_no, item_no, version };
            assert_eq!(DecisionId::from_uuid(nothing.to_uuid()), None);
        }
    }
}
