//! What the trails add up to: figures and series by phase, report, cycle, period, person and source.
//!
//! [`domain`] says what each record counts for and what the counts mean, [`store`] has the SQL, [`follow`]
//! reads the feeds of the other services and counts each record once, [`rpc`] answers.

pub mod domain;
mod exposition;
pub mod follow;
pub mod rpc;
mod serve;
pub mod store;

pub use serve::{Metrics, MetricsArgs, Service, migrations, serve};
