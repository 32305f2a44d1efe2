//! Where the randomness comes from, and how much of it is wanted.

use std::str::FromStr;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// What a test is told by its environment.
pub(crate) fn told<T: FromStr>(variable: &str) -> Option<T> {
    let told = std::env::var(variable).ok()?;
    Some(told.parse().ok().unwrap_or_else(|| panic!("{variable} is no number: {told}")))
}

/// The seed of a test, which is printed: a failed test shows it.
pub(crate) fn seed() -> u64 {
    let seed = told("SIGNOFF_TEST_SEED").unwrap_or_else(|| rand::random_range(0..1 << 32));
    println!("SIGNOFF_TEST_SEED={seed}");
    seed
}

/// Dice of one part of a test: others may throw theirs more often, and these fall the same.
pub(crate) fn dice(seed: u64, part: u64) -> ChaCha8Rng {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    dice.set_stream(part);
    dice
}
