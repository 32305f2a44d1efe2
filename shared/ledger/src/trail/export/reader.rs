//! Whether a file holds a chain as it was: pure, line by line, in bounded memory.

use std::io::{self, BufRead, Read as _};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use signoff_workflow::Workflow;

use super::line::{Closing, DetailsLine, Line, Opening, RecordLine, from_fields};
use super::{MAX_EXPORT_LINE, VERSION};
use crate::trail::{Damage, DetailChunk, Flaw, Hash, Head, Link, Source, Verifier};

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedExport {
    /// Whose chain it is.
    pub source: Source,
    /// Of which workflow.
    pub workflow: Workflow,
    /// How many records fit before the first fault.
    pub records: i64,
    /// The last record that fits. Compare it with a head that was kept elsewhere: a chain whose
    /// end was cut off before it was exported is a shorter chain that fits.
    pub head: Head,
    /// The first fault; none if all of it fits.
    pub fault: Option<ExportFault>,
}

impl VerifiedExport {
    /// Whether all of it fits.
    pub fn intact(&self) -> bool {
        self.fault.is_none()
    }
}

/// Where a file stops fitting, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFault {
    /// The line, counted from 1. Of a missing one, its number.
    pub line: u64,
    /// The record that does not fit, or whose line this should be; none where only the file's end
    /// is concerned.
    pub record: Option<i64>,
    /// Why.
    pub what: ExportFlaw,
}

impl std::fmt::Display for ExportFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.record {
            Some(record) => write!(f, "record {record} (line {}): {}", self.line, self.what),
            None => write!(f, "line {}: {}", self.line, self.what),
        }
    }
}

/// What does not fit in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportFlaw {
    /// The chain itself.
    #[error(transparent)]
    Chain(#[from] Flaw),
    /// A line is no JSON.
    #[error("the line cannot be read as JSON (column {0})")]
    NotJson(usize),
    /// A line is JSON, but none that may stand there.
    #[error("the line is none that an exported trail has (column {0})")]
    Unknown(usize),
    /// The first line once more.
    #[error("the line begins another trail")]
    SecondTrail,
    /// A line is longer than any that is written.
    #[error("the line is longer than {MAX_EXPORT_LINE} bytes")]
    TooLong,
    /// The file ends within a line.
    #[error("the file ends within the line")]
    CutOff,
    /// The file ends before its last line.
    #[error("the file ends before its last line: something is missing")]
    NoEnd,
    /// Details stand behind their record, or not at all.
    #[error("the line holds details of record {0}, which is not the record before it")]
    Astray(i64),
    /// A line must hold the bytes that it is about exactly once.
    #[error("the line does not say which bytes it is about")]
    NoBytes,
    /// The last line counts other records.
    #[error("the last line speaks of {said} records, but {found} are there")]
    Records {
        /// What the line says.
        said: i64,
        /// How many there are.
        found: i64,
    },
    /// The last line names another head.
    #[error("the last line names another head than the last record's hash")]
    Head,
    /// All records fit, but some byte of the file is another than when it was written.
    #[error("the digest of the bytes before the last line is another than it says")]
    Digest,
    /// Something comes behind the last line.
    #[error("there is something behind the last line")]
    BehindTheEnd,
}

/// Why it cannot be said whether a file fits.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// Its first line is not that of an exported trail.
    #[error("it is no exported trail: its first line does not say which trail it is")]
    NoTrail,
    /// A newer version of the lines.
    #[error("its version {0} is not known; this program reads version {VERSION}")]
    Version(u32),
}

/// Reads a file to its end, or to its first fault.
///
/// # Errors
/// It cannot be read, or is none of ours. One that does not fit is no error.
pub fn verify_export(input: impl BufRead) -> Result<VerifiedExport, ExportError> {
    verify_export_against(input, |_, _| Vec::new())
}

