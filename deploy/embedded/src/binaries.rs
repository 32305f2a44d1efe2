//! Finding the installed server.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::Error;

/// The oldest major version that is supported.
const OLDEST: u32 = 15;
/// Where Debian and Ubuntu keep one folder for each major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder that holds `initdb` and `postgres`, 15 or newer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// Finds the server binaries: `SIGNOFF_PG_BIN` if set (and nothing else then), the first
    /// folder of `PATH` that has them, or the highest version in `/usr/lib/postgresql/*/bin`.
    ///
    /// # Errors
    /// [`Error::NoBinaries`], with the places that were tried and the package to install.
    pub fn find() -> Result<Self, Error> {
        if let Some(named) = env::var_os("SIGNOFF_PG_BIN") {
            return Self::first_of([PathBuf::from(named)]);
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path: Vec<PathBuf> = env::split_paths(&path)
            .filter(|folder| folder.is_absolute() && folder.join("postgres").is_file())
            .collect();
        Self::first_of(on_path.into_iter().chain(debian(Path::new(DEBIAN)))).map_err(|error| {
            match error {
                Error::NoBinaries { looked_at } if looked_at.is_empty() => {
                    Error::NoBinaries { looked_at: format!("PATH and {DEBIAN}/*/bin") }
                }
                other => other,
            }
        })
    }

    /// The path of a program, by its name.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder that holds the programs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The major version, 15 or higher.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    fn first_of(folders: impl IntoIterator<Item = PathBuf>) -> Result<Self, Error> {
        let mut looked_at = Vec::new();
        for folder in folders {
            match Self::inspect(&folder) {
                Ok(found) => return Ok(found),
                Err(why) => looked_at.push(format!("{}: {why}", folder.display())),
            }
        }
        Err(Error::NoBinaries { looked_at: looked_at.join("; ") })
    }

    /// Looks at one folder; the error says what is wrong with it.
    fn inspect(folder: &Path) -> Result<Self, String> {
        for program in ["initdb", "postgres"] {
            if !folder.join(program).is_file() {
                return Err(format!("no {program}"));
            }
        }
        let answer = Command::new(folder.join("postgres"))
            .arg("--version")
            .output()
            .map_err(|error| format!("postgres does not run ({error})"))?;
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        let major = major_of(&answer).ok_or_else(|| "no version number".to_owned())?;
        if major < OLDEST {
            return Err(format!("version {major} is too old"));
        }
        Ok(Self { folder: folder.to_owned(), major })
    }
}

/// The `bin` folders of Debian's layout, highest version first.
fn debian(root: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// The major version in `postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)` or `… 18beta1`.
fn major_of(answer: &str) -> Option<u32> {
    let number = answer.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn pretend(folder: &Path, version: &str) {
        fs::create_dir_all(folder).unwrap();
        for name in ["initdb", "postgres"] {
            let path = folder.join(name);
            fs::write(&path, format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn versions_are_read_from_the_answer() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("something else"), None);
    }

    #[test]
    fn the_highest_supported_version_is_taken() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9.6", "14", "16", "17"] {
            pretend(&root.path().join(version).join("bin"), &format!("{version}.1"));
        }
        fs::remove_file(root.path().join("17/bin/initdb")).unwrap();
        let found = Binaries::first_of(debian(root.path())).unwrap();
        assert_eq!((found.major(), found.folder()), (16, &*root.path().join("16/bin")));
    }

    #[test]
    fn what_was_looked_at_is_told() {
        let root = tempfile::tempdir().unwrap();
        pretend(&root.path().join("14/bin"), "14.9");
        let message = Binaries::first_of(debian(root.path())).unwrap_err().to_string();
        assert!(message.contains("14/bin: version 14 is too old"), "{message}");
        assert!(message.contains("apt-get install postgresql"), "{message}");
    }
}
