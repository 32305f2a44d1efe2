//! Following the feeds: one replica counts, the others stand by.

mod batch;
mod follower;
mod leader;
mod upstream;

pub use leader::{Leading, lead};
pub use upstream::{FeedArgs, Upstreams};
