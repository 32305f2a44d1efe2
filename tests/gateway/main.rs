//! The gateway in front of both backends, through real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod access;
#[path = "../../shared/contract/tests/table/mod.rs"]
mod table;

mod crowded;
mod edge;
mod ending;
mod hostile;
mod opening;
mod raw;
mod recorder;
mod twice;
