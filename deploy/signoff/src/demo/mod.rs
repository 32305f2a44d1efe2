//! `signoff demo`: the product's main job, played through its public API.
//!
//! A private system is started, and the people of one report go through its nine phases as they
//! would in earnest: each with a token of their own, at the gateway, through gRPC; then those of a
//! second, smaller one. Every number that is printed is one that was answered, and is compared with
//! the story.

mod audit;
pub mod data;
mod desk;
mod keep;
mod lanes;
mod memberships;
mod numbers;
mod outcome;
mod people;
mod phases;
mod reading;
mod refusals;
mod signing;
mod stage;
mod story;
mod summary;
mod tables;
mod workflows;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;
use signoff_chassis::{shutdown, telemetry};
use signoff_workflow::Workflow;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::cli::DemoArgs;
use crate::output::{self, Format};
use crate::stack::{Home, Logs, Ports, Stack, UpOptions, provider_key};
use keep::Running;
use people::Cast;
use stage::Stage;
use summary::Summary;

/// What is printed at the end where JSON is asked for.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<&'a Running>,
}

/// Plays the demo and ends; with `keep`, leaves the system running until Ctrl-C or SIGTERM.
///
/// # Errors
/// Something does not start or stop, the story does not go as it must, or it is interrupted.
pub async fn run(args: DemoArgs) -> Result<()> {
    // The log would run into the story: it is written only where somebody asks for it.
    if std::env::var_os(telemetry::FILTER_VARIABLE).is_some() {
        telemetry::init(false)?;
    }
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let temporary = args.data.is_none();
    let stop = shutdown::token(false)?;
    let stage = Stage::new(args.output);
    let stack = start(&stage, &stop, args.data, program.clone()).await?;
    let data = stack.data().to_owned();

    let played = tokio::select! {
        played = Box::pin(play(&stage, &stack)) => played,
        error = stack.failed() => Err(error),
        () = stop.cancelled() => Err(interrupted()),
    };
    let ended = match played {
        Ok(summary) => {
            finish(&stage, args.output, &summary, args.keep, &stack, &stop, &program).await
        }
        Err(error) => Err(error),
    };
    let stopped = stack.stop().await;
    ended?;
    stopped?;
    if temporary {
        ensure!(!data.exists(), "the temporary folder {} is still there", data.display());
        stage.line("\nEverything is stopped, and the temporary folder is gone.");
    } else {
        stage.line(&format!("\nEverything is stopped. The data is in {}.", data.display()));
    }
    Ok(())
}

fn interrupted() -> anyhow::Error {
    anyhow!("interrupted before the end of the story")
}

/// Starts a private system.
async fn start(
    stage: &Stage,
    stop: &CancellationToken,
    data: Option<PathBuf>,
    program: PathBuf,
) -> Result<Stack> {
    let home = match data {
        Some(path) => Home::Folder { path, database_url: None },
        None => Home::Temporary,
    };
    let options = UpOptions { home, ports: Ports::Auto, program, logs: Logs::Files };
    let _waiting = stage.waiting("Starting a private PostgreSQL and the services …");
    let mut starting = Box::pin(Stack::start(options));
    tokio::select! {
        started = &mut starting => started,
        () = stop.cancelled() => {
            // Only what has started can be stopped in order, and it starts in a second or two.
            starting.await?.stop().await?;
            Err(interrupted())
        }
    }
}

/// Plays the story and reads what came of it.
async fn play(stage: &Stage, stack: &Stack) -> Result<Summary> {
    let endpoints = stack.endpoints();
    let address = endpoints.service("gateway").context("no gateway runs")?;
    let gateway = Channel::from_shared(format!("http://{address}"))?.connect().await?;
    let key = provider_key(stack.data())?;
    let cycle_id = Uuid::now_v7();
    let cast = || Cast::new(&key, &gateway, Workflow { cycle_id, report_id: Uuid::now_v7() });
    let (first, second) = (cast()?, cast()?);

    stage.heading("Two reports of FR Y-14M in one cycle");
    stage.line(&format!(
        "  Everybody calls the gateway at {address} over gRPC, with a token of their own:"
    ));
    stage.says("Adam", "the admin, opens reports and says who works on them");
    stage.says("Tess", "the tester, puts things forward, reviews documents, and tests");
    stage.says("LLM", "a program that recommends on Tess's behalf what a language model finds");
    stage.says("Lena", "the test lead, hands lanes over and signs");
    stage.says("Owen", "the report owner, rules on things and approves; Olga stands in for him");
    stage.says("Eve", "the test executive, rules on the report and approves it");
    stage.says("Dora", "a data owner, as are Dina, Sam and Paul: they submit documents");
    stage.says("Ada", "the auditor, reads everything at the end");
    let mut refusals = story::tell(stage, &first).await?;
    refusals.extend(story::tell_second(stage, &second).await?);
    Summary::gather(&first, &second, refusals).await
}

/// Prints the summary and, if the system is to be kept, waits.
async fn finish(
    stage: &Stage,
    format: Format,
    summary: &Summary,
    keep: bool,
    stack: &Stack,
    stop: &CancellationToken,
    program: &Path,
) -> Result<()> {
    let running = keep.then(|| Running::new(stack.endpoints(), stack.data(), program, summary));
    tables::show(stage, summary);
    if let Some(running) = &running {
        running.show(stage);
    }
    if format == Format::Json {
        output::json(&Document { summary, running: running.as_ref() })?;
    }
    if !keep {
        return Ok(());
    }
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        error = stack.failed() => Err(error),
    }
}
