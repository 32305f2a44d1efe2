//! One attempt to start a server: its settings, its port, and the wait until it is ready.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    str::FromStr,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep};

use crate::{error::Error, folder::Folder, guard::Guard, log::Log};

/// How often a starting server is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The longest folder in which a Unix socket can lie, in bytes: the socket's whole path may have
/// 107, and its name takes up to 15.
const LONGEST_SOCKET_FOLDER: usize = 90;

/// Why an attempt failed: for good, or because somebody else was quicker to take the port.
pub(crate) enum Failed {
    PortLost,
    ForGood(Error),
}

/// The port to try: the one asked for, or a free one.
pub(crate) fn pick_port(asked: Option<u16>) -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, asked.unwrap_or(0)));
    let port = listener.and_then(|listener| listener.local_addr()).map(|address| address.port());
    port.map_err(|source| match asked {
        Some(port) if source.kind() == ErrorKind::AddrInUse => Error::PortTaken { port },
        _ => Error::Io { what: "cannot listen on 127.0.0.1".into(), source },
    })
}

/// The server's arguments. Durability (`fsync`, `synchronous_commit`, `full_page_writes`) is left
/// at its safe defaults.
pub(crate) fn settings(folder: &Path, port: u16) -> Vec<String> {
    [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", socket_folder(folder)),
        "unix_socket_permissions=0700".into(),
        "max_connections=100".into(),
        // A prepared transaction left behind would hold back every reader of the feed.
        "max_prepared_transactions=0".into(),
        "shared_buffers=128MB".into(),
        "password_encryption=scram-sha-256".into(),
        "jit=off".into(),
        "timezone=UTC".into(),
        "log_timezone=UTC".into(),
        "logging_collector=off".into(),
        "log_line_prefix=%m [%p] %q%u@%d ".into(),
    ]
    .into_iter()
    .flat_map(|setting| ["-c".to_owned(), setting])
    .collect()
}

/// The folder for the server's Unix socket, or nothing where its path is too long for one.
fn socket_folder(folder: &Path) -> String {
    match folder.to_str() {
        Some(path) if path.len() <= LONGEST_SOCKET_FOLDER => {
            format!("\"{}\"", path.replace('"', "\"\""))
        }
        _ => String::new(),
    }
}

/// The administrator's URL.
pub(crate) fn admin_url(port: u16, password: &SecretString) -> SecretString {
    let password = password.expose_secret();
    format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres?sslmode=disable").into()
}

/// Waits until the server takes a connection.
pub(crate) async fn ready(
    guard: &Guard,
    folder: &Folder,
    log: &Log,
    url: &SecretString,
    within: Duration,
) -> Result<(), Failed> {
    let deadline = Instant::now() + within;
    loop {
        if guard.ending().is_some() {
            let log = log.tail();
            return Err(if log.contains("could not bind IPv4 address") {
                Failed::PortLost
            } else {
                Failed::ForGood(Error::Start { log })
            });
        }
        // Only our own server writes that it is ready: a stranger on the port is not asked.
        if folder.says_ready() {
            match connect(url).await {
                Ok(()) => return Ok(()),
                Err(error) if refuses_password(&error) => {
                    let file = folder.password_file();
                    return Err(Failed::ForGood(Error::Password { file }));
                }
                Err(_) => {}
            }
        }
        if Instant::now() >= deadline {
            let seconds = within.as_secs();
            return Err(Failed::ForGood(Error::Slow { seconds, log: log.tail() }));
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn connect(url: &SecretString) -> Result<(), sqlx::Error> {
    let options = PgConnectOptions::from_str(url.expose_secret())?;
    PgConnection::connect_with(&options).await?.close().await
}

/// SQLSTATE class 28: invalid authorization.
fn refuses_password(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .is_some_and(|code| code.starts_with("28"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_lies_in_the_folder_when_its_path_is_short_enough() {
        assert_eq!(socket_folder(Path::new("/a \"b\", c")), "\"/a \"\"b\"\", c\"");
        assert_eq!(socket_folder(Path::new(&format!("/{}", "x".repeat(90)))), "");
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(matches!(pick_port(Some(port)), Err(Error::PortTaken { port: p }) if p == port));
        assert_ne!(pick_port(None).unwrap(), port);
    }
}
