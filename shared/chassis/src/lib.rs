//! What every server is mounted on: identity, access, errors, telemetry, numbers, health,
//! reflection, drain.
//!
//! A service brings its handlers and mounts them:
//! [`Listener::bind`](server::Listener::bind), [`Mount`](server::Mount),
//! [`Server::new`](server::Server::new), [`Server::serve`](server::Server::serve). A handler asks
//! [`Admission::from`](access::Admission::from) who calls and
//! [`Admission::permit`](access::Admission::permit) whether they may, and refuses by a
//! [`Refusal`].

pub mod access;
pub mod config;
pub mod identity;
pub mod middleware;
pub mod monitor;
pub mod prometheus;
mod refusal;
pub mod server;
pub mod shutdown;
pub mod telemetry;

pub use access::{Actor, Admission};
pub use refusal::{
    DOMAIN, MAX_DETAIL_BYTES, MAX_MESSAGE_BYTES, Refusal, Unmet, VIOLATIONS_TOTAL, reason_name,
};
