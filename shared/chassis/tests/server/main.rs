//! Servers as their clients see them, through real sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod door;
mod lifecycle;
mod monitor;
mod shape;
mod support;
