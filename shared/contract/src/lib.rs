//! The contracts: generated code, the descriptors, conversions between wire and domain, and who
//! may call what.
//!
//! The `.proto` files below `proto/` are the only source. The access rule of each method is an
//! option there; [`access`] reads it from the descriptors that are compiled in.

pub mod access;
pub mod convert;
mod generated;
pub mod requests;

use std::sync::LazyLock;

use prost_reflect::{DescriptorError, DescriptorPool};

pub use generated::{audit, feed, gateway, metrics, versioning, workflow};

/// All files of the contracts with their imports, options and comments: an encoded
/// `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The same, read once.
///
/// # Errors
/// They cannot be read: then the build is broken.
pub fn descriptors() -> Result<&'static DescriptorPool, &'static DescriptorError> {
    static READ: LazyLock<Result<DescriptorPool, DescriptorError>> =
        LazyLock::new(|| DescriptorPool::decode(DESCRIPTOR_SET));
    READ.as_ref()
}
