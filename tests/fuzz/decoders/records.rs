//! Records of a trail, as they come in files and from feeds.

use sha2::{Digest as _, Sha256};
use signoff_ledger::{Source, verify_export};
use signoff_metrics::domain::count::{Arrived, understand};
use signoff_metrics::domain::touch::touches;
use signoff_workflow::{PhaseTable, Workflow};
use uuid::Uuid;

use super::{Decoder, Outcome, corpus, read, same};

/// The last line of a file, and all before it.
fn parts(file: &[u8]) -> (&[u8], &[u8]) {
    let ended = file.strip_suffix(b"\n").unwrap_or(file);
    let at = ended.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    file.split_at(at)
}

/// The members of a line.
fn value(line: &[u8]) -> Option<serde_json::Value> {
    serde_json::from_slice(line).ok()
}

/// Every byte before the last line is as it was written; the last line says what it said.
#[test]
fn an_altered_file_of_a_trail_does_not_verify() {
    let good: Vec<Vec<u8>> = corpus("trails")
        .into_iter()
        .filter(|file| verify_export(file.as_slice()).is_ok_and(|found| found.intact()))
        .collect();
    assert!(good.len() > 1, "some files fit");
    let words = [
        "{\"end\":",
        "{\"record\":{",
        "\"sequence\":2",
        "\n",
        " ",
        "\\u0061",
        "\"canonical_hex\":\"\"",
        "null",
    ];
    let decoder = Decoder { name: "trails", words: &words, more: Vec::new(), inputs: 3_000 };
    decoder.try_all(|input| {
        let Ok(found) = verify_export(input) else { return Ok(Outcome::Refused) };
        read(Some(found).filter(|found| found.intact()), |_| {
            let (before, last) = parts(input);
            let same_file = good.iter().map(|file| parts(file)).find(|(of, _)| *of == before);
            let (_, end) = same_file.ok_or("nobody wrote this")?;
            same(&value(last), &value(end))
        })
    });
}

/// Of a record whose hash is right and whose bytes are anything.
#[test]
fn a_record_of_a_feed_is_understood_or_told_to_be_odd() {
    let words = [
        "\"action\":\"version.created\"",
        "\"counts\":{\"total\":1,\"carried\":0}",
        "\"phase\":\"planning\"",
        "\"occurred_at\":",
        "9999-12-31T23:59:59.999999Z",
        "\"before\":null",
    ];
    let workflow = Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
    let decoder = Decoder { name: "records", words: &words, more: Vec::new(), inputs: 5_000 };
    decoder.try_all(|input| {
        let hashed = [b"signoff-trail-v1\0".as_slice(), &[0; 32], input].concat();
        let record = Arrived {
            workflow,
            sequence: 1,
            format: 1,
            canonical: input.to_vec(),
            previous_hash: [0; 32],
            hash: Sha256::digest(hashed).into(),
            touches: Vec::new(),
            details: None,
            odd: None,
        };
        let mut outcome = Outcome::Refused;
        for source in [Source::Versioning, Source::Audit, Source::Gateway] {
            let read = understand(record.clone(), source, false, PhaseTable::standard());
            if read.told.is_ok() {
                outcome = Outcome::Accepted;
            }
        }
        Ok(outcome)
    });
}

#[test]
fn details_of_a_record_are_understood_or_told_to_be_odd() {
    let words = [
        "\"columns\":[",
        "\"rows\":[[",
        "\"item_no\"",
        "\"ended_ruling\"",
        "\"verdict\"",
        "-1",
        "2147483648",
    ];
    let decoder = Decoder { name: "details", words: &words, more: Vec::new(), inputs: 20_000 };
    decoder.try_all(|input| {
        read(touches(input).ok(), |touched| {
            let is_bounded = touched.len() <= input.len();
            same(&is_bounded, &true)
        })
    });
}
