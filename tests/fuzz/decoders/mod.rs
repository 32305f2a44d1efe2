//! Whatever decodes bytes that come from outside, given inputs that are made of a corpus: those in
//! `tests/fuzz/corpus/<decoder>` are tried first, as they are. What once went wrong is kept there.
//!
//! `SIGNOFF_TEST_INPUTS=1000000` tries so many for each decoder; `SIGNOFF_TEST_SEED` tries the same once more.

mod identity;
mod messages;
pub(crate) mod mutate;
mod records;
mod texts;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use signoff_tests::settings::{seed, told};

use crate::dice::dice;
use mutate::Mutator;

/// What takes longer hangs, or is made to: inputs have a few KiB.
const AT_MOST: Duration = Duration::from_secs(5);

/// What became of an input.
pub(crate) enum Outcome {
    /// It was refused.
    Refused,
    /// It was accepted, and is what it should be.
    Accepted,
}

/// What an input is tried on: a fault is what is wrong with what became of it.
pub(crate) type Tried = Result<Outcome, String>;

/// A decoder under test.
pub(crate) struct Decoder<'a> {
    /// The name of its corpus.
    pub(crate) name: &'a str,
    /// Words of its language.
    pub(crate) words: &'a [&'a str],
    /// Good inputs that cannot be kept in a file.
    pub(crate) more: Vec<Vec<u8>>,
    /// How many inputs are made if nothing else is said.
    pub(crate) inputs: usize,
}

impl Decoder<'_> {
    /// Tries the corpus, and what is made of it.
    pub(crate) fn try_all(self, look: impl Fn(&[u8]) -> Tried) {
        let (begun, seed) = (Instant::now(), seed());
        let kept = corpus(self.name);
        let (mut accepted, mut longest) = (0, Duration::ZERO);
        let mut try_one = |input: &[u8]| {
            let begun = Instant::now();
            let tried = catch_unwind(AssertUnwindSafe(|| look(input)));
            let taken = begun.elapsed();
            let fault = match tried {
                Ok(Ok(outcome)) if taken < AT_MOST => {
                    longest = longest.max(taken);
                    return matches!(outcome, Outcome::Accepted);
                }
                Ok(Ok(_)) => format!("it takes {taken:?}"),
                Ok(Err(fault)) => fault,
                Err(_) => "it panics".to_owned(),
            };
            let shown = String::from_utf8_lossy(input);
            panic!("{}, seed {seed}: {fault}\n{shown}\n{}", self.name, hex::encode(input));
        };
        for input in kept.iter().chain(&self.more) {
            accepted += usize::from(try_one(input));
        }
        let seeds: Vec<Vec<u8>> = kept.iter().chain(&self.more).cloned().collect();
        let mut mutator = Mutator::new(dice(seed, 1), seeds, self.words);
        let inputs = told("SIGNOFF_TEST_INPUTS").unwrap_or(self.inputs);
        for _ in 0..inputs {
            let input = mutator.next();
            if try_one(&input) {
                accepted += 1;
                mutator.learn(&input);
            }
        }
        let name = self.name;
        let (kept, taken) = (kept.len(), begun.elapsed());
        println!(
            "{name}: {kept} kept, {inputs} made, {accepted} accepted, the longest took {longest:?}, \
             all {taken:?}"
        );
        assert!(accepted > 0, "{name}: nothing was accepted, so nothing was tried");
    }
}

/// The inputs that are kept for a decoder.
pub(crate) fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// What an input is worth that was read, or not.
fn read<T>(of: Option<T>, check: impl FnOnce(T) -> Result<(), String>) -> Tried {
    match of {
        None => Ok(Outcome::Refused),
        Some(value) => check(value).map(|()| Outcome::Accepted),
    }
}

/// Something must be the same as something else.
fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found:?} and not {expected:?}")) }
}
