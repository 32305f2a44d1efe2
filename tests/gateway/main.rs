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
mod crowded;
mod cut;
mod edge;
mod ending;
mod feed;
mod graph;
mod hostile;
mod judged;
mod killed;
mod members;
mod opening;
mod planning;
mod random;
mod raw;
mod recorder;
mod reopening;
#[path = "../../shared/contract/tests/table/mod.rs"]
mod table;
mod twice;
mod unified;
