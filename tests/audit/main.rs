//! The three audit-only phases, end to end.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod access;
mod calls;
mod common;
mod documents;
mod executions;
mod lane_rules;
mod one_lane;
mod owners;
mod plans;
mod random;
mod replayed;
