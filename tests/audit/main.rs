//! The three audit-only phases, end to end.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod bad_input;
mod calls;
mod common;
mod document_lists;
mod documents;
mod etags;
mod executions;
mod gates;
mod half_plans;
mod history;
mod idempotency;
mod lane_rules;
mod one_lane;
mod owners;
mod plans;
mod races;
mod random;
mod records;
mod replayed;
