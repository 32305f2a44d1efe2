//! What the end-to-end tests share: a real PostgreSQL, a real server on a real socket, and people
//! who call it.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "what fails here fails the test"
)]

pub mod build;
pub mod database;
pub mod people;
pub mod refusals;
pub mod world;

pub use people::Person;
pub use world::World;
