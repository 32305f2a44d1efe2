//! A small intact file for the tests.

use super::writer::Writer;
use super::{ExportError, VerifiedExport, verify_export};
use crate::trail::verifier::sample::{chain, workflow};
use crate::trail::{DetailChunk, Record, Source};

/// A chain as a file.
pub(super) fn written(chain: &[(Record, Vec<DetailChunk>)]) -> Vec<u8> {
    let mut writer = Writer::new(Source::Versioning, workflow()).unwrap();
    for (record, chunks) in chain {
        writer.record(&record.link()).unwrap();
        for (number, chunk) in (0..).zip(chunks) {
            writer.chunk(record.sequence, number, chunk).unwrap();
        }
    }
    writer.end().unwrap();
    writer.take()
}

/// The lines of a chain of four: the first, record 1, record 2 with two chunks, records 3 and 4,
/// the last.
pub(super) fn lines() -> Vec<String> {
    let file = String::from_utf8(written(&chain(4))).unwrap();
    file.split_inclusive('\n').map(str::to_owned).collect()
}

pub(super) fn verify(file: impl AsRef<[u8]>) -> Result<VerifiedExport, ExportError> {
    verify_export(file.as_ref())
}
