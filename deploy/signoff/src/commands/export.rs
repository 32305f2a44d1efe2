//! `signoff export`: a workflow's trail, in a file.

use std::io::{BufReader, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use signoff_chassis::shutdown;
use signoff_ledger::{ExportFlaw, Source, VerifiedExport, verify_export};
use signoff_workflow::Workflow;
use tempfile::NamedTempFile;

use super::auditor::{Auditor, Auditors};
use super::report::Report;
use crate::cli::SystemArgs;
use crate::cli::trail::ExportArgs;
use crate::output;

/// Exports a trail, until it is written or the program is told to stop.
pub(crate) async fn run(args: ExportArgs) -> Result<()> {
    let stop = shutdown::token(false)?;
    let exported = stop.run_until_cancelled(Box::pin(export(args))).await;
    // A file that was begun is gone then.
    exported.unwrap_or_else(|| Err(anyhow!("interrupted: nothing was written")))
}

async fn export(args: ExportArgs) -> Result<()> {
    let source = Source::from(args.source);
    if args.out.as_deref() == Some(Path::new("-")) {
        return to_standard_output(auditor(source, args.workflow, args.system).await?).await;
    }
    let path = args.out.unwrap_or_else(|| default_name(source, args.workflow));
    // Before anybody is asked; at the end it is refused as well, if the file came meanwhile.
    ensure!(args.force || path.symlink_metadata().is_err(), there_already(&path));
    let auditor = auditor(source, args.workflow, args.system).await?;
    let found = to_file(auditor, &path, args.force).await?;
    Report::of_file(path.display().to_string(), found, None).print(args.output)
}

async fn auditor(
    source: Source,
    (cycle_id, report_id): (uuid::Uuid, uuid::Uuid),
    system: SystemArgs,
) -> Result<Auditor> {
    let auditors = Auditors::of(system).await?;
    Ok(auditors.auditor((source, Workflow { cycle_id, report_id })))
}

fn default_name(source: Source, (cycle_id, report_id): (uuid::Uuid, uuid::Uuid)) -> PathBuf {
    format!("trail-{}-{cycle_id}-{report_id}.jsonl", source.name()).into()
}

fn there_already(path: &Path) -> String {
    format!("{} is there already; --force overwrites it", path.display())
}

async fn to_standard_output(mut auditor: Auditor) -> Result<()> {
    let mut pieces = auditor.export().await?;
    while let Some(piece) = pieces.message().await.map_err(|status| auditor.refused(&status))? {
        output::bytes(&piece.json_lines).context("cannot write to standard output")?;
    }
    Ok(())
}

/// Writes to a file of another name beside the wanted one, looks at what was written, and gives it
/// its name: under that name there is the whole file, or none.
async fn to_file(mut auditor: Auditor, path: &Path, force: bool) -> Result<VerifiedExport> {
    let cannot = || format!("cannot write {}", path.display());
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".signoff-export-")
        .tempfile_in(folder)
        .with_context(cannot)?;
    let mut pieces = auditor.export().await?;
    while let Some(piece) = pieces.message().await.map_err(|status| auditor.refused(&status))? {
        file.write_all(&piece.json_lines).with_context(cannot)?;
    }
    let found = look_at(&mut file).with_context(cannot)?;
    file.as_file().sync_all().with_context(cannot)?;
    let named = if force { file.persist(path) } else { file.persist_noclobber(path) };
    match named {
        Ok(_) => Ok(found),
        Err(error) if !force && error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!(there_already(path))
        }
        Err(error) => Err(error.error).with_context(cannot),
    }
}

/// What the file holds. A damaged trail is worth keeping; half an answer is not.
fn look_at(file: &mut NamedTempFile) -> Result<VerifiedExport> {
    file.rewind()?;
    let found = verify_export(BufReader::new(file))?;
    let what = found.fault.as_ref().map(|fault| &fault.what);
    let half = matches!(what, Some(ExportFlaw::NoEnd | ExportFlaw::CutOff));
    ensure!(!half, "the service's answer ended before its last line");
    Ok(found)
}
