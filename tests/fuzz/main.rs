//! Whatever comes in from outside: random messages for every method, and bytes for everything that
//! decodes some.
//!
//! | variable | what |
//! | --- | --- |
//! | `SIGNOFF_TEST_MESSAGES` | how many messages the methods are sent in all |
//! | `SIGNOFF_TEST_INPUTS` | how many inputs each decoder is given beside its corpus |
//! | `SIGNOFF_TEST_SEED` | the seed, to see once more what a test printed |

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod decoders;
mod dice;
mod panics;
mod surface;
