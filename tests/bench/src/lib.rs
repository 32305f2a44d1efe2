//! How fast the services are, beside the best SQL for the same work on the same server.
//!
//! Each workload runs through real gRPC against a process of its own, pair by pair with the
//! [`floor`] (A B A B …), and where it is asked for beside what [copying](floor::copying) costs.

pub mod bare;
pub mod cases;
pub mod child;
pub mod closed_loop;
pub mod curves;
pub mod data;
pub mod desk;
pub mod door;
pub mod draw;
pub mod facts;
pub mod floor;
pub mod lanes;
pub mod page;
pub mod pairs;
pub mod raw;
pub mod records;
pub mod report;
pub mod run;
pub mod soak;
pub mod stats;
pub mod system;
pub mod workloads;

/// Who puts samples forward.
pub const TESTER: i64 = 10;
/// Who rules on them.
pub const OWNER: i64 = 20;
/// Who submits documents for all lines of business.
pub const DATA_OWNER: i64 = 101;
/// The gateway.
pub const GATEWAY: i64 = 1;

/// A phase, by its name in the database.
#[derive(Clone, Copy, Debug)]
pub struct InPhase {
    /// The phase.
    pub phase: signoff_workflow::Phase,
    /// Its name.
    pub slug: &'static str,
}

/// The phase of all workloads.
pub const PHASE: InPhase =
    InPhase { phase: signoff_workflow::Phase::SAMPLE_SELECTION, slug: "sample_selection" };
