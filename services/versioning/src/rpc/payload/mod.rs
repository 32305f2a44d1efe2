//! Payloads on the wire.

pub(super) mod enums;
pub(super) mod fields;
mod from_wire;
mod to_wire;

pub use from_wire::content_from_wire;
pub use to_wire::{CorruptPayload, payload_to_wire};

#[cfg(test)]
mod tests;
