//! What the trails add up to, through real sockets.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod figures;
