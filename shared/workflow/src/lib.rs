//! Phases, roles, the dependency graph and the board: pure, without I/O.
//!
//! Everything here is data and functions over data. Servers, the command line and the tests read
//! the same table of phases; nothing else in the workspace repeats what it says.
//!
//! - [`PhaseTable`] says what each phase is: a phase is added by adding a row.
//! - [`Board`] is where a workflow stands, put together from the facts of its services.
//! - [`check`] says whether a board allows a command and what is missing; [`next`] says it for
//!   all phases at once.

mod board;
mod graph;
mod ids;
mod lane;
mod phase;
mod role;
mod table;
mod violations;

pub use board::{Board, PhaseFacts, PhaseState};
pub use graph::{Command, Step, Unmet, check, next};
pub use ids::{Scope, Workflow};
pub use lane::Lane;
pub use phase::Phase;
pub use role::{Role, UnknownRole};
pub use table::{PhaseRow, PhaseTable, TableError, UnknownPhase, VersioningType};
pub use violations::{MAX_NAMED, Violation, Violations};
