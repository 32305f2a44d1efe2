//! Measures the services; see `bench --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints its report")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use signoff_audit::commands::Engine as Audit;
use signoff_backend::serve::{ServeArgs, Served, serve};
use signoff_bench::soak::{self, SoakArgs};
use signoff_bench::workloads::{ALL, Size};
use signoff_bench::{bare, page, run};
use signoff_chassis::{shutdown, telemetry};
use signoff_versioning::commands::Engine as Versioning;

/// How fast the services are through gRPC, beside the best SQL for the same work on the
/// same server, in the same run.
#[derive(Debug, Parser)]
#[command(name = "bench", after_help = workloads())]
struct Cli {
    /// Only these workloads, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// How large the workloads are.
    #[arg(long, value_enum, default_value = "full")]
    size: Size,
    /// Where the report is kept: a page with the table and the curves, and everything that was
    /// measured [default: a new folder in cargo's target folder]
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// End with exit code 1 if a target is missed.
    #[arg(long)]
    check: bool,
    /// How the report is printed.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Output {
    /// A table.
    Text,
    /// Everything that was measured, as one document.
    Json,
}

/// What else it does; and the servers, which it starts itself.
#[derive(Debug, Subcommand)]
enum Command {
    /// Draws the page and the curves of a kept report again.
    Draw {
        /// Where the report is kept.
        folder: PathBuf,
    },
    /// The whole system under load for as long as it takes to see whether anything grows. It ends with exit
    /// code 1 if something did.
    Soak(SoakArgs),
    #[command(hide = true)]
    Versioning(Box<signoff_versioning::ServeArgs>),
    #[command(hide = true)]
    Audit(Box<signoff_audit::ServeArgs>),
    #[command(hide = true)]
    Gateway(Box<signoff_gateway::GatewayArgs>),
    #[command(hide = true)]
    Metrics(Box<signoff_metrics::MetricsArgs>),
    #[command(hide = true)]
    Bare(bare::BareArgs),
}

fn workloads() -> String {
    let width = ALL.iter().map(|one| one.name.len()).max().unwrap_or_default();
    let lines = ALL.iter().map(|one| format!("  {:width$}  {}", one.name, one.about));
    format!("Workloads:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Draw { folder }) => ended(draw(&folder)),
        Some(Command::Soak(args)) => match soaked(&args, cli.output).await {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => ended(Err(error)),
        },
        Some(Command::Versioning(args)) => ended(serve_until_told::<Versioning>(*args).await),
        Some(Command::Audit(args)) => ended(serve_until_told::<Audit>(*args).await),
        Some(Command::Gateway(args)) => ended(gateway_until_told(*args).await),
        Some(Command::Metrics(args)) => ended(metrics_until_told(*args).await),
        Some(Command::Bare(args)) => ended(bare_until_told(args).await),
        None => match measure(&cli).await {
            Ok(passed) if passed || !cli.check => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(error) => ended(Err(error)),
        },
    }
}

fn ended(how: Result<()>) -> ExitCode {
    match how {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve_until_told<B: Served>(args: ServeArgs<B::Args>) -> Result<()> {
    telemetry::init(args.server.log_json)?;
    serve::<B>(args, shutdown::token(true)?).await
}

async fn gateway_until_told(args: signoff_gateway::GatewayArgs) -> Result<()> {
    telemetry::init(args.log_json)?;
    signoff_gateway::serve(args, shutdown::token(true)?).await
}

async fn metrics_until_told(args: signoff_metrics::MetricsArgs) -> Result<()> {
    telemetry::init(args.server.log_json)?;
    signoff_metrics::serve(args, shutdown::token(true)?).await
}

async fn bare_until_told(args: bare::BareArgs) -> Result<()> {
    bare::serve(args, shutdown::token(true)?).await
}

/// Whether nothing grew.
async fn soaked(args: &SoakArgs, output: Output) -> Result<bool> {
    let program = std::env::current_exe().context("this program's own path")?;
    let report = soak::run(program.clone(), args, |step| eprintln!("{step}")).await?;
    let json = serde_json::to_string_pretty(&report)?;
    let folder = new_folder(&program);
    page::write(&folder, "soak.json", &json)?;
    match output {
        Output::Text => println!("{}", report.table()),
        Output::Json => println!("{json}"),
    }
    eprintln!("everything that was noted: {}", folder.display());
    Ok(report.passed())
}

/// Measures, and keeps what was measured. Whether all targets were met.
async fn measure(cli: &Cli) -> Result<bool> {
    let workloads = run::chosen(&cli.only)?;
    let program = std::env::current_exe().context("this program's own path")?;
    let report =
        run::run(program.clone(), &workloads, cli.size, |step| eprintln!("{step}")).await?;
    let folder = cli.keep.clone().unwrap_or_else(|| new_folder(&program));
    page::keep(&report, &folder)?;
    match cli.output {
        Output::Text => println!("{}", report.table()),
        Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    eprintln!("the table, the curves and everything that was measured: {}", folder.display());
    Ok(report.passed())
}

/// A new folder in `bench` in cargo's target folder, or in the current one's, should the program lie
/// elsewhere.
fn new_folder(program: &Path) -> PathBuf {
    let built = program.ancestors().find(|folder| folder.ends_with("target"));
    let name = chrono::Utc::now().format("%Y%m%dT%H%M%SZ").to_string();
    built.unwrap_or(Path::new("target")).join("bench").join(name)
}

fn draw(folder: &Path) -> Result<()> {
    page::keep(&page::kept(folder)?, folder)
}
