//! The floor: the best hand-written SQL for the same change on the same tables, without gRPC.
//!
//! It takes the same lock, reads what must be known, writes the same rows past the same triggers,
//! with the record in the trail, its details and the kept answer, as the service's role, and
//! commits as durably. It saves every round trip and every look that a service, which does not know
//! its callers, cannot save. `VerifyTrail` finds nothing wrong with what it leaves behind.

mod accept;
mod binary;
mod conclude;
pub mod copying;
mod create;
mod follow;
mod import;
mod plan;
pub mod read;
mod record;
mod review;
mod revise;
mod session;
mod state;
mod submit;

pub use session::Floor;
