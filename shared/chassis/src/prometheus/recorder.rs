//! The one recorder of a process.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::calls;

/// How often what was recorded is summed up: until then each duration is kept.
const UPKEEP: Duration = Duration::from_secs(5);

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Why nothing is recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The buckets are none.
    #[error("the recorder cannot be set up: {0}")]
    Options(#[from] metrics_exporter_prometheus::BuildError),
    /// Somebody else records in this process.
    #[error("another recorder is installed in this process")]
    Taken,
    /// The thread that sums up cannot be started.
    #[error("the recorder's thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Records from now on; a second time does nothing. It must come before the first counter is made.
///
/// # Errors
/// Somebody else records in this process.
pub fn install() -> Result<(), RecorderError> {
    // One at a time: whoever comes second must find it done.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let seconds = Matcher::Full(calls::SECONDS.to_owned());
    let recorder =
        PrometheusBuilder::new().set_buckets_for_metric(seconds, &calls::BUCKETS)?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| RecorderError::Taken)?;
    calls::describe();
    super::process::describe();
    super::collector::describe();
    let kept = handle.clone();
    // A thread and not a task: it belongs to the process, and outlives the runtimes of tests.
    std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(UPKEEP);
            kept.run_upkeep();
        }
    })?;
    // Nobody else sets it: the turn is ours.
    let _ = RECORDER.set(handle);
    Ok(())
}

/// What was recorded, in the exposition format; nothing without a recorder.
pub(crate) fn render() -> String {
    RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()
}
