//! Messages as JSON, with the names of their fields in the contracts.

use prost::Message;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::Value;

use super::problem::Problem;

/// A message as proto3 JSON: fields under their own names, numbers as numbers.
///
/// # Errors
/// The contracts have no such message.
pub(super) fn told<M: Message>(name: &str, message: &M) -> Result<Value, Problem> {
    let pool = signoff_contract::descriptors().map_err(|_| Problem::internal())?;
    let descriptor = pool.get_message_by_name(name).ok_or_else(Problem::internal)?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|_| Problem::internal())?;
    let options =
        SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    dynamic
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|_| Problem::internal())
}
