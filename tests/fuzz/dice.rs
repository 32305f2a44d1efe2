//! Where the randomness comes from.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// Dice of one part of a test: others may throw theirs more often, and these fall the same.
pub(crate) fn dice(seed: u64, part: u64) -> ChaCha8Rng {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    dice.set_stream(part);
    dice
}
