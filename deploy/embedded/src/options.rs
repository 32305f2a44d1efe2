//! How a cluster is opened.

use std::time::Duration;

/// How a cluster is opened. The defaults suit everybody but an operator who wants a fixed port.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port to listen on, on 127.0.0.1; a free one when unset.
    pub port: Option<u16>,
    /// How long making and starting may take, recovery after a crash included.
    pub start_within: Duration,
    /// How long an orderly shutdown may take before the server is told to drop everything.
    pub stop_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: None,
            start_within: Duration::from_secs(120),
            stop_within: Duration::from_secs(30),
        }
    }
}
