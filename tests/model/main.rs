//! The service against small models of itself.

mod choose;
mod driver;
mod line;
mod random;
mod regressions;
mod seen;
mod step;
mod tenth_phase;
