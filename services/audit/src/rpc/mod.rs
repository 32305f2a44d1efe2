//! Between the wire and the domain: no rules here.

mod call;
mod cases;
mod changes;
mod documents;
mod enums;
mod errors;
mod executions;
mod histories;
mod inputs;
mod owners;
mod service;
mod to_wire;

pub use service::Rpc;
