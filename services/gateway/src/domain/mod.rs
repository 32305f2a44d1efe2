//! What the gateway knows, without the wire and without SQL.

pub mod error;
pub mod member;
pub mod roles;
