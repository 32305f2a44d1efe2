//! `endpoints.json`: where everything listens, for programs that want to know.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use url::Url;

/// Where a running system listens, as in `endpoints.json`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The address of each service: `127.0.0.1:7401`.
    #[serde(flatten)]
    pub services: BTreeMap<String, String>,
    /// Where the whole system is watched, by plain HTTP: `127.0.0.1:7409`. Empty for a system that
    /// was started before there was one.
    #[serde(default)]
    pub http: String,
    /// The administrator's URL of PostgreSQL, with its password.
    pub database: String,
    /// The process id of each process: `signoff`, the services, `postgres` if it is our own.
    /// A service that is being restarted has none.
    pub pids: BTreeMap<String, u32>,
}

impl Endpoints {
    /// The address of a service, if it is one of this system.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&str> {
        self.services.get(name).map(String::as_str)
    }

    /// The same without the password, for printing.
    #[must_use]
    pub fn without_password(&self) -> Self {
        Self { database: without_password(&self.database), ..self.clone() }
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints")
            .field("services", &self.services)
            .field("http", &self.http)
            .field("database", &without_password(&self.database))
            .field("pids", &self.pids)
            .finish()
    }
}

fn without_password(database: &str) -> String {
    let Ok(mut url) = Url::parse(database) else { return "(not shown)".into() };
    if url.set_password(None).is_err() {
        return "(not shown)".into();
    }
    if url.query().is_some() {
        let kept: Vec<(String, String)> =
            url.query_pairs().into_owned().filter(|(key, _)| key != "password").collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }
    url.into()
}

/// The endpoints of a running system, and the file that shows them.
pub(crate) struct Published {
    path: PathBuf,
    now: Mutex<Endpoints>,
}

impl Published {
    /// Writes the file for the first time.
    pub(crate) fn new(path: PathBuf, endpoints: Endpoints) -> Result<Self> {
        write_private(&path, &endpoints)?;
        Ok(Self { path, now: Mutex::new(endpoints) })
    }

    /// The endpoints now.
    pub(crate) fn now(&self) -> Endpoints {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows a process's new id, or that it has none at the moment.
    pub(crate) fn set_pid(&self, process: &str, pid: Option<u32>) -> Result<()> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        match pid {
            Some(pid) => now.pids.insert(process.to_owned(), pid),
            None => now.pids.remove(process),
        };
        // Under the lock: a later state is never overwritten by an earlier one.
        write_private(&self.path, &*now)
    }
}

/// Writes JSON to a file that only its owner can read. Readers see the old or the new content.
pub(crate) fn write_private(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_vec_pretty(value)
        .with_context(|| format!("cannot write {}", path.display()))?;
    write_private_line(path, &text)
}

/// The same with bytes and the end of a line.
pub(crate) fn write_private_line(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    let write = || -> Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn endpoints() -> Endpoints {
        Endpoints {
            services: BTreeMap::from([("versioning".into(), "127.0.0.1:7401".into())]),
            http: "127.0.0.1:7409".into(),
            database: "postgres://postgres:secret@127.0.0.1:5432/postgres?sslmode=disable".into(),
            pids: BTreeMap::from([("signoff".into(), 1)]),
        }
    }

    #[test]
    fn the_file_has_the_shape_that_programs_read() {
        let shape: serde_json::Value = serde_json::to_value(endpoints()).unwrap();
        assert_eq!(
            shape,
            serde_json::json!({
                "versioning": "127.0.0.1:7401",
                "http": "127.0.0.1:7409",
                "database": "postgres://postgres:secret@127.0.0.1:5432/postgres?sslmode=disable",
                "pids": {"signoff": 1},
            })
        );
        assert_eq!(serde_json::from_value::<Endpoints>(shape).unwrap(), endpoints());
    }

    #[test]
    fn the_password_is_neither_printed_nor_logged() {
        assert_eq!(
            endpoints().without_password().database,
            "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
        );
        assert!(!format!("{:?}", endpoints()).contains("secret"));
        assert_eq!(
            without_password("postgres://me@db/x?password=secret&a=b"),
            "postgres://me@db/x?a=b"
        );
        assert_eq!(without_password("no url, secret"), "(not shown)");
    }

    #[test]
    fn the_file_is_private_and_follows_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("endpoints.json");
        let published = Published::new(path.clone(), endpoints()).unwrap();
        published.set_pid("versioning", Some(7)).unwrap();
        published.set_pid("signoff", None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read: Endpoints = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read.pids, BTreeMap::from([("versioning".into(), 7)]));
        assert_eq!(read, published.now());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