/// The same, and whether the chain has the heads that were kept elsewhere: `kept` says which, once it
/// is known whose chain it is.
///
/// # Errors
/// It cannot be read, or is none of ours. One that does not fit is no error.
pub fn verify_export_against(
    input: impl BufRead,
    kept: impl FnOnce(Source, Workflow) -> Vec<Head>,
) -> Result<VerifiedExport, ExportError> {
    let mut lines = Lines { input, number: 0, bytes: Vec::new() };
    let opening = opening(&mut lines)?;
    let workflow = Workflow { cycle_id: opening.cycle_id, report_id: opening.report_id };
    let mut walk = Walk {
        verifier: Verifier::new(opening.source, workflow).with_kept(kept(opening.source, workflow)),
        opened: (0, 0),
        digest: Sha256::new_with_prefix(&lines.bytes),
    };
    let fault = walk.follow(&mut lines)?.err();
    let head = walk.verifier.head();
    Ok(VerifiedExport { source: opening.source, workflow, records: head.sequence, head, fault })
}

/// The first line of a version that is known.
fn opening(lines: &mut Lines<impl BufRead>) -> Result<Opening, ExportError> {
    /// What the first line of every version has.
    #[derive(Deserialize)]
    struct Any {
        trail: AnyVersion,
    }
    #[derive(Deserialize)]
    struct AnyVersion {
        version: u32,
    }
    let Next::Line = lines.next()? else { return Err(ExportError::NoTrail) };
    let any: Any = serde_json::from_slice(&lines.bytes).map_err(|_| ExportError::NoTrail)?;
    if any.trail.version != VERSION {
        return Err(ExportError::Version(any.trail.version));
    }
    match serde_json::from_slice(&lines.bytes) {
        Ok(Line::Trail(opening)) => Ok(opening),
        Ok(Line::Record(_) | Line::Details(_) | Line::End(_)) | Err(_) => Err(ExportError::NoTrail),
    }
}

/// What comes next in a file.
enum Next {
    /// A line.
    Line,
    /// A line that is too long.
    TooLong,
    /// Bytes without the end of a line.
    CutOff,
    /// Nothing.
    Nothing,
}

/// Lines of bounded length.
struct Lines<R> {
    input: R,
    /// The number of the last line.
    number: u64,
    /// Its bytes.
    bytes: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> io::Result<Next> {
        self.bytes.clear();
        let longest = u64::try_from(MAX_EXPORT_LINE).unwrap_or(u64::MAX);
        (&mut self.input).take(longest + 1).read_until(b'\n', &mut self.bytes)?;
        self.number += 1;
        Ok(match self.bytes.last() {
            None => Next::Nothing,
            Some(_) if self.bytes.len() > MAX_EXPORT_LINE => Next::TooLong,
            Some(b'\n') => Next::Line,
            Some(_) => Next::CutOff,
        })
    }
}

struct Walk {
    verifier: Verifier,
    /// The last record, and its line.
    opened: (i64, u64),
    digest: Sha256,
}

type Fits = Result<(), ExportFault>;

impl Walk {
    fn follow(&mut self, lines: &mut Lines<impl BufRead>) -> io::Result<Fits> {
        loop {
            let next = lines.next()?;
            let (number, bytes) = (lines.number, lines.bytes.as_slice());
            let parsed = match next {
                Next::Line => serde_json::from_slice(bytes),
                Next::TooLong => return Ok(self.unfit(number, bytes, ExportFlaw::TooLong)),
                Next::CutOff => return Ok(self.unfit(number, bytes, ExportFlaw::CutOff)),
                Next::Nothing => return Ok(self.no_end(number)),
            };
            let fits = match parsed {
                Ok(Line::Record(line)) => self.record(number, line),
                Ok(Line::Details(line)) => self.details(number, line),
                Ok(Line::Trail(_)) => self.unfit(number, bytes, ExportFlaw::SecondTrail),
                Ok(Line::End(line)) => {
                    let ended = self.end(number, &line);
                    return Ok(match lines.next()? {
                        Next::Nothing => ended,
                        Next::Line | Next::TooLong | Next::CutOff => {
                            ended.and_then(|()| fault(lines.number, None, ExportFlaw::BehindTheEnd))
                        }
                    });
                }
                Err(error) if error.is_data() => {
                    self.unfit(number, bytes, ExportFlaw::Unknown(error.column()))
                }
                Err(error) => self.unfit(number, bytes, ExportFlaw::NotJson(error.column())),
            };
            if fits.is_err() {
                return Ok(fits);
            }
            self.digest.update(&lines.bytes);
        }
    }

