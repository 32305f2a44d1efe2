//! Bytes that nobody's encoder writes.

use prost::encoding::{WireType, encode_key, encode_varint};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// Spoils the bytes of a message; `other` are those of another one.
pub(crate) fn spoilt(mut bytes: Vec<u8>, other: &[u8], dice: &mut ChaCha8Rng) -> Vec<u8> {
    match dice.random_range(0..11) {
        0 => bytes.truncate(dice.random_range(0..=bytes.len())),
        1 => {
            for _ in 0..dice.random_range(1..4) {
                if !bytes.is_empty() {
                    let at = dice.random_range(0..bytes.len());
                    bytes[at] ^= 1 << dice.random_range(0..8);
                }
            }
        }
        2 => {
            let at = dice.random_range(0..=bytes.len());
            bytes.insert(at, dice.random());
        }
        3 => bytes.extend_from_slice(other),
        4 => {
            // A field that nobody knows.
            encode_key(dice.random_range(1000..536_870_911), WireType::LengthDelimited, &mut bytes);
            encode_varint(3, &mut bytes);
            bytes.extend([1, 2, 3]);
        }
        5 => {
            // A known field of another kind.
            encode_key(dice.random_range(1..12), WireType::Varint, &mut bytes);
            encode_varint(dice.random(), &mut bytes);
        }
        6 => {
            encode_key(dice.random_range(1..12), WireType::ThirtyTwoBit, &mut bytes);
            bytes.extend([0xff; 4]);
        }
        7 => {
            // No UTF-8, in a field that may be a text.
            encode_key(dice.random_range(1..12), WireType::LengthDelimited, &mut bytes);
            encode_varint(4, &mut bytes);
            bytes.extend([0xed, 0xa0, 0x80, 0xc0]);
        }
        8 => {
            // Longer than there are bytes.
            encode_key(dice.random_range(1..12), WireType::LengthDelimited, &mut bytes);
            encode_varint(dice.random_range(1..u64::MAX), &mut bytes);
        }
        9 => {
            // Groups without an end, and a number that has none.
            bytes.extend(std::iter::repeat_n(0x0b, dice.random_range(1..300)));
            bytes.extend([0xff; 11]);
        }
        _ => {
            let length = dice.random_range(0..200);
            bytes = (0..length).map(|_| dice.random()).collect();
        }
    }
    bytes
}
