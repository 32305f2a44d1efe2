//! What the end-to-end tests share: a real PostgreSQL, a real server on a real socket, and people
//! who call it.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "what fails here fails the test")]

pub mod acts;
pub mod build;
pub mod bulk;
pub mod connection;
pub mod counting;
pub mod database;
pub mod executions;
pub mod gates;
pub mod house;
pub mod integrity;
pub mod lanes;
pub mod office;
pub mod people;
pub mod plain;
pub mod proxy;
pub mod reads;
pub mod refusals;
pub mod report;
pub mod rpc;
pub mod settings;
pub mod stage;
pub mod subscriber;
pub mod wait;
pub mod world;

pub use counting::Counting;
pub use house::{Aside, House};
pub use lanes::Lanes;
pub use office::Office;
pub use people::Person;
pub use proxy::{Proxy, Way};
pub use stage::Stage;
pub use subscriber::Subscriber;
pub use world::World;
