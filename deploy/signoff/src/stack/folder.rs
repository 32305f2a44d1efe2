//! The data folder: the keys, the passwords of the database roles, the endpoints.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use rand::Rng;
use serde::{Deserialize, Serialize};
use signoff_chassis::identity::{Jwks, SigningKey};

use super::endpoints::{Endpoints, write_private};

/// Signs assertions.
const GATEWAY: KeyFiles = KeyFiles { private: "gateway.key", public: "jwks.json" };
/// Signs tokens: the identity provider of a system on one machine.
const PROVIDER: KeyFiles = KeyFiles { private: "provider.key", public: "provider-jwks.json" };
const ENDPOINTS: &str = "endpoints.json";

/// The files of a key.
struct KeyFiles {
    private: &'static str,
    public: &'static str,
}

impl KeyFiles {
    /// The key, made on first use; its public part is written anew each time.
    fn open_in(&self, folder: &Path) -> Result<SigningKey> {
        let path = folder.join(self.private);
        let key = if path.exists() {
            SigningKey::load(&path)?
        } else {
            let key = SigningKey::generate()?;
            key.save(&path)?;
            key
        };
        Jwks::of([&key]).save(&folder.join(self.public))?;
        Ok(key)
    }

    /// The key of a folder that `signoff up` has made.
    fn load_from(&self, folder: &Path) -> Result<SigningKey> {
        let path = folder.join(self.private);
        if !path.try_exists().with_context(|| format!("cannot look at {}", path.display()))? {
            let folder = folder.display();
            bail!("there is no key in {folder} yet: run `signoff up --data {folder}` first");
        }
        Ok(SigningKey::load(&path)?)
    }
}

/// The data folder of a running system.
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Keeps other processes out of a persistent folder.
    _lock: Option<File>,
}

/// The passwords of one service's two database roles.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Passwords {
    /// Of the role that owns the database and migrates it.
    pub(crate) owner: String,
    /// Of the role that serves.
    pub(crate) service: String,
}

impl DataFolder {
    /// Takes a folder into use, alone.
    pub(crate) fn lock(path: &Path) -> Result<Self> {
        let made = || format!("cannot use {} as data folder", path.display());
        // The user that runs PostgreSQL goes through this folder; what is in it is private.
        DirBuilder::new().recursive(true).mode(0o755).create(path).with_context(made)?;
        let path = path.canonicalize().with_context(made)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("up.lock"))
            .with_context(made)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => {
                bail!("another `signoff` runs on the data folder {}", path.display())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(made),
        }
    }

    /// A folder that is ours alone already.
    pub(crate) fn temporary(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The gateway's key, as a file.
    pub(crate) fn private_key(&self) -> PathBuf {
        self.path.join(GATEWAY.private)
    }

    /// The public part of the gateway's key.
    pub(crate) fn jwks(&self) -> PathBuf {
        self.path.join(GATEWAY.public)
    }

    /// The public part of the identity provider's key.
    pub(crate) fn provider_jwks(&self) -> PathBuf {
        self.path.join(PROVIDER.public)
    }

    /// Where everything listens.
    pub(crate) fn endpoints(&self) -> PathBuf {
        self.path.join(ENDPOINTS)
    }

    /// The gateway's key, made on first use.
    pub(crate) fn key(&self) -> Result<SigningKey> {
        GATEWAY.open_in(&self.path)
    }

    /// The local identity provider's key, made on first use.
    pub(crate) fn provider_key(&self) -> Result<SigningKey> {
        PROVIDER.open_in(&self.path)
    }

    /// The passwords of a service's database roles, made on first use.
    pub(crate) fn passwords(&self, service: &str) -> Result<Passwords> {
        let path = self.path.join("database-roles.json");
        let mut all: BTreeMap<String, Passwords> = if path.exists() {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?
        } else {
            BTreeMap::new()
        };
        if let Some(kept) = all.get(service) {
            return Ok(kept.clone());
        }
        let made = Passwords { owner: password(), service: password() };
        all.insert(service.to_owned(), made.clone());
        write_private(&path, &all)?;
        Ok(made)
    }

    /// Removes the endpoints of a system that does not run.
    pub(crate) fn forget_endpoints(&self) -> Result<()> {
        let path = self.endpoints();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

/// The gateway's key in a data folder that `signoff up` has made.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn signing_key(folder: &Path) -> Result<SigningKey> {
    GATEWAY.load_from(folder)
}

/// The local identity provider's key in such a folder.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn provider_key(folder: &Path) -> Result<SigningKey> {
    PROVIDER.load_from(folder)
}

/// Where the system that runs on a data folder listens.
///
/// # Errors
/// When none runs, or the file cannot be read.
pub fn running_endpoints(folder: &Path) -> Result<Endpoints> {
    let path = folder.join(ENDPOINTS);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = folder.display();
            bail!("nothing runs on {folder}: start it with `signoff up --data {folder}`")
        }
        read => read.with_context(|| format!("cannot read {}", path.display()))?,
    };
    serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
}

/// 192 random bits.
fn password() -> String {
    let mut bytes = [0_u8; 24];
    rand::rng().fill(&mut bytes[..]);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_and_passwords_are_made_once_and_private() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("data");
        let first = DataFolder::lock(&path).unwrap();
        let (key, passwords) = (first.key().unwrap(), first.passwords("versioning").unwrap());
        assert_ne!(passwords.owner, passwords.service);
        assert_ne!(first.passwords("audit").unwrap().owner, passwords.owner);
        let provider = first.provider_key().unwrap();
        assert_ne!(provider.kid(), key.kid());
        drop(first);

        let second = DataFolder::lock(&path).unwrap();
        assert_eq!(second.key().unwrap().kid(), key.kid());
        assert_eq!(signing_key(&path).unwrap().kid(), key.kid());
        assert_eq!(second.provider_key().unwrap().kid(), provider.kid());
        assert_eq!(provider_key(&path).unwrap().kid(), provider.kid());
        assert!(second.jwks().is_file() && second.provider_jwks().is_file());
        assert_eq!(second.passwords("versioning").unwrap().owner, passwords.owner);
        for file in [GATEWAY.private, PROVIDER.private, "database-roles.json", "up.lock"] {
            let mode = fs::metadata(path.join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_folder_is_used_by_one_at_a_time() {
        let outer = tempfile::tempdir().unwrap();
        let _first = DataFolder::lock(outer.path()).unwrap();
        let message = DataFolder::lock(outer.path()).err().unwrap().to_string();
        assert!(message.contains("another `signoff` runs on the data folder"), "{message}");
    }

    #[test]
    fn a_folder_without_a_key_says_what_to_do() {
        let outer = tempfile::tempdir().unwrap();
        for key in [signing_key, provider_key] {
            let message = key(outer.path()).unwrap_err().to_string();
            assert!(message.contains("run `signoff up"), "{message}");
        }
        let message = running_endpoints(outer.path()).unwrap_err().to_string();
        assert!(message.contains("start it with `signoff up"), "{message}");
    }
}
