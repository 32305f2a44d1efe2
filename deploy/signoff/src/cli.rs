//! The command line: what can be asked for, and how.

pub mod serve;
pub mod trail;

use std::{path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;
use signoff_workflow::Role;
use url::Url;
use uuid::Uuid;

use crate::{output::Format, stack::Ports};

/// The longest life of a token.
const LONGEST_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The versioning, approval and audit backbone for testing regulatory reports.
#[derive(Debug, Parser)]
#[command(name = "signoff", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything on this machine: PostgreSQL and the services; stop with Ctrl-C
    Up(UpArgs),
    /// Watch a report go through its nine phases, from planning to the signed final report
    Demo(DemoArgs),
    /// Run one service, for containers
    Serve(Box<serve::ServeArgs>),
    /// Print a token for a person or a program, as the identity provider of a data folder
    Token(TokenArgs),
    /// Make a gateway's key, and print its public half as the JSON Web Key Set for the other services
    Key(KeyArgs),
    /// Print where a workflow's phases and lanes stand, what is next and what blocks it
    Board(BoardArgs),
    /// Print what a workflow adds up to: versions, times, rates, documents, requests
    Metrics(MetricsArgs),
    /// Write a workflow's trail to a file that anybody can verify
    Export(trail::ExportArgs),
    /// Print the last record of trails as lines to be kept elsewhere, which show later if a trail was cut
    Head(trail::HeadArgs),
    /// Verify a trail: an exported one without any service, or a workflow's where it is kept
    Verify(trail::VerifyArgs),
}

/// `signoff up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// The data folder [default: /var/lib/signoff for root, else ~/.local/share/signoff]
    #[arg(long, value_name = "DIR", env = "SIGNOFF_DATA")]
    pub data: Option<PathBuf>,
    /// The first of the ten ports to use on 127.0.0.1, or `auto` for free ones
    #[arg(long, value_name = "BASE|auto", default_value = "7400", value_parser = ports)]
    pub ports: Ports,
    /// Use this PostgreSQL (an administrator's URL) instead of starting one
    #[arg(long, value_name = "URL", env = "SIGNOFF_DATABASE_ADMIN_URL", hide_env_values = true,
          value_parser = database_url)]
    pub database_url: Option<SecretString>,
    /// How to print the endpoints
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

/// `signoff demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep the data in this folder, instead of in a temporary one
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Leave the services running at the end, until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// How to print what came of it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

/// `signoff token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// Who it is for: a user id, 1 or higher
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub user: i64,
    /// What they are everywhere: admin, auditor or service, separated by commas. All else comes from
    /// the members of a report
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',', num_args = 1..)]
    pub roles: Vec<Role>,
    /// The only report that it is good for
    #[arg(long, value_name = "CYCLE_ID/REPORT_ID", value_parser = workflow)]
    pub workflow: Option<(Uuid, Uuid)>,
    /// How long it is valid, for instance 90s, 15m or 1h; at most 24h
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ttl)]
    pub ttl: Duration,
    /// The data folder [default: /var/lib/signoff for root, else ~/.local/share/signoff]
    #[arg(long, value_name = "DIR", env = "SIGNOFF_DATA")]
    pub data: Option<PathBuf>,
}

/// `signoff key`.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// The file for the private key (PKCS#8 in PEM), readable by its owner alone; never overwritten
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Which running system is asked.
#[derive(Debug, Args)]
pub struct SystemArgs {
    /// The data folder of the running system [default: /var/lib/signoff for root, else
    /// ~/.local/share/signoff]
    #[arg(long, value_name = "DIR", env = "SIGNOFF_DATA")]
    pub data: Option<PathBuf>,
    /// Ask a system that runs elsewhere, at its gateway: `https://gateway.example`
    #[arg(long, value_name = "URL", value_parser = gateway, requires = "token_file")]
    pub gateway: Option<Url>,
    /// The file with the token that is shown there, of the role `auditor`; read for each call
    #[arg(long, value_name = "FILE", requires = "gateway")]
    pub token_file: Option<PathBuf>,
}

