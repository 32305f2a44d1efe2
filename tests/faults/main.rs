//! What holds when things go wrong.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails the test"
)]

mod at_work;
mod attempts;
mod away;
mod clock;
mod exhausted;
mod full;
mod headers;
mod imports;
mod indexes;
mod kept_plans;
mod killed;
mod lane_indexes;
mod lanes_killed;
mod late;
mod races;
mod reading;
mod rows;
mod sign_offs;
mod tampering;
mod unread;
mod watched;
mod writers;
