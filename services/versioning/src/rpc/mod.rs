//! Between the wire and the domain: no rules here.

mod changes;
mod decision;
mod errors;
mod executions;
mod export;
mod facts;
mod import;
mod inputs;
mod mask;
mod metadata;
mod payload;
mod reads;
mod service;
mod sign_offs;
mod version;

pub use metadata::{CorruptMetadata, metadata_from_wire, metadata_to_wire};
pub use payload::{CorruptPayload, content_from_wire, payload_to_wire};
pub use service::Rpc;
