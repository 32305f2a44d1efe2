//! The three audit-only phases, end to end.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod one_lane;
mod random;
mod replayed;
