//! Phases, roles, the dependency graph and the board: pure, without I/O.
//!
//! Everything here is data and functions over data. Servers, the command line and the tests read
//! the same table of phases; nothing else in the workspace repeats what it says.

mod ids;
mod phase;
mod role;
mod violations;

pub use ids::{Scope, Workflow};
pub use phase::Phase;
pub use role::{Role, UnknownRole};
pub use violations::{MAX_NAMED, Violation, Violations};
