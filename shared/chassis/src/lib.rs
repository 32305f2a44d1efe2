//! What every server is mounted on: identity, access, errors, telemetry, health, reflection, drain.

pub mod identity;
mod refusal;

pub use refusal::{
    DOMAIN, MAX_DETAIL_BYTES, MAX_MESSAGE_BYTES, Refusal, Unmet, VIOLATIONS_TOTAL, reason_name,
};
