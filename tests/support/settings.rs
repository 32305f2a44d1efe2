//! What a test is told by its environment: how much of it is wanted, and which random choices.

use std::str::FromStr;

/// A number, if one is told.
///
/// # Panics
/// What is told is none: whoever asked for a long form must not get the short one.
pub fn told<T: FromStr>(variable: &str) -> Option<T> {
    let told = std::env::var(variable).ok()?;
    assert!(told.parse::<T>().is_ok(), "{variable} is no number: {told}");
    told.parse().ok()
}

/// The seed of a test's random choices: `SIGNOFF_TEST_SEED`, or any. It is printed, so that a failed
/// test shows it.
#[expect(clippy::print_stdout, reason = "a test shows its output if it fails")]
pub fn seed() -> u64 {
    let seed = told("SIGNOFF_TEST_SEED").unwrap_or_else(|| rand::random_range(0..1 << 32));
    println!("SIGNOFF_TEST_SEED={seed}");
    seed
}
