//! How a system is started.

use std::path::PathBuf;

use secrecy::SecretString;

/// How a system is started.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// Where its data lies.
    pub home: Home,
    /// The ports that its services listen on.
    pub ports: Ports,
    /// The `signoff` program that serves as each child process.
    pub program: PathBuf,
    /// Where the services' logs go.
    pub logs: Logs,
}

/// Where a system's data lies.
#[derive(Debug, Clone)]
pub enum Home {
    /// In a folder that stays.
    Folder {
        /// The folder; made if need be.
        path: PathBuf,
        /// An administrator's URL of the PostgreSQL to use; without one, a private PostgreSQL
        /// runs in the folder.
        database_url: Option<SecretString>,
    },
    /// In a temporary folder with a private PostgreSQL; both disappear at the end, however it
    /// comes about.
    Temporary,
}

/// Which ports on 127.0.0.1 the services listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Ten ports from this one on: each service has its fixed place among them.
    Base(u16),
    /// Free ones.
    Auto,
}

/// Where the services' logs go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    /// To standard error of this process.
    Stderr,
    /// To one file for each service in the data folder: `versioning.log`.
    Files,
}
