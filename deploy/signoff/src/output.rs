//! What the program prints: the only place that writes to standard output and standard error
//! beside the log.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where printing is done")]

use std::io::{self, Write};

use serde::Serialize;

/// How data is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON value on one line.
    Json,
}

/// Prints a line. A reader who has gone away is no error.
pub fn line(text: &str) {
    let _gone = writeln!(io::stdout(), "{text}");
}

/// Prints a value as one line of JSON.
///
/// # Errors
/// When the value has no JSON form.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?);
    Ok(())
}

/// Writes bytes to standard output as they are.
///
/// # Errors
/// When they cannot be written: what comes after would be of no use.
pub fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Says on standard error why the program fails.
pub fn complain(error: &anyhow::Error) {
    let _gone = writeln!(io::stderr(), "error: {error:#}");
}
