//! Writes the lines: pure, fed record by record.

use sha2::{Digest, Sha256};
use signoff_workflow::Workflow;

use super::VERSION;
use super::line::{Closing, DetailsLine, Hex, Line, Opening, RecordLine, to_fields};
use crate::LedgerError;
use crate::trail::{DetailChunk, Hash, Link, Source};

/// Lines that wait to be taken, and what the last line will say of all.
#[derive(Debug)]
pub(super) struct Writer {
    lines: Vec<u8>,
    digest: Sha256,
    records: i64,
    head: Hash,
}

impl Writer {
    /// Begins with the first line.
    pub(super) fn new(source: Source, workflow: Workflow) -> Result<Self, LedgerError> {
        let mut writer =
            Self { lines: Vec::new(), digest: Sha256::new(), records: 0, head: [0; 32] };
        writer.push(&Line::Trail(Opening {
            version: VERSION,
            source,
            cycle_id: workflow.cycle_id,
            report_id: workflow.report_id,
        }))?;
        Ok(writer)
    }

    pub(super) fn record(&mut self, link: &Link<'_>) -> Result<(), LedgerError> {
        let (canonical, canonical_hex) = to_fields(link.canonical);
        self.records += 1;
        self.head = link.hash;
        self.push(&Line::Record(RecordLine {
            sequence: link.sequence,
            format: link.format,
            previous_hash: Hex(link.previous_hash),
            hash: Hex(link.hash),
            canonical,
            canonical_hex,
        }))
    }

    pub(super) fn chunk(
        &mut self,
        sequence: i64,
        chunk: i32,
        content: &DetailChunk,
    ) -> Result<(), LedgerError> {
        let (body, body_hex) = to_fields(&content.body);
        let hash = Hex(content.hash);
        self.push(&Line::Details(DetailsLine { sequence, chunk, hash, body, body_hex }))
    }

    /// The last line.
    pub(super) fn end(&mut self) -> Result<(), LedgerError> {
        let digest = Hex(self.digest.clone().finalize().into());
        self.push(&Line::End(Closing { records: self.records, head: Hex(self.head), digest }))
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.lines.len()
    }

    /// The lines that wait.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.lines)
    }

    fn push(&mut self, line: &Line<'_>) -> Result<(), LedgerError> {
        let start = self.lines.len();
        serde_json::to_writer(&mut self.lines, line)
            .map_err(|error| LedgerError::Corrupt(format!("a line of an export: {error}")))?;
        self.lines.push(b'\n');
        self.digest.update(&self.lines[start..]);
        Ok(())
    }
}
