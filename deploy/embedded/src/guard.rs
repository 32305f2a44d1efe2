//! The guard process that stands between us and the server.

use std::{
    fmt,
    io::Write,
    os::unix::process::CommandExt,
    process::{ChildStdin, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::{binaries::Binaries, error::Error, folder::Folder};

/// How a server's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending(Option<ExitStatus>);

impl Ending {
    /// Whether it ended in an orderly way.
    #[must_use]
    pub fn success(&self) -> bool {
        self.0.is_some_and(|status| status.success())
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(status) => status.fmt(f),
            None => f.write_str("unknown exit status"),
        }
    }
}

/// A running guard. Dropping it shuts the server down (without waiting for it).
#[derive(Debug)]
pub(crate) struct Guard {
    words: Mutex<Option<ChildStdin>>,
    ended: watch::Receiver<Option<Ending>>,
}

impl Guard {
    /// Starts the guard. It waits for the word `start`.
    pub(crate) fn spawn(
        binaries: &Binaries,
        folder: &Folder,
        keep: &str,
        held: Stdio,
        settings: &[String],
    ) -> Result<Self, Error> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", include_str!("guard.sh"), "signoff-postgres-guard"])
            .arg(&folder.path)
            .arg(keep)
            .arg(binaries.program("initdb"))
            .arg(binaries.program("postgres"))
            .args(settings)
            // Nothing of ours reaches the server: no PG* variables, no secrets.
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/")
            // Ctrl-C in a terminal goes to a whole process group: the server is not in ours.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(held)
            .stderr(Stdio::null());
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        folder.account.apply(&mut command);
        let start = |source| Error::Io {
            what: format!("cannot start /bin/sh as {}", folder.account.name()),
            source,
        };
        let mut child = command.spawn().map_err(start)?;
        let words = Mutex::new(child.stdin.take());
        let (tell, ended) = watch::channel(None);
        // A thread of its own: it belongs to no async runtime, so a cluster may outlive one.
        std::thread::Builder::new()
            .name("postgres-guard".into())
            .spawn(move || tell.send_replace(Some(Ending(child.wait().ok()))))
            .map_err(start)?;
        Ok(Self { words, ended })
    }

    /// Says a word to the guard. One that has ended does not hear it, which is no error.
    pub(crate) fn say(&self, word: &str) {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = words.as_mut() {
            let _nobody_listens =
                pipe.write_all(word.as_bytes()).and_then(|()| pipe.write_all(b"\n"));
        }
    }

    /// Lets go of the guard, which shuts the server down.
    pub(crate) fn let_go(&self) {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// How it ended, if it has.
    pub(crate) fn ending(&self) -> Option<Ending> {
        *self.ended.borrow()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) -> Ending {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(ending) => ending.unwrap_or(Ending(None)),
            Err(_) => Ending(None),
        }
    }
}
