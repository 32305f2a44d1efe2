//! Who may call what: the rule of each method, and the decision.

mod policy;
mod rule;

pub use policy::{AccessPolicy, PolicyError};
pub use rule::{MethodRule, permits};
