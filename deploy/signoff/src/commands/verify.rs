//! `signoff verify`: whether a trail is what it was.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use signoff_ledger::verify_export;
use signoff_workflow::Workflow;

use super::auditor::Auditor;
use super::report::Report;
use crate::cli::trail::VerifyArgs;

/// Verifies a file without any service, or has the service verify what it keeps.
pub(crate) async fn run(args: VerifyArgs) -> Result<()> {
    let report = match (&args.file, args.workflow) {
        (Some(file), _) => read(file)?,
        (None, Some(workflow)) => ask(&args, workflow).await?,
        (None, None) => unreachable!("the command line asks for one of the two"),
    };
    report.print(args.output)
}

fn read(file: &Path) -> Result<Report> {
    let name = file.display().to_string();
    let found = if file == Path::new("-") {
        verify_export(io::stdin().lock())
    } else {
        let opened = File::open(file).with_context(|| format!("cannot open {name}"))?;
        verify_export(BufReader::new(opened))
    };
    Ok(Report::of_file(name.clone(), found.with_context(|| format!("cannot verify {name}"))?))
}

async fn ask(args: &VerifyArgs, workflow: (uuid::Uuid, uuid::Uuid)) -> Result<Report> {
    let source = args.source.into();
    let answer = Auditor::of(source, workflow, args.data.clone()).await?.verify().await?;
    let (cycle_id, report_id) = workflow;
    Ok(Report::of_answer(source, Workflow { cycle_id, report_id }, answer))
}
