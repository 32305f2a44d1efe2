//! What the trails add up to, through real sockets.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::float_cmp, reason = "figures are equal to the last digit")]

mod asking;
mod busy;
mod chain;
mod expected;
mod fake;
mod figures;
mod hostile;
mod killed;
mod oracle;
mod random;
mod rebuild;
mod settled;
mod spread;
mod story;
mod surface;
mod view;
