//! A private PostgreSQL for `signoff up`, the demo and the tests.
//!
//! The installed server binaries are found ([`Binaries::find`]), a cluster is made in a folder of
//! its own, and the server listens on loopback for as long as the [`Cluster`] lives. It never
//! outlives the process that owns it, also when that process is killed: a small shell script
//! (`guard.sh`) stands between the two, holds the read end of a pipe, and shuts the server down
//! when the pipe ends. Durability is left at PostgreSQL's safe defaults.
//!
//! PostgreSQL refuses to run as root. Run as root, this crate starts it as another user
//! ([`Account`]); the cluster's folder must then lie where that user can get in.

mod account;
mod binaries;
mod cluster;
mod error;
mod folder;
mod guard;
mod log;
mod options;
mod places;
mod server;

pub use account::Account;
pub use binaries::Binaries;
pub use cluster::Cluster;
pub use error::Error;
pub use guard::Ending;
pub use options::Options;
pub use places::default_data_folder;
