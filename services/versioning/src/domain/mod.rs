//! The rules: pure, without I/O.

pub mod counts;
pub mod decision;
pub mod digest;
pub mod error;
pub mod fact;
pub mod ids;
pub mod item;
pub mod metadata;
pub mod payload;
pub mod phase;
pub mod sign_off;
pub mod states;
pub mod version;
