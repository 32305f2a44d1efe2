//! `signoff verify`: whether a trail is what it was.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use signoff_ledger::{Source, verify_export};
use signoff_workflow::Workflow;

use super::auditor::Auditor;
use super::data_folder;
use super::report::{Report, Reports};
use crate::cli::trail::VerifyArgs;
use crate::stack::{Endpoints, running_endpoints};

/// Verifies a file without any service, or has the services verify what they keep.
pub(crate) async fn run(args: VerifyArgs) -> Result<()> {
    match (&args.file, args.workflow, args.source) {
        (Some(file), ..) => read(file)?.print(args.output),
        (None, Some(workflow), Some(source)) => {
            ask(source.into(), workflow, args.data).await?.print(args.output)
        }
        (None, Some(workflow), None) => {
            let folder = data_folder(args.data)?;
            let mut trails = Vec::new();
            for source in sources_of(&running_endpoints(&folder)?) {
                trails.push(ask(source, workflow, Some(folder.clone())).await?);
            }
            Reports::of(as_workflow(workflow), trails).print(args.output)
        }
        (None, None, _) => unreachable!("the command line asks for one of the two"),
    }
}

/// The services of a running system that keep trails.
fn sources_of(endpoints: &Endpoints) -> Vec<Source> {
    let all = [Source::Versioning, Source::Audit, Source::Gateway];
    all.into_iter().filter(|source| endpoints.service(source.name()).is_some()).collect()
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

async fn ask(
    source: Source,
    workflow: (uuid::Uuid, uuid::Uuid),
    data: Option<PathBuf>,
) -> Result<Report> {
    let answer = Auditor::of(source, workflow, data).await?.verify().await?;
    Ok(Report::of_answer(source, as_workflow(workflow), answer))
}

fn as_workflow((cycle_id, report_id): (uuid::Uuid, uuid::Uuid)) -> Workflow {
    Workflow { cycle_id, report_id }
}
