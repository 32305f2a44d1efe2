//! Inputs made of other inputs.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// Longest input, in bytes, if none of the corpus is longer.
const LONGEST: usize = 4 * 1024;
/// How many inputs that were accepted are built on, beside those that were there.
const ACCEPTED: usize = 200;
/// Bytes at which something may stumble.
const BYTES: [u8; 14] =
    [0, 1, 9, b'\n', b' ', b'"', b'+', b'-', b'\\', 0x7f, 0x80, 0xc0, 0xed, 0xff];
/// Words at which any reader may stumble.
const WORDS: [&str; 16] = [
    "0",
    "-1",
    "+1",
    "1e999",
    "9223372036854775808",
    "4294967296",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{e9}",
    "%00",
];

/// Makes inputs.
pub(crate) struct Mutator {
    dice: ChaCha8Rng,
    seeds: Vec<Vec<u8>>,
    given: usize,
    words: Vec<Vec<u8>>,
    longest: usize,
}

impl Mutator {
    /// From these inputs, with words of their language.
    pub(crate) fn new(dice: ChaCha8Rng, seeds: Vec<Vec<u8>>, words: &[&str]) -> Self {
        assert!(!seeds.is_empty(), "there is a corpus");
        let words = WORDS.iter().chain(words).map(|word| word.as_bytes().to_vec()).collect();
        let longest = seeds.iter().map(Vec::len).max().unwrap_or_default().max(LONGEST);
        Self { dice, given: seeds.len(), seeds, words, longest }
    }

    /// An input that was accepted: others are made of it, too.
    pub(crate) fn learn(&mut self, input: &[u8]) {
        if self.seeds.len() < self.given + ACCEPTED {
            self.seeds.push(input.to_vec());
        } else {
            let at = self.dice.random_range(self.given..self.seeds.len());
            self.seeds[at] = input.to_vec();
        }
    }

    /// The next input.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut input = self.seeds.choose(&mut self.dice).expect("a seed").clone();
        loop {
            self.change(&mut input);
            if self.dice.random_bool(0.6) {
                input.truncate(self.longest);
                return input;
            }
        }
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let (start, end) = self.stretch(input.len());
        match self.dice.random_range(0..12) {
            0 if start < input.len() => input[start] ^= 1 << self.dice.random_range(0..8),
            1 if start < input.len() => input[start] = *BYTES.choose(&mut self.dice).expect("one"),
            2 => input.insert(start, self.dice.random()),
            3 => drop(input.drain(start..end)),
            4 => input.truncate(start),
            5 => {
                let again = input[start..end].to_vec();
                let at = self.dice.random_range(0..=input.len());
                input.splice(at..at, again);
            }
            6 | 7 => {
                let word = self.words.choose(&mut self.dice).expect("a word").clone();
                let end = if self.dice.random() { start } else { end };
                input.splice(start..end, word);
            }
            8 => {
                let other = self.seeds.choose(&mut self.dice).expect("a seed");
                let from = self.dice.random_range(0..=other.len());
                let to = self.dice.random_range(from..=other.len());
                let part = other[from..to].to_vec();
                input.splice(start..end, part);
            }
            9 if start < input.len() => {
                // Another character of the same kind: most of what is around stays readable.
                let digits = b"0123456789abcdefABCDEFxyzXYZ_-";
                input[start] = *digits.choose(&mut self.dice).expect("one");
            }
            10 if start < input.len() => {
                let at = self.dice.random_range(0..input.len());
                input.swap(start, at);
            }
            _ => {
                if let Some(byte) = input.get_mut(start) {
                    *byte = byte.wrapping_add(self.dice.random_range(1..=255));
                }
            }
        }
    }

    /// A stretch of an input: mostly a short one.
    fn stretch(&mut self, length: usize) -> (usize, usize) {
        let start = self.dice.random_range(0..=length);
        let longest = length - start;
        let longest = if self.dice.random_bool(0.8) { longest.min(16) } else { longest };
        (start, start + self.dice.random_range(0..=longest))
    }
}
