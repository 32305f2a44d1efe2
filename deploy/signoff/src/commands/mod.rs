//! One file for each command, and what those that read share: `auditor` asks the gateway,
//! `report` says what was found, `kept` reads and writes heads.

mod auditor;
pub(crate) mod board;
pub(crate) mod export;
pub(crate) mod head;
mod kept;
pub(crate) mod key;
pub(crate) mod metrics;
mod report;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod up;
pub(crate) mod verify;

use std::path::PathBuf;

/// The data folder that was named, or the default one.
fn data_folder(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match named {
        Some(path) => Ok(path),
        None => Ok(signoff_embedded::default_data_folder()?),
    }
}
