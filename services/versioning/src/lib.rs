//! The six full-versioning phases: what people put forward, rule on, approve and carry forward.
//!
//! [`domain`] has the rules, [`store`] the SQL, [`commands`] joins them in transactions, [`rpc`]
//! translates between the wire and all of that, [`executions`] asks the audit service, [`serve()`]
//! puts it together. What all writing
//! services have in common is signoff-backend's.

mod backend;
pub mod commands;
pub mod domain;
pub mod executions;
pub mod rpc;
mod serve;
pub mod store;
mod witness;

pub use serve::{SERVED, ServeArgs, Service, migrations, serve};
