//! Whatever byte of a file is changed, it is noticed.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::sample::{verify, written};
use crate::trail::verifier::sample::short_chain;

/// A chain of four, and the chain of a workflow in which nothing happened.
static FILES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| [written(&short_chain(4)), written(&[])]);

/// The line of a byte, from 1.
fn line_of(file: &[u8], at: usize) -> u64 {
    1 + file[..at].iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Changes one byte, and expects a complaint that names the place.
fn is_noticed(file: &[u8], at: usize, byte: u8) {
    let mut changed = file.to_vec();
    changed[at] = byte;
    let line = line_of(file, at);
    let Ok(found) = verify(&changed) else {
        assert_eq!(line, 1, "byte {at} as {byte}");
        return;
    };
    let fault = found.fault.unwrap_or_else(|| panic!("byte {at} as {byte} is not noticed"));
    let last = line_of(file, file.len() - 1);
    // Of the first line: at the first record, or at the end, where nothing happened.
    let near = fault.line == line || line == 1 && [2, last].contains(&fault.line);
    // A line end that is none joins two lines; one that is new divides one.
    assert!(near, "byte {at} as {byte} of line {line}: {fault}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_is_noticed(
        which in 0..2_usize,
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let file = &FILES[which];
        let at = at.index(file.len());
        is_noticed(file, at, file[at] ^ (1 << bit));
    }

    #[test]
    fn another_byte_is_noticed(
        which in 0..2_usize,
        at in any::<prop::sample::Index>(),
        other in 1..=255_u8,
    ) {
        let file = &FILES[which];
        let at = at.index(file.len());
        is_noticed(file, at, file[at].wrapping_add(other));
    }
}

/// The shortest file, bit by bit.
#[test]
fn every_bit_of_an_empty_chain_is_noticed() {
    let file = &FILES[1];
    for at in 0..file.len() {
        for bit in 0..8 {
            is_noticed(file, at, file[at] ^ (1 << bit));
        }
    }
}
