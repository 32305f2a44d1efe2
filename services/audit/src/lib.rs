//! The three audit-only phases: who owns the data, what they submit, and what was tested. Nothing is
//! approved as a version here, but nothing changes without a trace.
//!
//! [`domain`] has the rules, [`store`] the SQL, [`commands`] joins them in transactions, [`rpc`]
//! translates between the wire and all of that, [`serve()`] puts it together. What all writing
//! services have in common is signoff-backend's.

mod backend;
pub mod commands;
pub mod domain;
pub mod rpc;
mod serve;
pub mod store;
mod witness;

pub use serve::{SERVED, ServeArgs, Service, migrations, serve};
