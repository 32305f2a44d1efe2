//! The folder of one cluster: who may use it, and what lies in it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rand::Rng;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep};

use crate::{
    account::Account,
    error::{Error, io},
};

/// Held by the process that has the cluster open; also the mark that the folder is ours.
const OWNER_LOCK: &str = "owner.lock";
/// Held by the guard and everything that it starts.
const GUARD_LOCK: &str = "guard.lock";
/// How often a lock or a file is looked at while waiting for it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The folder of one cluster, and the user that runs its server.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) account: Account,
}

impl Folder {
    /// Takes a persistent folder into use: makes it if need be, and locks it for this process
    /// for as long as the file that comes back is kept.
    pub(crate) fn lock(path: &Path) -> Result<(Self, File), Error> {
        fs::create_dir_all(path).map_err(io("make", path))?;
        let path = path.canonicalize().map_err(io("find", path))?;
        let marked = path.join(OWNER_LOCK).exists();
        if !marked && fs::read_dir(&path).map_err(io("read", &path))?.next().is_some() {
            return Err(Error::Foreign { folder: path });
        }
        let account = Account::for_cluster(&path.join("pgdata"))?;
        account.can_enter(path.parent().unwrap_or(&path))?;
        let owner = lock_file(&path.join(OWNER_LOCK))?;
        match owner.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { folder: path }),
            Err(TryLockError::Error(error)) => return Err(io("lock", &path)(error)),
        }
        let folder = Self { path, account };
        folder.hand_over()?;
        Ok((folder, owner))
    }

    /// The name of a temporary folder that is not there yet, where the server's user can make
    /// and remove one.
    pub(crate) fn temporary() -> Result<Self, Error> {
        let account = Account::choose()?;
        let places = [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
        let mut refused = None;
        for place in &places {
            match account.can_write(place) {
                Ok(()) => {
                    let path = place.join(format!("signoff-pg-{}", random_hex()));
                    return Ok(Self { path, account });
                }
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or(Error::NoAccount))
    }

    /// Makes the folder of a temporary cluster.
    pub(crate) fn make(&self) -> Result<(), Error> {
        DirBuilder::new().mode(0o700).create(&self.path).map_err(io("make", &self.path))?;
        self.hand_over()
    }

    fn hand_over(&self) -> Result<(), Error> {
        let private = Permissions::from_mode(0o700);
        fs::set_permissions(&self.path, private).map_err(io("close to others", &self.path))?;
        self.account.own(&self.path)
    }

    /// The cluster itself; there only when complete.
    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("pgdata")
    }

    /// The major version that made the cluster, if there is one.
    pub(crate) fn version(&self) -> Result<Option<u32>, Error> {
        let path = self.data().join("PG_VERSION");
        if !self.data().exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(io("read", &path))?;
        text.trim().parse().map(Some).map_err(|error| {
            io("read", &path)(std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        })
    }

    /// The administrator's password: the one kept for a cluster that is there, a new one for a
    /// cluster still to be made.
    pub(crate) fn password(&self) -> Result<SecretString, Error> {
        let path = self.password_file();
        if self.data().exists() {
            let kept = fs::read_to_string(&path).map_err(io("read", &path))?;
            return Ok(kept.trim().to_owned().into());
        }
        let password = SecretString::from(random_hex());
        if path.exists() {
            fs::remove_file(&path).map_err(io("remove", &path))?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(io("make", &path))?;
        writeln!(file, "{}", password.expose_secret())
            .and_then(|()| file.sync_all())
            .map_err(io("write", &path))?;
        self.account.own(&path)?;
        Ok(password)
    }

    /// Where the administrator's password is kept.
    pub(crate) fn password_file(&self) -> PathBuf {
        self.path.join("password")
    }

    /// Waits until nothing of an earlier run is alive in this folder, and stops its server if
    /// need be. The locked file is for the next guard.
    pub(crate) async fn wait_for_earlier_run(&self, within: Duration) -> Result<File, Error> {
        let path = self.path.join(GUARD_LOCK);
        let lock = lock_file(&path)?;
        for signal in [Signal::INT, Signal::QUIT] {
            let deadline = Instant::now() + within;
            loop {
                match lock.try_lock() {
                    Ok(()) => {
                        self.clear_leftovers()?;
                        return Ok(lock);
                    }
                    Err(TryLockError::WouldBlock) if Instant::now() >= deadline => break,
                    Err(TryLockError::WouldBlock) => {}
                    Err(TryLockError::Error(error)) => return Err(io("lock", &path)(error)),
                }
                // Somebody of the earlier run is alive. Asking its server twice does no harm.
                if let Some(pid) = self.server_pid().and_then(Pid::from_raw) {
                    let _gone_meanwhile = kill_process(pid, signal);
                }
                sleep(LOOK_EVERY).await;
            }
        }
        Err(Error::EarlierRun { folder: self.path.clone() })
    }

    /// Removes what a killed run left behind: a half-made cluster, and a process id. The id may
    /// meanwhile be another process's, which would keep PostgreSQL from starting.
    fn clear_leftovers(&self) -> Result<(), Error> {
        let (half_made, pid_file) = (self.path.join("making"), self.pid_file());
        if half_made.exists() {
            fs::remove_dir_all(&half_made).map_err(io("remove", &half_made))?;
        }
        if pid_file.exists() {
            fs::remove_file(&pid_file).map_err(io("remove", &pid_file))?;
        }
        Ok(())
    }

    /// The server's process id, while it runs.
    pub(crate) fn server_pid(&self) -> Option<i32> {
        fs::read_to_string(self.pid_file()).ok()?.lines().next()?.trim().parse().ok()
    }

    /// Whether the server says of itself that it takes connections.
    pub(crate) fn says_ready(&self) -> bool {
        fs::read_to_string(self.pid_file())
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
    }

    /// Waits until the server has taken its process id away, which it does last; one that was
    /// killed leaves it behind.
    pub(crate) async fn server_gone(&self) {
        let runs = |pid| Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok());
        while self.server_pid().is_some_and(runs) {
            sleep(LOOK_EVERY).await;
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }
}

fn lock_file(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(io("open", path))
}

/// 192 random bits.
fn random_hex() -> String {
    let mut bytes = [0_u8; 24];
    rand::rng().fill(&mut bytes[..]);
    hex::encode(bytes)
}
