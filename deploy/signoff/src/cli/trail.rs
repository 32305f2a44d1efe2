//! The command lines of `signoff export` and `signoff verify`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use uuid::Uuid;

use super::workflow;
use crate::output::Format;

/// `signoff export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Whose trail
    #[arg(long, value_name = "CYCLE_ID/REPORT_ID", value_parser = workflow)]
    pub workflow: (Uuid, Uuid),
    /// Which service keeps the trail
    #[arg(long, value_enum, value_name = "SERVICE", default_value_t)]
    pub source: Source,
    /// The file to write, readable by its owner alone; `-` for standard output, with nothing else
    /// printed there [default: trail-SERVICE-CYCLE_ID-REPORT_ID.jsonl in this folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite a file that is there already
    #[arg(long)]
    pub force: bool,
    /// The data folder of the running system [default: /var/lib/signoff for root, else
    /// ~/.local/share/signoff]
    #[arg(long, value_name = "DIR", env = "SIGNOFF_DATA")]
    pub data: Option<PathBuf>,
    /// How to print what was written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

/// `signoff verify`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["file", "workflow"])))]
pub struct VerifyArgs {
    /// An exported trail; `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Ask every running service to verify its trail of this workflow, and the rows that it
    /// speaks of
    #[arg(long, value_name = "CYCLE_ID/REPORT_ID", value_parser = workflow)]
    pub workflow: Option<(Uuid, Uuid)>,
    /// Ask this service alone
    #[arg(long, value_enum, value_name = "SERVICE", conflicts_with = "file")]
    pub source: Option<Source>,
    /// The data folder of the running system [default: /var/lib/signoff for root, else
    /// ~/.local/share/signoff]
    #[arg(long, value_name = "DIR", env = "SIGNOFF_DATA")]
    pub data: Option<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

/// The services that keep trails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// The six phases whose work is kept in versions
    #[default]
    Versioning,
    /// The three phases that are audited only
    Audit,
    /// Workflows and their members
    Gateway,
}

impl From<Source> for signoff_ledger::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::Versioning => Self::Versioning,
            Source::Audit => Self::Audit,
            Source::Gateway => Self::Gateway,
        }
    }
}
