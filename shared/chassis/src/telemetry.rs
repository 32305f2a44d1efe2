//! Logs.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The environment variable that says what is logged, in the form `info,signoff_ledger=debug`.
pub const FILTER_VARIABLE: &str = "SIGNOFF_LOG";

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `SIGNOFF_LOG` cannot be understood.
    #[error("{FILTER_VARIABLE}: {0}")]
    Filter(String),
    /// Logging was set up before.
    #[error("logging is set up already")]
    AlreadySet,
}

/// Logs to standard error from now on: what [`FILTER_VARIABLE`] says, or else `info`; as text, or
/// as one JSON object a line.
///
/// # Errors
/// If the filter cannot be understood, or logging was set up before.
pub fn init(json: bool) -> Result<(), TelemetryError> {
    let directives = std::env::var(FILTER_VARIABLE).unwrap_or_default();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&directives)?)
        .with_writer(std::io::stderr);
    let set = if json {
        builder.json().finish().try_init()
    } else {
        builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).finish().try_init()
    };
    set.map_err(|_| TelemetryError::AlreadySet)
}

fn filter(directives: &str) -> Result<EnvFilter, TelemetryError> {
    let directives = if directives.trim().is_empty() { "info" } else { directives };
    EnvFilter::try_new(directives).map_err(|error| TelemetryError::Filter(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_set_up_once() {
        assert!(init(false).is_ok());
        assert!(matches!(init(true), Err(TelemetryError::AlreadySet)));
    }

    #[test]
    fn a_filter_is_understood_or_refused() {
        assert_eq!(filter(" ").unwrap().to_string(), "info");
        assert!(filter("info,signoff_ledger=debug").is_ok());
        assert!(matches!(filter("signoff=loudly"), Err(TelemetryError::Filter(_))));
    }
}
