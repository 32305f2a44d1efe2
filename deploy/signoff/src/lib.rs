//! The operator's program, `signoff`.
//!
//! The commands themselves ([`run`]), and a whole running system in a value ([`stack::Stack`]),
//! with which `up`, the demo and the tests start and stop one.

mod board;
pub mod cli;
mod commands;
mod connection;
pub mod demo;
mod metrics;
pub mod output;
pub mod stack;
mod table;
mod words;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

/// Reads the command line and does what it says.
///
/// The exit code is 0 for success, 1 for an operation that failed, 2 for wrong usage.
pub async fn run() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|usage| usage.exit());
    let done = match cli.command {
        Command::Up(args) => commands::up::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Serve(args) => commands::serve::run(*args).await,
        Command::Token(args) => commands::token::run(args),
        Command::Key(args) => commands::key::run(args),
        Command::Export(args) => commands::export::run(args).await,
        Command::Board(args) => commands::board::run(args).await,
        Command::Metrics(args) => commands::metrics::run(args).await,
        Command::Head(args) => commands::head::run(args).await,
        Command::Verify(args) => commands::verify::run(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast::<clap::Error>() {
            Ok(usage) => usage.exit(),
            Err(error) => {
                output::complain(&error);
                ExitCode::FAILURE
            }
        },
    }
}
