//! The service against small models of itself.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what fails here fails the test, and what it was is told"
)]

mod choose;
mod driver;
mod histories;
mod history;
mod line;
mod random;
mod regressions;
mod replay;
mod rules;
mod seen;
mod send;
mod step;
mod tenth_phase;