/// `signoff board`.
#[derive(Debug, Args)]
pub struct BoardArgs {
    /// Whose board
    #[arg(long, value_name = "CYCLE_ID/REPORT_ID", value_parser = workflow)]
    pub workflow: (Uuid, Uuid),
    /// Which system is asked
    #[command(flatten)]
    pub system: SystemArgs,
    /// How to print it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

/// `signoff metrics`.
#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// Whose metrics
    #[arg(long, value_name = "CYCLE_ID/REPORT_ID", value_parser = workflow)]
    pub workflow: (Uuid, Uuid),
    /// Only what happened from this time on, for instance 2026-11-01T00:00:00Z; widened to whole hours
    #[arg(long, value_name = "TIME")]
    pub from: Option<DateTime<Utc>>,
    /// Only what happened before this time
    #[arg(long, value_name = "TIME")]
    pub to: Option<DateTime<Utc>>,
    /// Which system is asked
    #[command(flatten)]
    pub system: SystemArgs,
    /// How to print them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

fn gateway(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("`http://` or `https://`, a host and perhaps a port".into()),
    }
}

fn ports(text: &str) -> Result<Ports, String> {
    if text == "auto" {
        return Ok(Ports::Auto);
    }
    match text.parse() {
        Ok(base @ 1..=65_526) => Ok(Ports::Base(base)),
        _ => Err("`auto`, or a number from 1 to 65526".into()),
    }
}

fn database_url(text: &str) -> Result<SecretString, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err("it must begin with postgres://".into());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it must name a host".into());
    }
    Ok(text.to_owned().into())
}

pub(crate) fn workflow(text: &str) -> Result<(Uuid, Uuid), String> {
    let (cycle, report) = text.split_once('/').ok_or("two ids with a slash between them")?;
    let id = |what: &str, text: &str| {
        Uuid::parse_str(text).map_err(|error| format!("the {what} id is no UUID: {error}"))
    };
    Ok((id("cycle", cycle)?, id("report", report)?))
}

fn ttl(text: &str) -> Result<Duration, String> {
    let wrong = || "a whole number and s, m or h, for instance 90s, 15m or 1h".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)) {
        Some(0) => Err("it must be longer than nothing".into()),
        Some(seconds) if seconds <= LONGEST_TTL.as_secs() => Ok(Duration::from_secs(seconds)),
        _ => Err("at most 24h".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_read() {
        assert_eq!(ttl("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(ttl("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(ttl("24h"), Ok(LONGEST_TTL));
        for wrong in [
            "",
            "h",
            "1",
            "1d",
            "-1s",
            "+1s",
            "0s",
            "25h",
            "1441m",
            "1.5h",
            "1h30m",
            "1é",
            "99999999999999999999h",
            "9999999999999999999h",
        ] {
            assert!(ttl(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ports_are_a_base_or_auto() {
        assert!(matches!(ports("auto"), Ok(Ports::Auto)));
        assert!(matches!(ports("7400"), Ok(Ports::Base(7400))));
        for wrong in ["0", "65527", "70000", "any", ""] {
            assert!(ports(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_database_url_names_a_host() {
        assert!(database_url("postgres://me:pw@db.example/postgres").is_ok());
        assert!(database_url("postgresql://localhost").is_ok());
        for wrong in ["mysql://localhost/x", "postgres:///x", "localhost", ""] {
            assert!(database_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_workflow_is_two_uuids() {
        let (cycle, report) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(workflow(&format!("{cycle}/{report}")), Ok((cycle, report)));
        for wrong in [cycle.to_string(), format!("{cycle}/"), format!("{cycle}/x")] {
            assert!(workflow(&wrong).is_err(), "{wrong}");
        }
    }
}
