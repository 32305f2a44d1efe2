//! What the tests of the program share.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

pub mod http;
pub mod promql;

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The program, without variables that would change what it does.
pub fn signoff() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signoff"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SIGNOFF_") && name != "SIGNOFF_PG_BIN" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    signoff().args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// A folder that the user who runs PostgreSQL can enter.
pub fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Waits for a condition, and fails when it does not come true.
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to a process.
pub fn kill(pid: u32, signal: &str) {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

/// Whether a process runs. One that is dead but not reaped has no command line any more.
pub fn runs(pid: u32) -> bool {
    !fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default().is_empty()
}

/// Every process that has a text in its command line, except ourselves.
pub fn processes_about(text: &str) -> Vec<u32> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(text)
        })
        .collect()
}

/// A running `signoff up`.
pub struct Up {
    pub process: Child,
    pub data: PathBuf,
    /// What it printed when it was ready.
    pub printed: Value,
}

impl Up {
    /// Starts it on a data folder, and waits until it says that it is ready.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with more arguments.
    pub fn start_with(data: &Path, more: &[&str]) -> Self {
        let mut command = signoff();
        command.args(["up", "--ports", "auto", "--output", "json", "--data"]).arg(data).args(more);
        Self::spawn(command, data)
    }

    /// The same, by a command of its own that prints JSON.
    pub fn spawn(mut command: Command, data: &Path) -> Self {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let printed = serde_json::from_str(&line).expect("one line of JSON");
        Self { process, data: data.to_owned(), printed }
    }

    /// What `endpoints.json` says now.
    pub fn endpoints(&self) -> Value {
        let text = fs::read_to_string(self.data.join("endpoints.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The process id of one of its processes.
    pub fn pid(&self, name: &str) -> u32 {
        self.endpoints()["pids"][name].as_u64().unwrap().try_into().unwrap()
    }

    /// Sends it a signal, waits for its end, and answers with its exit code.
    pub fn end(&mut self, signal: &str) -> Option<i32> {
        kill(self.process.id(), signal);
        self.process.wait().unwrap().code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _reaped = self.process.wait();
    }
}
