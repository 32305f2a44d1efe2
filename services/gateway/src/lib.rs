//! The only door for people: who somebody is, what they may, in which order phases go on.
//!
//! [`door`] finds out who calls and about what, [`forward`] sends calls on to the backends,
//! [`protocol`] says how phases are opened and reopened and [`phases`] does it, [`board`] joins what
//! both backends know. [`rpc`] and [`http`] are the gateway's own services; [`domain`], [`store`] and
//! [`commands`] its own records.

pub mod board;
pub mod commands;
pub mod domain;
pub mod door;
pub mod forward;
mod gateway;
mod health;
pub mod http;
pub mod phases;
pub mod plan;
pub mod protocol;
pub mod rpc;
mod serve;
pub mod store;
mod witness;

pub use gateway::Gateway;
pub use serve::{GatewayArgs, Service, migrations, serve};
