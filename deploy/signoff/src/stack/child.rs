//! One service as a child process.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use secrecy::{ExposeSecret, SecretString};
use signoff_chassis::identity::LOCAL_ISSUER;
use tokio::{
    process::{Child, ChildStdin, Command},
    time::{Instant, sleep, timeout},
};
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// How long a service may take until it serves.
const START_WITHIN: Duration = Duration::from_secs(60);
/// How long a service may take to finish what it is doing when it is asked to stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// How often a starting service is asked whether it serves.
const ASK_EVERY: Duration = Duration::from_millis(25);
/// How many lines of a log an error message shows.
const LINES_SHOWN: usize = 20;

/// How a service is run.
#[derive(Clone)]
pub(crate) struct Recipe {
    /// Its name, as `signoff serve` knows it.
    pub(crate) service: &'static str,
    /// The `signoff` program.
    pub(crate) program: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where it is watched.
    pub(crate) http: SocketAddr,
    /// The keys whose assertions it believes.
    pub(crate) jwks: PathBuf,
    /// The keys of the local identity provider.
    pub(crate) provider_jwks: PathBuf,
    /// The database, as its serving role.
    pub(crate) database_url: SecretString,
    /// What only this service is told.
    pub(crate) options: Vec<OsString>,
    /// The file for its log; ours without one.
    pub(crate) log: Option<PathBuf>,
}

impl Recipe {
    /// Starts the service and waits until it serves.
    pub(crate) async fn start(&self) -> Result<Service> {
        let mut child = self.spawn()?;
        let pipe = child.stdin.take();
        let mut service = Service { name: self.service, child, pipe };
        let started = match timeout(START_WITHIN, service.serving(self.address)).await {
            Ok(served) => served,
            Err(_elapsed) => {
                Err(anyhow!("{} did not serve within {} s", self.service, START_WITHIN.as_secs()))
            }
        };
        match (started, &self.log) {
            (Ok(()), _) => Ok(service),
            (Err(error), None) => Err(error),
            (Err(error), Some(log)) => Err(error.context(tail(log))),
        }
    }

    fn spawn(&self) -> Result<Child> {
        let log = match &self.log {
            None => Stdio::inherit(),
            Some(path) => OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("cannot write {}", path.display()))?
                .into(),
        };
        Command::new(&self.program)
            .args(["serve", self.service, "--stop-with-stdin"])
            .args(&self.options)
            .env("SIGNOFF_LISTEN", self.address.to_string())
            .env("SIGNOFF_HTTP_LISTEN", self.http.to_string())
            .env("SIGNOFF_JWKS", &self.jwks)
            .env("SIGNOFF_OIDC_ISSUER", LOCAL_ISSUER)
            .env("SIGNOFF_OIDC_JWKS", &self.provider_jwks)
            .env_remove("SIGNOFF_OIDC_AUDIENCE")
            .env("SIGNOFF_DATABASE_URL", self.database_url.expose_secret())
            .env_remove("SIGNOFF_DATABASE_ADMIN_URL")
            .env_remove("SIGNOFF_DATABASE_OWNER_URL")
            // It ends when this pipe does: with us, however we end.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C in a terminal goes to a whole process group: we stop things in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))
    }
}

/// The last lines of a log.
fn tail(path: &Path) -> String {
    let log = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    format!("the end of its log:\n{}\n", last.join("\n"))
}

/// A service that runs.
pub(crate) struct Service {
    name: &'static str,
    child: Child,
    /// Its standard input: it runs as long as this is open.
    pipe: Option<ChildStdin>,
}

impl Service {
    /// Its process id, until it has ended.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to stop, and kills it when that takes too long.
    pub(crate) async fn drain(mut self) {
        let began = Instant::now();
        drop(self.pipe.take());
        if timeout(DRAIN_WITHIN, self.child.wait()).await.is_err() {
            tracing::warn!(service = self.name, "did not stop in time and is killed");
            if let Err(error) = self.child.kill().await {
                tracing::warn!(service = self.name, %error, "cannot be killed");
            }
        }
        tracing::debug!(service = self.name, took = ?began.elapsed(), "stopped");
    }

    /// Waits until it says that it serves.
    async fn serving(&mut self, address: SocketAddr) -> Result<()> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect_lazy();
        let mut health = HealthClient::new(channel);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(anyhow!("{} ended before it served ({status})", self.name));
            }
            let answer = health.check(HealthCheckRequest::default()).await;
            if answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving) {
                return Ok(());
            }
            sleep(ASK_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

    use super::*;

    /// A recipe whose program is a script.
    fn recipe(folder: &Path, script: &str, log: bool) -> Recipe {
        let program = folder.join("program");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Recipe {
            service: "versioning",
            program,
            address: free,
            http: free,
            jwks: folder.join("jwks.json"),
            provider_jwks: folder.join("provider-jwks.json"),
            database_url: "postgres://nobody@localhost/x".to_owned().into(),
            options: vec!["--more".into()],
            log: log.then(|| folder.join("versioning.log")),
        }
    }

    #[tokio::test]
    async fn a_service_that_ends_at_once_shows_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe(
            folder.path(),
            "echo \"$@ at $SIGNOFF_LISTEN and $SIGNOFF_HTTP_LISTEN\" >&2; exit 3",
            true,
        );
        let error = format!("{:#}", recipe.start().await.err().unwrap());
        assert!(
            error.contains("serve versioning --stop-with-stdin --more at 127.0.0.1:"),
            "{error}"
        );
        assert!(error.contains(&format!("and {}", recipe.http)), "{error}");
        assert!(error.contains("exit status: 3"), "{error}");
    }

    #[tokio::test]
    async fn a_service_is_told_to_stop_by_the_end_of_its_input() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("drained");
        let script = format!("cat; echo done >{}", mark.display());
        let mut child = recipe(folder.path(), &script, false).spawn().unwrap();
        let pipe = child.stdin.take();
        let service = Service { name: "versioning", child, pipe };
        assert!(service.pid().is_some());
        service.drain().await;
        assert_eq!(fs::read_to_string(mark).unwrap(), "done\n");
    }
}
