//! Wire to domain and back: the parts that every service needs.
//!
//! What comes from the wire is checked here, and each fault is noted with the path of its field
//! in a [`Violations`](signoff_workflow::Violations), so that a caller learns of all of them at
//! once. Paths are taken as anything that can be displayed: `format_args!("decisions[{i}].notes")`
//! costs nothing while there is no fault.

mod enums;
mod ids;
mod json;
mod scope;
mod text;
mod time;

pub(crate) use enums::known_role;
pub use enums::{role_from_wire, versioning_type_to_wire};
pub use ids::{optional_uuid, uuid};
pub use json::{JsonLimits, NotAnObject, json_from_wire, json_to_wire};
pub use scope::{
    PhaseNeed, RequestScope, is_across, scope_from_wire, scope_to_wire, workflow_to_wire,
};
pub use text::text;
pub use time::{time_from_wire, time_to_wire};
