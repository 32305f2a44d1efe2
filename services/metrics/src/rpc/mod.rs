//! Between the wire and the numbers. No rules here.

mod inputs;
mod service;
mod to_wire;

pub use service::Rpc;
