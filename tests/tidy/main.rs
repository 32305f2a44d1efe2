//! Rules of the repository that no compiler checks.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod docs;
mod layers;
mod sources;
mod tree;
