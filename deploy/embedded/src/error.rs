//! What can go wrong with a private PostgreSQL.

use std::path::{Path, PathBuf};

/// Why a private PostgreSQL could not be found, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server binaries of a supported version were found.
    #[error(
        "no PostgreSQL 15 or newer was found (looked at {looked_at}); install it \
         (Debian, Ubuntu: apt-get install postgresql), or set SIGNOFF_PG_BIN to the folder \
         that holds initdb and postgres"
    )]
    NoBinaries {
        /// The places that were tried, and what was wrong with each.
        looked_at: String,
    },
    /// We are root, and there is no user to run the server as.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither `postgres` nor `nobody`"
    )]
    NoAccount,
    /// The user that runs the server cannot enter a folder on the way to the cluster.
    #[error(
        "the user `{user}`, who runs PostgreSQL because root may not, cannot enter {folder}; \
         choose a data folder elsewhere (for one, /var/lib/signoff), or open that folder to others"
    )]
    Blocked {
        /// The folder that cannot be entered.
        folder: PathBuf,
        /// The user that was refused.
        user: String,
    },
    /// Another process has the cluster open.
    #[error("{folder} is in use by another process")]
    InUse {
        /// The cluster's folder.
        folder: PathBuf,
    },
    /// The folder holds something else than a cluster of ours.
    #[error("{folder} is not empty and not a cluster made by this program")]
    Foreign {
        /// The folder that was asked for.
        folder: PathBuf,
    },
    /// A server of an earlier run does not end.
    #[error("the PostgreSQL of an earlier run in {folder} does not stop")]
    EarlierRun {
        /// The cluster's folder.
        folder: PathBuf,
    },
    /// The cluster belongs to another major version of PostgreSQL than the one found.
    #[error(
        "{folder} was made by PostgreSQL {made_by}, but the one found is {found}; install \
         version {made_by}, or set SIGNOFF_PG_BIN to its folder"
    )]
    Version {
        /// The cluster's folder.
        folder: PathBuf,
        /// Major version that made the cluster.
        made_by: u32,
        /// Major version of the binaries.
        found: u32,
    },
    /// The port asked for is taken.
    #[error("port {port} on 127.0.0.1 is taken")]
    PortTaken {
        /// The port asked for.
        port: u16,
    },
    /// No folder for data is known: neither `XDG_DATA_HOME` nor `HOME` is set.
    #[error("neither XDG_DATA_HOME nor HOME is set: name a data folder")]
    NoHome,
    /// The server, or the making of the cluster, ended early.
    #[error("PostgreSQL ended before it was ready; the end of its log:\n{log}")]
    Start {
        /// The last lines of the log.
        log: String,
    },
    /// The server did not become ready in time.
    #[error("PostgreSQL was not ready within {seconds} s; the end of its log:\n{log}")]
    Slow {
        /// How long was waited, in seconds.
        seconds: u64,
        /// The last lines of the log.
        log: String,
    },
    /// The server refuses the administrator's password.
    #[error("PostgreSQL refuses the password kept in {file}")]
    Password {
        /// The password file.
        file: PathBuf,
    },
    /// The server did not end in time when told to.
    #[error("PostgreSQL did not stop; the end of its log:\n{log}")]
    Stop {
        /// The last lines of the log.
        log: String,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the path.
        what: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
}

/// Adds what was tried to an I/O error: `.map_err(io("read", path))`.
pub(crate) fn io<'a>(verb: &'a str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Error + 'a {
    move |source| Error::Io { what: format!("cannot {verb} {}", path.display()), source }
}