    fn record(&mut self, number: u64, line: RecordLine<'_>) -> Fits {
        let Some(canonical) = from_fields(line.canonical, line.canonical_hex) else {
            return self.unfit(number, &[], ExportFlaw::NoBytes);
        };
        let link = Link {
            sequence: line.sequence,
            format: line.format,
            canonical: &canonical,
            hash: line.hash.0,
            previous_hash: line.previous_hash.0,
        };
        self.verifier.link(&link).map_err(|damage| self.damaged(number, damage))?;
        self.opened = (line.sequence, number);
        Ok(())
    }

    fn details(&mut self, number: u64, line: DetailsLine<'_>) -> Fits {
        let Some(body) = from_fields(line.body, line.body_hex) else {
            return self.unfit(number, &[], ExportFlaw::NoBytes);
        };
        if line.sequence != self.opened.0 {
            return self.unfit(number, &[], ExportFlaw::Astray(line.sequence));
        }
        let content = DetailChunk { hash: line.hash.0, body };
        self.verifier
            .chunk(line.sequence, line.chunk, &content)
            .map_err(|damage| self.damaged(number, damage))
    }

    fn end(&mut self, number: u64, line: &Closing) -> Fits {
        self.verifier.close().map_err(|damage| self.damaged(number, damage))?;
        let head = self.verifier.head();
        if line.records != head.sequence {
            let (said, found) = (line.records, head.sequence);
            return fault(number, None, ExportFlaw::Records { said, found });
        }
        if line.head.0 != head.hash {
            return fault(number, None, ExportFlaw::Head);
        }
        if line.digest.0 != <Hash>::from(self.digest.clone().finalize()) {
            return fault(number, None, ExportFlaw::Digest);
        }
        self.verifier.complete().map_err(|damage| self.damaged(number, damage))
    }

    /// The file is over, and its last line did not come.
    fn no_end(&mut self, number: u64) -> Fits {
        let record = self.settle(number)?;
        fault(number, record, ExportFlaw::NoEnd)
    }

    /// A line that cannot be used: the record is named that it should have been about.
    fn unfit(&mut self, number: u64, bytes: &[u8], what: ExportFlaw) -> Fits {
        let open = self.settle(number)?;
        let is_the_last = bytes.starts_with(br#"{"end""#);
        let next = self.verifier.head().sequence + 1;
        fault(number, open.or((!is_the_last).then_some(next)), what)
    }

    /// The record whose chunks have not all come. One that has them all is looked at in full.
    fn settle(&mut self, number: u64) -> Result<Option<i64>, ExportFault> {
        if let Some(waiting) = self.verifier.waiting() {
            return Ok(Some(waiting));
        }
        self.verifier.close().map_err(|damage| self.damaged(number, damage))?;
        Ok(None)
    }

    fn damaged(&self, number: u64, damage: Damage) -> ExportFault {
        // The root is compared when the next record comes.
        let line = if damage.what == Flaw::Root { self.opened.1 } else { number };
        ExportFault { line, record: Some(damage.sequence), what: damage.what.into() }
    }
}

fn fault(line: u64, record: Option<i64>, what: ExportFlaw) -> Fits {
    Err(ExportFault { line, record, what })
}
