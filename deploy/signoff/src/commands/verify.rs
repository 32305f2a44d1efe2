//! `signoff verify`: whether a trail is what it was.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use signoff_ledger::{Head, Source, verify_export_against};
use signoff_workflow::Workflow;

use super::auditor::Auditors;
use super::kept::{KeptHeads, Trail};
use super::report::{Report, Reports};
use crate::cli::Cli;
use crate::cli::trail::VerifyArgs;

/// Verifies a file without any service, or has the services verify what they keep.
pub(crate) async fn run(args: VerifyArgs) -> Result<()> {
    let source = args.source.map(Source::from);
    let kept = Kept::of(&args)?;
    if let Some(file) = &args.file {
        return read(file, &kept)?.print(args.output);
    }
    let workflow = args.workflow.map(|(cycle_id, report_id)| Workflow { cycle_id, report_id });
    let auditors = Auditors::of(args.system).await?;
    let trails: Vec<Trail> = match workflow {
        Some(workflow) => {
            let sources = source.map_or_else(|| auditors.sources().to_vec(), |source| vec![source]);
            sources.into_iter().map(|source| (source, workflow)).collect()
        }
        None => kept.trails(source),
    };
    kept.expect_one_of(&trails)?;
    let mut reports = Vec::new();
    for trail in trails {
        reports.push(ask(&auditors, trail, &kept).await?);
    }
    match (reports.pop(), source, workflow) {
        (Some(report), Some(_), Some(_)) => report.print(args.output),
        (last, ..) => {
            reports.extend(last);
            Reports::of(workflow, reports).print(args.output)
        }
    }
}

/// What was kept elsewhere.
enum Kept {
    Nothing,
    /// Of the trail that is verified.
    Heads(Vec<Head>),
    /// Of several trails, perhaps, and in which file.
    File(KeptHeads, String),
}

impl Kept {
    fn of(args: &VerifyArgs) -> Result<Self> {
        if let Some(file) = &args.heads {
            return Ok(Self::File(KeptHeads::read(file)?, file.display().to_string()));
        }
        if args.head.is_empty() {
            return Ok(Self::Nothing);
        }
        if args.workflow.is_some() && args.source.is_none() {
            let what = "--head with --workflow needs --source: each service has a trail of its own";
            bail!(Cli::command().error(ErrorKind::MissingRequiredArgument, what));
        }
        Ok(Self::Heads(args.head.clone()))
    }

    /// The heads that a trail must have; none if nothing was kept of any.
    fn of_trail(&self, trail: Trail) -> Option<Vec<Head>> {
        match self {
            Self::Nothing => None,
            Self::Heads(heads) => Some(heads.clone()),
            Self::File(kept, _) => Some(kept.of(trail)),
        }
    }

    /// The trails of which something was kept.
    fn trails(&self, source: Option<Source>) -> Vec<Trail> {
        let Self::File(kept, _) = self else { return Vec::new() };
        let mut trails = kept.trails();
        trails.retain(|(kept_by, _)| source.is_none_or(|source| source == *kept_by));
        trails
    }

    /// Whoever verifies against a file that is about something else would be none the wiser.
    fn expect_one_of(&self, trails: &[Trail]) -> Result<()> {
        if let Self::File(kept, name) = self {
            let some = trails.iter().any(|trail| !kept.of(*trail).is_empty());
            ensure!(some, "{name} has no head of such a trail");
        }
        Ok(())
    }
}

fn read(file: &Path, kept: &Kept) -> Result<Report> {
    let name = file.display().to_string();
    let heads =
        |source: Source, workflow: Workflow| kept.of_trail((source, workflow)).unwrap_or_default();
    let found = if file == Path::new("-") {
        verify_export_against(io::stdin().lock(), heads)
    } else {
        let opened = File::open(file).with_context(|| format!("cannot open {name}"))?;
        verify_export_against(BufReader::new(opened), heads)
    };
    let found = found.with_context(|| format!("cannot verify {name}"))?;
    let trail = (found.source, found.workflow);
    kept.expect_one_of(&[trail])?;
    let count = kept.of_trail(trail).map(|heads| heads.len());
    Ok(Report::of_file(name, found, count))
}

async fn ask(auditors: &Auditors, trail: Trail, kept: &Kept) -> Result<Report> {
    let heads = kept.of_trail(trail);
    let answer = auditors.auditor(trail).verify(heads.as_deref().unwrap_or_default()).await?;
    Ok(Report::of_answer(trail, answer, heads.map(|heads| heads.len())))
}
