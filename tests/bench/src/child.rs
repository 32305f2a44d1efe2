//! Servers as processes of their own: this program once more, with another command. So the service
//! has its own memory, its own threads and its own allocator, as in a deployment.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio::process::{Child as Process, Command};

/// A server that ends when this value is dropped, and with this process.
#[derive(Debug)]
pub struct Child {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Child {
    /// Starts `program COMMAND` over a database, and waits until it listens.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(
        program: &Path,
        command: &str,
        jwks: &Path,
        database: &SecretString,
    ) -> Result<Self> {
        let jwks = ["--jwks".into(), jwks.as_os_str().to_owned()];
        Self::start_with(program, command, &jwks, database).await
    }

    /// The same with these options.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_with(
        program: &Path,
        command: &str,
        options: &[OsString],
        database: &SecretString,
    ) -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        Self::start_at(program, command, address, options, database).await
    }

    /// The same at an address that others know already.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_at(
        program: &Path,
        command: &str,
        address: SocketAddr,
        options: &[OsString],
        database: &SecretString,
    ) -> Result<Self> {
        let mut process = Command::new(program)
            .args([command, "--listen", &address.to_string()])
            .args(options)
            .env("SIGNOFF_DATABASE_URL", database.expose_secret())
            .env("SIGNOFF_LOG", "error")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        signoff_tests::wait::until("a server that listens", || {
            let ended = process.try_wait();
            async move {
                assert!(matches!(ended, Ok(None)), "the server ended");
                TcpStream::connect(address).await.ok()
            }
        })
        .await;
        Ok(Self { process, address })
    }

    /// The most memory that it had at once since [`Child::forget_peak`], in kilobytes.
    ///
    /// # Errors
    /// It is gone.
    pub fn peak(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    /// The memory that it has now, in kilobytes.
    ///
    /// # Errors
    /// It is gone.
    pub fn resident(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    /// How many files it has open, connections among them.
    ///
    /// # Errors
    /// It is gone.
    pub fn files(&self) -> Result<usize> {
        Ok(std::fs::read_dir(self.file("fd")?)?.count())
    }

    fn memory(&self, name: &str) -> Result<u64> {
        let status = std::fs::read_to_string(self.file("status")?)?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.with_context(|| format!("no {name} in the status of a process"))?.parse()?)
    }

    /// Counts the most memory anew, from what it has now.
    ///
    /// # Errors
    /// It is gone.
    pub fn forget_peak(&self) -> Result<()> {
        Ok(std::fs::write(self.file("clear_refs")?, "5")?)
    }

    fn file(&self, name: &str) -> Result<String> {
        let pid = self.process.id().context("the server ended")?;
        Ok(format!("/proc/{pid}/{name}"))
    }
}
