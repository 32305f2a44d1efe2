//! The gateway in front of both backends, through real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod access;
mod away;
mod closing;
mod cut;
mod graph;
mod judged;
mod killed;
mod members;
mod opening;
mod planning;
mod random;
mod reopening;
#[path = "../../shared/contract/tests/table/mod.rs"]
mod table;
mod unified;
