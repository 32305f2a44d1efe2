//! A whole running system: PostgreSQL, the services as child processes, and their endpoints.

mod child;
mod database;
mod endpoints;
mod folder;
mod keeper;
mod options;
mod ports;
mod running;
mod token;
mod watch;

pub use endpoints::Endpoints;
pub use folder::{provider_key, running_endpoints, signing_key};
pub use options::{Home, Logs, Ports, UpOptions};
pub use running::Stack;
