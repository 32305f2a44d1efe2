//! The end of the server's log, for error messages.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{FileExt, OpenOptionsExt},
};

use crate::{
    error::{Error, io},
    folder::Folder,
};

/// How much of the log an error message may hold, in bytes.
const TAIL: usize = 4096;
/// From this size on, in bytes, the log of earlier runs is put aside.
const LARGE: u64 = 16 << 20;

/// The server's log, from where this run began. It stays readable when its folder is removed.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    begin: u64,
}

impl Log {
    /// The log of a run that is about to start. A large one becomes `server.log.1` first.
    pub(crate) fn open(folder: &Folder) -> Result<Self, Error> {
        let path = folder.path.join("server.log");
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > LARGE) {
            fs::rename(&path, folder.path.join("server.log.1")).map_err(io("rename", &path))?;
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(io("open", &path))?;
        folder.account.own(&path)?;
        let begin = file.metadata().map_err(io("look at", &path))?.len();
        Ok(Self { file, begin })
    }

    /// The last lines that this run wrote.
    pub(crate) fn tail(&self) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let end = self.file.metadata()?.len();
            let from = self.begin.max(end.saturating_sub(TAIL as u64));
            let mut bytes = vec![0; TAIL];
            let length = self.file.read_at(&mut bytes, from)?;
            bytes.truncate(length);
            Ok(bytes)
        };
        match read() {
            Ok(bytes) if bytes.is_empty() => "(nothing was logged)".into(),
            Ok(bytes) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
            Err(error) => format!("(the log cannot be read: {error})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;

    #[test]
    fn the_tail_is_this_runs_bounded_and_outlives_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let account = Account::choose().unwrap();
        let folder = Folder { path: outer.path().to_owned(), account };
        let path = outer.path().join("server.log");
        fs::write(&path, "before\n").unwrap();
        let log = Log::open(&folder).unwrap();
        assert_eq!(log.tail(), "(nothing was logged)");
        fs::write(&path, "before\nnow\n").unwrap();
        assert_eq!(log.tail(), "now");
        fs::write(&path, "x".repeat(10_000)).unwrap();
        assert_eq!(log.tail().len(), TAIL);
        outer.close().unwrap();
        assert_eq!(log.tail().len(), TAIL);
    }
}
