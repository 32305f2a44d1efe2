//! Between the wire and the domain: no rules here.

mod call;
mod changes;
mod decision;
mod errors;
mod export;
mod facts;
mod gates;
mod import;
mod inputs;
mod metadata;
mod paging;
mod payload;
mod reads;
mod reopening;
mod requests;
mod service;
mod sign_offs;
mod trail;
mod version;

pub use metadata::{CorruptMetadata, metadata_from_wire, metadata_to_wire};
pub use payload::{CorruptPayload, content_from_wire, payload_to_wire};
pub use service::Rpc;
