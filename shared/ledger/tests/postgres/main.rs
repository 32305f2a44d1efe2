//! The ledger on a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy knows test functions, not what they share"
)]

mod append_only;
mod closing;
mod commands;
mod concurrency;
mod exporting;
mod feed;
mod indexes;
mod kept;
mod pool;
mod provisioning;
mod support;
mod tampering;
