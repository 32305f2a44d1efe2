//! Heads as they are kept elsewhere: one a line, for paper and for programs.
//!
//! `SOURCE CYCLE_ID/REPORT_ID SEQUENCE HASH TIME`, with one space between each two; TIME is when it was
//! read, and may be missing in a line that is read. Empty lines and those that begin with `#` say nothing.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use chrono::{DateTime, SecondsFormat, Utc};
use signoff_ledger::{Head, Source};
use signoff_workflow::Workflow;

use crate::cli::trail::head_of;

/// A trail: who keeps it, and of which workflow.
pub(super) type Trail = (Source, Workflow);

/// A head, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptHead {
    pub(super) trail: Trail,
    pub(super) head: Head,
    pub(super) at: Option<DateTime<Utc>>,
}

impl fmt::Display for KeptHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trail: (source, workflow), head, at } = self;
        let (source, hash) = (source.name(), hex::encode(head.hash));
        write!(f, "{source} {workflow} {} {hash}", head.sequence)?;
        match at {
            Some(at) => write!(f, " {}", time(*at)),
            None => Ok(()),
        }
    }
}

/// A time as it stands in a line.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Heads that were kept.
#[derive(Debug, Default)]
pub(super) struct KeptHeads(Vec<KeptHead>);

impl KeptHeads {
    /// Reads a file of them.
    ///
    /// # Errors
    /// It cannot be read, or a line of it says something else.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let name = file.display();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
        let mut heads = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let head = parse(line)
                    .map_err(|what| anyhow!("{name}: line {} is no head: {what}", number + 1))?;
                heads.push(head);
            }
        }
        Ok(Self(heads))
    }

    /// Reads a file that may not be there yet.
    ///
    /// # Errors
    /// It is there, and cannot be read, or a line of it says something else.
    pub(super) fn read_if_there(file: &Path) -> Result<Self> {
        match file.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(_) | Ok(_) => Self::read(file),
        }
    }

    /// Those of one trail, in the order in which they were kept.
    pub(super) fn of(&self, trail: Trail) -> Vec<Head> {
        self.0.iter().filter(|kept| kept.trail == trail).map(|kept| kept.head).collect()
    }

    /// The trails that they are of, in the order in which they come.
    pub(super) fn trails(&self) -> Vec<Trail> {
        let mut trails: Vec<Trail> = Vec::new();
        for KeptHead { trail, .. } in &self.0 {
            if !trails.contains(trail) {
                trails.push(*trail);
            }
        }
        trails
    }
}

/// Appends those heads to a file that are not the last ones of their trails there, by one write.
///
/// # Errors
/// It cannot be written.
pub(super) fn append(file: &Path, there: &KeptHeads, heads: &[KeptHead]) -> Result<()> {
    let lines: String = heads
        .iter()
        .filter(|kept| there.of(kept.trail).last() != Some(&kept.head))
        .map(|kept| format!("{kept}\n"))
        .collect();
    let cannot = || format!("cannot write {}", file.display());
    let mut open = OpenOptions::new().append(true).create(true).open(file).with_context(cannot)?;
    let written = std::fs::read(file).with_context(cannot)?;
    // Somebody may have written the last line by hand.
    let torn = written.last().is_some_and(|last| *last != b'\n');
    let lines = if torn && !lines.is_empty() { format!("\n{lines}") } else { lines };
    open.write_all(lines.as_bytes()).and_then(|()| open.sync_all()).with_context(cannot)
}

fn parse(line: &str) -> Result<KeptHead, String> {
    let parts: Vec<&str> = line.split_whitespace().collect();
    let (source, workflow, sequence, hash, at) = match parts[..] {
        [source, workflow, sequence, hash] => (source, workflow, sequence, hash, None),
        [source, workflow, sequence, hash, at] => (source, workflow, sequence, hash, Some(at)),
        _ => return Err("it has another number of words".to_owned()),
    };
    let sources = [Source::Versioning, Source::Audit, Source::Gateway];
    let source = sources
        .into_iter()
        .find(|known| known.name() == source)
        .ok_or_else(|| format!("no service `{source}` keeps trails"))?;
    let (cycle_id, report_id) = crate::cli::workflow(workflow)?;
    let at = at.map(|at| at.parse().map_err(|_| format!("`{at}` is no time"))).transpose()?;
    let trail = (source, Workflow { cycle_id, report_id });
    Ok(KeptHead { trail, head: head_of(sequence, hash)?, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAIL: &str = "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002";

    #[test]
    fn a_line_is_read_as_it_is_written() {
        let hash = "ab".repeat(32);
        let line = format!("audit {TRAIL} 17 {hash} 2026-11-26T10:00:00Z");
        let kept = parse(&line).unwrap();
        assert_eq!(kept.head, Head { sequence: 17, hash: [0xab; 32] });
        assert_eq!(kept.to_string(), line);
        let bare = format!("gateway {TRAIL} 1 {hash}");
        assert_eq!(parse(&bare).unwrap().to_string(), bare);
        for wrong in [
            format!("metrics {TRAIL} 1 {hash}"),
            format!("gateway {TRAIL} 1"),
            format!("gateway x 1 {hash}"),
            format!("gateway {TRAIL} 0 {hash}"),
            format!("gateway {TRAIL} 1 {hash} yesterday"),
            format!("{bare} 2026-11-26T10:00:00Z more"),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_moved_is_appended_and_the_rest_is_there_already() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heads");
        assert!(KeptHeads::read_if_there(&file).unwrap().trails().is_empty());
        assert!(KeptHeads::read(&file).is_err());
        let head = |source: &str, sequence: i64| {
            parse(&format!("{source} {TRAIL} {sequence} {}", "ab".repeat(32))).unwrap()
        };
        let first = [head("audit", 1), head("versioning", 4)];
        append(&file, &KeptHeads::default(), &first).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("# kept by hand\n\n{}", text.trim_end())).unwrap();
        let there = KeptHeads::read(&file).unwrap();
        append(&file, &there, &[head("audit", 1), head("versioning", 5)]).unwrap();
        let there = KeptHeads::read(&file).unwrap();
        assert_eq!(there.trails(), first.clone().map(|kept| kept.trail));
        let sequences = |kept: &KeptHead| -> Vec<i64> {
            there.of(kept.trail).iter().map(|head| head.sequence).collect()
        };
        assert_eq!(first.each_ref().map(sequences), [vec![1], vec![4, 5]]);
        std::fs::write(&file, "a word").unwrap();
        let error = KeptHeads::read_if_there(&file).unwrap_err().to_string();
        assert!(error.contains("line 1 is no head"), "{error}");
    }
}
