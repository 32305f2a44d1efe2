//! A cluster with its running server.

use std::{fs::File, path::Path, process::Stdio, time::Duration};

use secrecy::SecretString;
use tokio::time::timeout;

use crate::{
    binaries::Binaries,
    error::{Error, io},
    folder::Folder,
    guard::{Ending, Guard},
    log::Log,
    options::Options,
    server::{self, Failed},
};

/// How often another free port is tried when somebody else was quicker to take one.
const PORT_ATTEMPTS: u32 = 5;
/// How long an immediate shutdown may take.
const IMMEDIATE_WITHIN: Duration = Duration::from_secs(10);

/// A private PostgreSQL: a cluster in a folder of its own, and its running server.
///
/// Dropping it shuts the server down without waiting; [`Cluster::stop`] waits. It may be used
/// from any async runtime, also from several one after the other.
#[derive(Debug)]
pub struct Cluster {
    folder: Folder,
    port: u16,
    password: SecretString,
    guard: Guard,
    log: Log,
    stop_within: Duration,
    /// Keeps other processes out of a persistent folder.
    _owner: Option<File>,
}

impl Cluster {
    /// Opens the persistent cluster in a folder, and makes it first if there is none. A server
    /// that an earlier run left behind is stopped first. As root, the folder is given to the user
    /// that runs the server.
    ///
    /// # Errors
    /// [`Error`]; in particular [`Error::InUse`] when another process (or another [`Cluster`] of
    /// this one) has the folder open, and [`Error::Foreign`] when it holds something else.
    pub async fn open(folder: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        let binaries = Binaries::find()?;
        let (folder, owner) = Folder::lock(folder.as_ref())?;
        folder.account.can_enter(binaries.folder())?;
        if let Some(made_by) = folder.version()?
            && made_by != binaries.major()
        {
            let found = binaries.major();
            return Err(Error::Version { folder: folder.path, made_by, found });
        }
        let held = folder.wait_for_earlier_run(options.stop_within).await?;
        let password = folder.password()?;
        let mut attempt = 1;
        loop {
            let port = server::pick_port(options.port)?;
            let held = held.try_clone().map_err(io("share the lock in", &folder.path))?;
            let settings = server::settings(&folder.path, port);
            let log = Log::open(&folder)?;
            let guard = Guard::spawn(&binaries, &folder, "persistent", held.into(), &settings)?;
            guard.say("start");
            let url = server::admin_url(port, &password);
            match server::ready(&guard, &folder, &log, &url, options.start_within).await {
                Ok(()) => {
                    tracing::debug!(port, folder = %folder.path.display(), "PostgreSQL is ready");
                    let stop_within = options.stop_within;
                    let _owner = Some(owner);
                    return Ok(Self { folder, port, password, guard, log, stop_within, _owner });
                }
                Err(Failed::PortLost) => match options.port {
                    Some(port) => return Err(Error::PortTaken { port }),
                    None if attempt < PORT_ATTEMPTS => attempt += 1,
                    None => return Err(Error::Start { log: log.tail() }),
                },
                Err(Failed::ForGood(error)) => return Err(error),
            }
        }
    }

    /// Makes a cluster in a fresh temporary folder, which disappears with the server when this
    /// value is dropped or this process ends, however it ends.
    ///
    /// # Errors
    /// [`Error`], for one when no PostgreSQL is installed.
    pub async fn temporary() -> Result<Self, Error> {
        let binaries = Binaries::find()?;
        let options = Options::default();
        let mut attempt = 1;
        loop {
            let folder = Folder::temporary()?;
            folder.account.can_enter(binaries.folder())?;
            let port = server::pick_port(None)?;
            let settings = server::settings(&folder.path, port);
            // The guard is there before the folder is, so that it can always remove it.
            let guard = Guard::spawn(&binaries, &folder, "temporary", Stdio::null(), &settings)?;
            folder.make()?;
            let password = folder.password()?;
            let log = Log::open(&folder)?;
            guard.say("start");
            let url = server::admin_url(port, &password);
            match server::ready(&guard, &folder, &log, &url, options.start_within).await {
                Ok(()) => {
                    tracing::debug!(port, folder = %folder.path.display(), "PostgreSQL is ready");
                    let stop_within = options.stop_within;
                    let _owner = None;
                    return Ok(Self { folder, port, password, guard, log, stop_within, _owner });
                }
                Err(Failed::PortLost) if attempt < PORT_ATTEMPTS => attempt += 1,
                Err(Failed::PortLost) => return Err(Error::Start { log: log.tail() }),
                Err(Failed::ForGood(error)) => return Err(error),
            }
        }
    }

    /// The administrator's URL: superuser `postgres` over TCP, password included.
    #[must_use]
    pub fn admin_url(&self) -> SecretString {
        server::admin_url(self.port, &self.password)
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The port that the server listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The cluster's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// The process id of the server, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.folder.server_pid().and_then(|pid| u32::try_from(pid).ok())
    }

    /// The end of the server's log, for messages to an operator.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.log.tail()
    }

    /// Waits until the server has ended, for whatever reason.
    pub async fn wait(&self) -> Ending {
        self.guard.ended().await
    }

    /// Shuts the server down: an orderly shutdown that ends open transactions, and, where that
    /// takes too long ([`Options::stop_within`]), an immediate one. Returns when the server and,
    /// of a temporary cluster, its folder are gone. A server that has ended already is no error.
    ///
    /// # Errors
    /// [`Error::Stop`] when it does not end at all.
    pub async fn stop(&self) -> Result<(), Error> {
        self.guard.say("fast");
        if timeout(self.stop_within, self.gone()).await.is_ok() {
            return Ok(());
        }
        self.guard.say("immediate");
        timeout(IMMEDIATE_WITHIN, self.gone())
            .await
            .map_err(|_elapsed| Error::Stop { log: self.log.tail() })
    }

    /// Waits for the end of the guard and, should somebody have killed only that, of the server.
    async fn gone(&self) {
        self.guard.ended().await;
        self.guard.let_go();
        self.folder.server_gone().await;
    }
}
