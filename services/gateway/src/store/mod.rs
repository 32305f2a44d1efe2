//! The statements.

pub mod lobs;
pub mod members;
pub mod workflows;
