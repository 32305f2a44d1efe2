//! `signoff key`: the key of a gateway that is run by itself.

use anyhow::Result;
use signoff_chassis::identity::{Jwks, SigningKey};

use crate::cli::KeyArgs;
use crate::output;

/// Writes the private half, and prints the public one.
pub(crate) fn run(args: KeyArgs) -> Result<()> {
    let key = SigningKey::generate()?;
    key.save(&args.out)?;
    output::json(&Jwks::of([&key]))
}
