//! The command lines of `signoff export`, `signoff head` and `signoff verify`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use signoff_ledger::Head;
use uuid::Uuid;

use super::{SystemArgs, workflow};
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
    /// Which system is asked
    #[command(flatten)]
    pub system: SystemArgs,
    /// How to print what was written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

/// `signoff head`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["workflow", "all"])))]
pub struct HeadArgs {
    /// Whose trails
    #[arg(long, value_name = "CYCLE_ID/REPORT_ID", value_parser = workflow)]
    pub workflow: Option<(Uuid, Uuid)>,
    /// The trails of all workflows, and that of the lines of business
    #[arg(long)]
    pub all: bool,
    /// Ask this service alone
    #[arg(long, value_enum, value_name = "SERVICE")]
    pub source: Option<Source>,
    /// Append the heads that moved to this file, once the trails are verified against those that it
    /// has already
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
    /// Which system is asked
    #[command(flatten)]
    pub system: SystemArgs,
    /// How to print the heads
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

/// `signoff verify`.
#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("which").required(true).multiple(true).args(["file", "workflow", "heads"])
))]
pub struct VerifyArgs {
    /// An exported trail; `-` for standard input
    #[arg(value_name = "FILE", conflicts_with = "workflow")]
    pub file: Option<PathBuf>,
    /// Ask every running service to verify its trail of this workflow, and the rows that it
    /// speaks of
    #[arg(long, value_name = "CYCLE_ID/REPORT_ID", value_parser = workflow)]
    pub workflow: Option<(Uuid, Uuid)>,
    /// A head that was kept elsewhere: the trail must have this record, with this hash. May be given
    /// several times; with `--workflow` it goes with `--source`
    #[arg(long, value_name = "SEQUENCE:HASH", value_parser = head)]
    pub head: Vec<Head>,
    /// Heads that were kept elsewhere, as `signoff head` prints them. Alone, it has all trails verified
    /// that they are of
    #[arg(long, value_name = "KEPT", conflicts_with = "head")]
    pub heads: Option<PathBuf>,
    /// Ask this service alone
    #[arg(long, value_enum, value_name = "SERVICE", conflicts_with = "file")]
    pub source: Option<Source>,
    /// Which system is asked
    #[command(flatten)]
    pub system: SystemArgs,
    /// How to print what was found
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,
}

/// A head as it is typed.
pub(crate) fn head(text: &str) -> Result<Head, String> {
    let (sequence, hash) =
        text.split_once(':').ok_or("a number and a hash with a colon between")?;
    head_of(sequence, hash)
}

/// A head from its two parts.
pub(crate) fn head_of(sequence: &str, hash: &str) -> Result<Head, String> {
    let sequence = sequence
        .parse()
        .ok()
        .filter(|sequence| *sequence > 0)
        .ok_or_else(|| format!("`{sequence}` is no number of a record"))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(hash, &mut bytes)
        .map_err(|_| format!("`{hash}` is no hash: 64 hexadecimal digits"))?;
    Ok(Head { sequence, hash: bytes })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_number_and_a_hash() {
        let hash = "Ab".repeat(32);
        assert_eq!(head(&format!("7:{hash}")), Ok(Head { sequence: 7, hash: [0xab; 32] }));
        for wrong in [
            "7",
            ":",
            &format!("0:{hash}"),
            &format!("-1:{hash}"),
            &format!("x:{hash}"),
            &format!("7:{hash}0"),
            &format!("7:{}", "g".repeat(64)),
        ] {
            assert!(head(wrong).is_err(), "{wrong}");
        }
    }
}
