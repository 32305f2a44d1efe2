//! Calls on their way to the backends, at the level of gRPC frames: messages go through as they are.

mod assertion;
mod backends;
mod ending;
mod forwarder;
mod frames;
mod head;
mod headers;
mod methods;
mod replicas;
pub(crate) mod unary;

pub use assertion::{Signer, Who};
pub use backends::{Backends, GATEWAY_ID, GATEWAY_SUBJECT};
pub use forwarder::Forwarder;
pub use frames::{First, first_message};
pub(crate) use frames::{expect_end, hold, reason_of};
pub use head::Head;
pub use headers::backend_headers;
pub use methods::{FORWARDED, Method, Methods, OWN, Target};
pub use replicas::Replicas;
