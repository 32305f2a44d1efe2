//! Numbers for Prometheus.
//!
//! Calls are counted by every [`Server`](crate::server::Server) itself. What a service has beside
//! that comes from a [`Collector`] of its [`Monitor`](crate::monitor::Monitor), which is asked at
//! each scrape and answers with text in the exposition format; or from the macros of the crate
//! `metrics`, with the label `service`, once a server was put together.
//!
//! ```no_run
//! # use signoff_chassis::monitor::Monitor;
//! # use signoff_chassis::prometheus::Collector;
//! # async fn numbers() -> Result<String, std::io::Error> { Ok(String::new()) }
//! # async fn prepare() -> Result<(), Box<dyn std::error::Error>> {
//! let monitor = Monitor::bind("metrics", "127.0.0.1:9100".parse().ok()).await?;
//! let monitor = monitor.with_collector(Collector::new("numbers", numbers));
//! // and then Server::monitored(monitor)
//! # Ok(())
//! # }
//! ```

mod calls;
mod collector;
mod families;
mod process;
mod recorder;

pub(crate) use calls::{Call, Calls};
pub use collector::Collector;
pub(crate) use collector::scrape;
pub use families::{CONTENT_TYPE, Families, Malformed};
pub(crate) use recorder::render;
pub use recorder::{RecorderError, install};
