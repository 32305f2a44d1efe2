//! The rules: pure, without I/O.

pub mod actor;
pub mod counts;
pub mod decision;
pub mod error;
pub mod ids;
pub mod item;
pub mod metadata;
pub mod payload;
pub mod phase;
pub mod states;
pub mod version;
