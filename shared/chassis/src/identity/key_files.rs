//! Key sets in files, read again when they change.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;

use super::{Jwks, KeyError};

/// What tells whether a file has changed: modification time to the nanosecond, size, inode.
type Stamp = (i64, i64, u64, u64);

/// The keys of some files. The last good set is kept while a file cannot be read.
pub(super) struct KeyFiles {
    paths: Vec<PathBuf>,
    keys: HashMap<String, DecodingKey>,
    stamps: Vec<Option<Stamp>>,
    /// How long a look at the files is good for.
    recheck: Duration,
    looked_at: Instant,
    read_at: Instant,
}

impl KeyFiles {
    /// Reads the files for the first time.
    pub(super) fn open(paths: Vec<PathBuf>, recheck: Duration) -> Result<Self, KeyError> {
        if paths.is_empty() {
            return Err(KeyError::NoKeySet);
        }
        let stamps = stamps(&paths);
        let keys = read(&paths)?;
        let now = Instant::now();
        Ok(Self { paths, keys, stamps, recheck, looked_at: now, read_at: now })
    }

    /// Looks whether a file has changed, if the last look is old enough. True if the keys were
    /// read again.
    pub(super) fn refresh(&mut self) -> bool {
        if self.looked_at.elapsed() < self.recheck {
            return false;
        }
        self.looked_at = Instant::now();
        let found = stamps(&self.paths);
        found != self.stamps && self.reload(found)
    }

    /// Reads the files again because a key is unknown, unless that was done a moment ago. True if
    /// they were read.
    pub(super) fn refresh_for_unknown_key(&mut self) -> bool {
        self.read_at.elapsed() >= self.recheck && self.reload(stamps(&self.paths))
    }

    /// The key of this name.
    pub(super) fn get(&self, kid: &str) -> Option<&DecodingKey> {
        self.keys.get(kid)
    }

    fn reload(&mut self, stamps: Vec<Option<Stamp>>) -> bool {
        self.read_at = Instant::now();
        match read(&self.paths) {
            Ok(keys) => {
                self.keys = keys;
                // Taken before reading: a change in between is seen at the next look.
                self.stamps = stamps;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the key sets cannot be read; the last good ones stay");
                false
            }
        }
    }
}

fn read(paths: &[PathBuf]) -> Result<HashMap<String, DecodingKey>, KeyError> {
    let mut keys = HashMap::new();
    for path in paths {
        let found = Jwks::load(path)?.verifying();
        if found.is_empty() {
            return Err(KeyError::NoUsableKey(path.display().to_string()));
        }
        keys.extend(found);
    }
    Ok(keys)
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| stamp(path)).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let file = fs::metadata(path).ok()?;
    Some((file.mtime(), file.mtime_nsec(), file.size(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SigningKey;

    const NEVER: Duration = Duration::from_secs(3600);

    #[test]
    fn a_changed_file_is_read_again_and_a_bad_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let (old, new) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        Jwks::of([&old]).save(&path).unwrap();
        let mut files = KeyFiles::open(vec![path.clone()], Duration::ZERO).unwrap();
        assert!(!files.refresh(), "nothing has changed");

        for bad in ["", "{\"keys\": []}"] {
            fs::write(&path, bad).unwrap();
            assert!(!files.refresh());
            assert!(files.get(old.kid()).is_some());
        }
        fs::remove_file(&path).unwrap();
        assert!(!files.refresh());
        assert!(files.get(old.kid()).is_some());

        Jwks::of([&new]).save(&path).unwrap();
        assert!(files.refresh());
        assert!(files.get(old.kid()).is_none() && files.get(new.kid()).is_some());
    }

    #[test]
    fn files_are_not_looked_at_all_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let (old, new) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        Jwks::of([&old]).save(&path).unwrap();
        let mut files = KeyFiles::open(vec![path.clone()], NEVER).unwrap();
        Jwks::of([&new]).save(&path).unwrap();
        assert!(!files.refresh() && !files.refresh_for_unknown_key());
        files.recheck = Duration::ZERO;
        assert!(files.refresh_for_unknown_key());
        assert!(files.get(new.kid()).is_some());
    }

    #[test]
    fn keys_of_all_files_count() {
        let folder = tempfile::tempdir().unwrap();
        let keys = [SigningKey::generate().unwrap(), SigningKey::generate().unwrap()];
        let paths = ["a.json", "b.json"].map(|name| folder.path().join(name));
        for (key, path) in keys.iter().zip(&paths) {
            Jwks::of([key]).save(path).unwrap();
        }
        let files = KeyFiles::open(paths.to_vec(), NEVER).unwrap();
        assert!(keys.iter().all(|key| files.get(key.kid()).is_some()));
        assert!(matches!(KeyFiles::open(Vec::new(), NEVER), Err(KeyError::NoKeySet)));
    }
}
