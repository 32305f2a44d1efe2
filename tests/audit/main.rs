//! The three audit-only phases, end to end.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;
mod documents;
mod one_lane;
mod owners;
mod plans;
