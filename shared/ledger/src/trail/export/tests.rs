use std::io::{self, BufReader, Read};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::sample::{lines, verify, written};
use super::writer::Writer;
use super::*;
use crate::trail::record_hash;
use crate::trail::verifier::sample::{chain, workflow};
use crate::trail::{DetailChunk, Flaw, Head, Record, Source};

/// Where each line of the sample stands, by number from 1.
const RECORD_1: usize = 2;
const RECORD_2: usize = 3;
const CHUNKS: [usize; 2] = [4, 5];
const RECORD_3: usize = 6;
const RECORD_4: usize = 7;
const END: usize = 8;

/// What is found in the sample after somebody was at its lines.
fn fault(tamper: impl FnOnce(&mut Vec<String>)) -> (u64, Option<i64>, ExportFlaw) {
    let mut lines = lines();
    tamper(&mut lines);
    let found = verify(lines.concat()).unwrap();
    assert!(!found.intact());
    let fault = found.fault.unwrap();
    if let Some(record) = fault.record {
        assert_eq!(found.records, record - 1, "{fault}");
    }
    assert_eq!(found.head.sequence, found.records);
    (fault.line, fault.record, fault.what)
}

/// The same after one line was changed, as JSON.
fn changed(line: usize, change: impl FnOnce(&mut Value)) -> (u64, Option<i64>, ExportFlaw) {
    fault(|lines| {
        let mut value: Value = serde_json::from_str(&lines[line - 1]).unwrap();
        change(value.as_object_mut().unwrap().values_mut().next().unwrap());
        lines[line - 1] = format!("{value}\n");
    })
}

fn chain_flaw(line: usize, record: i64, flaw: Flaw) -> (u64, Option<i64>, ExportFlaw) {
    (line as u64, Some(record), ExportFlaw::Chain(flaw))
}

/// Turns the character at the end of a text into another.
fn other_end(value: &mut Value) {
    let mut text = value.as_str().unwrap().to_owned();
    let end = text.pop().unwrap();
    text.push(if end == '0' { '1' } else { '0' });
    *value = text.into();
}

#[test]
fn an_intact_file_says_what_it_holds() {
    let chain = chain(4);
    let found = verify(written(&chain)).unwrap();
    assert!(found.intact());
    assert_eq!((found.source, found.workflow), (Source::Versioning, workflow()));
    assert_eq!((found.records, found.head.hash), (4, chain[3].0.hash));
    let empty = verify(written(&[])).unwrap();
    assert!(empty.intact());
    assert_eq!((empty.records, empty.head), (0, Head::EMPTY));
}

#[test]
fn the_lines_are_written_like_this_for_ever() {
    let chain = chain(2);
    let file = String::from_utf8(written(&chain)).unwrap();
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    assert_eq!(
        lines[0],
        concat!(
            r#"{"trail":{"version":1,"source":"versioning","#,
            r#""cycle_id":"00000000-0000-0000-0000-000000000001","#,
            r#""report_id":"00000000-0000-0000-0000-000000000002"}}"#,
            "\n",
        )
    );
    let record = &chain[0].0;
    let begin = format!(
        r#"{{"record":{{"sequence":1,"format":1,"previous_hash":"{}","hash":"{}","canonical":"#,
        "0".repeat(64),
        hex::encode(record.hash),
    );
    let canonical = serde_json::to_string(std::str::from_utf8(&record.canonical).unwrap()).unwrap();
    assert_eq!(lines[1], format!("{begin}{canonical}}}}}\n"));
    let chunk = &chain[1].1[1];
    let body = serde_json::to_string(std::str::from_utf8(&chunk.body).unwrap()).unwrap();
    let hash = hex::encode(chunk.hash);
    let details =
        format!(r#"{{"details":{{"sequence":2,"chunk":1,"hash":"{hash}","body":{body}}}}}"#);
    assert_eq!(lines[4], format!("{details}\n"));
    let head = hex::encode(chain[1].0.hash);
    let digest = hex::encode(Sha256::digest(lines[..5].concat()));
    let end = format!(r#"{{"end":{{"records":2,"head":"{head}","digest":"{digest}"}}}}"#);
    assert_eq!(lines[5], format!("{end}\n"));
    assert_eq!(lines.len(), 6);
}

#[test]
fn a_changed_record_is_named() {
    let word = |line: &mut Value| {
        let canonical = line["canonical"].as_str().unwrap().replace("all good", "all bad!");
        line["canonical"] = canonical.into();
    };
    assert_eq!(changed(RECORD_3, word), chain_flaw(RECORD_3, 3, Flaw::Hash));
    let hash = |line: &mut Value| other_end(&mut line["hash"]);
    assert_eq!(changed(RECORD_3, hash), chain_flaw(RECORD_3, 3, Flaw::Hash));
    let previous = |line: &mut Value| other_end(&mut line["previous_hash"]);
    assert_eq!(changed(RECORD_3, previous), chain_flaw(RECORD_3, 3, Flaw::PreviousHash));
    let format = |line: &mut Value| line["format"] = json!(2);
    assert_eq!(changed(RECORD_3, format), chain_flaw(RECORD_3, 3, Flaw::Format(2)));
    let number = |line: &mut Value| line["sequence"] = json!(9);
    let what = Flaw::Sequence { expected: 3, found: 9 };
    assert_eq!(changed(RECORD_3, number), chain_flaw(RECORD_3, 3, what));
}

#[test]
fn a_record_that_was_hashed_again_is_found_at_the_next_one() {
    let rehashed = |line: &mut Value| {
        let canonical = line["canonical"].as_str().unwrap().replace("all good", "all bad!");
        let mut previous = [0; 32];
        hex::decode_to_slice(line["previous_hash"].as_str().unwrap(), &mut previous).unwrap();
        line["hash"] = hex::encode(record_hash(&previous, canonical.as_bytes())).into();
        line["canonical"] = canonical.into();
    };
    assert_eq!(changed(RECORD_3, rehashed), chain_flaw(RECORD_4, 4, Flaw::PreviousHash));
    // The last one shows against the head that the last line names.
    assert_eq!(changed(RECORD_4, rehashed), (END as u64, None, ExportFlaw::Head));
}

#[test]
fn changed_details_are_named() {
    let body = |line: &mut Value| {
        line["body"] = line["body"].as_str().unwrap().replacen('x', "y", 1).into();
    };
    assert_eq!(changed(CHUNKS[1], body), chain_flaw(CHUNKS[1], 2, Flaw::Chunk(1)));
    let hash = |line: &mut Value| other_end(&mut line["hash"]);
    assert_eq!(changed(CHUNKS[0], hash), chain_flaw(CHUNKS[0], 2, Flaw::Chunk(0)));
    let rehashed = |line: &mut Value| {
        let body = line["body"].as_str().unwrap().replacen('x', "y", 1);
        line["hash"] = hex::encode(Sha256::digest(&body)).into();
        line["body"] = body.into();
    };
    assert_eq!(changed(CHUNKS[0], rehashed), chain_flaw(RECORD_2, 2, Flaw::Root));
    let number = |line: &mut Value| line["chunk"] = json!(5);
    assert_eq!(changed(CHUNKS[0], number), chain_flaw(CHUNKS[0], 2, Flaw::ChunkMissing(0)));
    let of_another = |line: &mut Value| line["sequence"] = json!(1);
    let astray = (CHUNKS[0] as u64, Some(2), ExportFlaw::Astray(1));
    assert_eq!(changed(CHUNKS[0], of_another), astray);
}

#[test]
fn a_removed_line_is_found() {
    let without = |line: usize| fault(|lines| drop(lines.remove(line - 1)));
    let what = Flaw::Sequence { expected: 1, found: 2 };
    assert_eq!(without(RECORD_1), chain_flaw(RECORD_1, 1, what));
    // Its chunks are nobody's then.
    assert_eq!(without(RECORD_2), (RECORD_2 as u64, Some(2), ExportFlaw::Astray(2)));
    assert_eq!(without(CHUNKS[0]), chain_flaw(CHUNKS[0], 2, Flaw::ChunkMissing(0)));
    assert_eq!(without(CHUNKS[1]), chain_flaw(CHUNKS[1], 2, Flaw::ChunkMissing(1)));
    let what = Flaw::Sequence { expected: 3, found: 4 };
    assert_eq!(without(RECORD_3), chain_flaw(RECORD_3, 3, what));
    let what = ExportFlaw::Records { said: 4, found: 3 };
    assert_eq!(without(RECORD_4), (RECORD_4 as u64, None, what));
    assert_eq!(without(END), (END as u64, None, ExportFlaw::NoEnd));
    let mut lines = lines();
    lines.remove(0);
    assert!(matches!(verify(lines.concat()), Err(ExportError::NoTrail)));
}

#[test]
fn swapped_lines_are_found() {
    let swapped = |one: usize, other: usize| fault(|lines| lines.swap(one - 1, other - 1));
    let what = Flaw::Sequence { expected: 3, found: 4 };
    assert_eq!(swapped(RECORD_3, RECORD_4), chain_flaw(RECORD_3, 3, what));
    let what = Flaw::ChunkMissing(0);
    assert_eq!(swapped(CHUNKS[0], CHUNKS[1]), chain_flaw(CHUNKS[0], 2, what.clone()));
    assert_eq!(swapped(CHUNKS[0], RECORD_3), chain_flaw(CHUNKS[0], 2, what));
    assert_eq!(swapped(RECORD_2, CHUNKS[0]), (RECORD_2 as u64, Some(2), ExportFlaw::Astray(2)));
    assert_eq!(swapped(RECORD_4, END).0, RECORD_4 as u64);
}

#[test]
fn an_inserted_line_is_found() {
    let inserted = |before: usize, copy: usize| {
        fault(|lines| {
            let line = lines[copy - 1].clone();
            lines.insert(before - 1, line);
        })
    };
    let what = Flaw::Sequence { expected: 4, found: 3 };
    assert_eq!(inserted(RECORD_4, RECORD_3), chain_flaw(RECORD_4, 4, what));
    assert_eq!(inserted(RECORD_3, CHUNKS[1]), chain_flaw(RECORD_3, 2, Flaw::ChunkExtra(1)));
    let astray = (RECORD_4 as u64, Some(4), ExportFlaw::Astray(2));
    assert_eq!(inserted(RECORD_4, CHUNKS[0]), astray);
    assert_eq!(inserted(RECORD_3, 1), (RECORD_3 as u64, Some(3), ExportFlaw::SecondTrail));
    let early = inserted(RECORD_3, END);
    assert_eq!(early, (RECORD_3 as u64, None, ExportFlaw::Records { said: 4, found: 2 }));
    for behind in [END, RECORD_1, 1] {
        let found = inserted(END + 1, behind);
        assert_eq!(found, (END as u64 + 1, None, ExportFlaw::BehindTheEnd));
    }
}

#[test]
fn a_file_without_its_end_is_found_whatever_is_left() {
    let lines = lines();
    for kept in 1..lines.len() {
        let found = verify(lines[..kept].concat()).unwrap();
        let fault = found.fault.unwrap();
        assert_eq!((fault.line, &fault.what), (kept as u64 + 1, &ExportFlaw::NoEnd));
        // Record 2 is named while chunks of it are missing.
        let open = (kept == RECORD_2 || kept == CHUNKS[0]).then_some(2);
        assert_eq!(fault.record, open, "{kept} lines");
    }
    assert!(matches!(verify(""), Err(ExportError::NoTrail)));
}

#[test]
fn a_file_that_breaks_off_within_a_line_is_found() {
    let lines = lines();
    for (at, line) in lines.iter().enumerate() {
        for cut in [1, line.len() / 2, line.len() - 1] {
            let file = lines[..at].concat() + &line[..cut];
            let Ok(found) = verify(file) else {
                assert_eq!(at, 0);
                continue;
            };
            let fault = found.fault.unwrap();
            assert_eq!((fault.line, &fault.what), (at as u64 + 1, &ExportFlaw::CutOff));
            let expected = [None, Some(1), Some(2), Some(2), Some(2), Some(3), Some(4), None][at];
            assert_eq!(fault.record, expected.or((at + 1 == END && cut == 1).then_some(5)));
        }
    }
}

#[test]
fn what_is_no_line_is_found() {
    for (garbage, flaw) in [
        ("\n", ExportFlaw::NotJson(0)),
        ("{\n", ExportFlaw::NotJson(0)),
        ("{}\n", ExportFlaw::NotJson(2)),
        ("null\n", ExportFlaw::NotJson(4)),
        ("{\"record\":{}}\n", ExportFlaw::Unknown(11)),
        ("{\"more\":{}}\n", ExportFlaw::Unknown(7)),
        ("\u{feff}{}\n", ExportFlaw::NotJson(1)),
    ] {
        let found = fault(|lines| lines.insert(RECORD_3 - 1, garbage.to_owned()));
        assert_eq!((found.0, found.1), (RECORD_3 as u64, Some(3)), "{garbage:?}");
        assert_eq!(
            std::mem::discriminant(&found.2),
            std::mem::discriminant(&flaw),
            "{garbage:?}: {:?}",
            found.2
        );
    }
    let within = fault(|lines| lines.insert(CHUNKS[1] - 1, "x\n".to_owned()));
    assert_eq!((within.0, within.1), (CHUNKS[1] as u64, Some(2)));
    for file in ["x", "{}\n", "\n", "[1]\n", "\0\n", &lines()[1], &lines()[END - 1]] {
        assert!(matches!(verify(file), Err(ExportError::NoTrail)), "{file:?}");
    }
    assert!(matches!(verify([0xff; 40]), Err(ExportError::NoTrail)));
}

#[test]
fn a_line_has_one_form() {
    let upper = |line: &mut Value| {
        line["hash"] = line["hash"].as_str().unwrap().to_uppercase().into();
    };
    let short = |line: &mut Value| line["hash"] = "ab".into();
    let more = |line: &mut Value| line["note"] = "kept".into();
    let nothing = |line: &mut Value| line["canonical"] = Value::Null;
    let twice = |line: &mut Value| line["canonical_hex"] = "7b7d".into();
    let unhex = |line: &mut Value| {
        line["canonical"] = Value::Null;
        line["canonical_hex"] = "7B7D".into();
    };
    let changes: [&dyn Fn(&mut Value); 6] = [&upper, &short, &more, &nothing, &twice, &unhex];
    for (number, change) in changes.into_iter().enumerate() {
        let found = changed(RECORD_3, change);
        assert_eq!((found.0, found.1), (RECORD_3 as u64, Some(3)), "{number}: {:?}", found.2);
    }
    for field in ["records", "head", "digest"] {
        let found = changed(END, |line| match &mut line[field] {
            Value::Number(number) => *number = 5.into(),
            text => other_end(text),
        });
        assert_eq!((found.0, found.1), (END as u64, None), "{field}");
    }
    let spaced = fault(|lines| lines[RECORD_3 - 1] = lines[RECORD_3 - 1].replace("\n", " \n"));
    assert_eq!(spaced, (END as u64, None, ExportFlaw::Digest));
}

#[test]
fn a_record_of_another_chain_does_not_fit() {
    let found = changed(1, |line| line["report_id"] = line["cycle_id"].clone());
    assert_eq!(found, chain_flaw(RECORD_1, 1, Flaw::Column("report_id")));
    let found = changed(1, |line| line["source"] = "audit".into());
    assert_eq!(found, chain_flaw(RECORD_1, 1, Flaw::Column("source")));
    let newer = lines()[0].replace("\"version\":1", "\"version\":2,\"more\":true");
    assert!(matches!(verify(newer), Err(ExportError::Version(2))));
    for wrong in ["\"versioning\"", "-0000-0000-"] {
        let spoilt = lines()[0].replace(wrong, "\"X\"");
        assert!(matches!(verify(spoilt), Err(ExportError::NoTrail)), "{wrong}");
    }
}

/// A superuser can store anything; what is stored is what is exported.
#[test]
fn bytes_that_are_no_text_are_kept_and_do_not_fit() {
    let spoilt = |spoil: fn(&mut Vec<(Record, Vec<DetailChunk>)>)| {
        let mut chain = chain(4);
        spoil(&mut chain);
        verify(written(&chain)).unwrap().fault.unwrap()
    };
    let fault = spoilt(|chain| chain[2].0.canonical[20] = 0xff);
    assert_eq!((fault.record, fault.what), (Some(3), Flaw::Hash.into()));
    let fault = spoilt(|chain| {
        let record = &mut chain[3].0;
        record.canonical = vec![0xff; 9];
        record.hash = record_hash(&record.previous_hash, &record.canonical);
    });
    assert_eq!((fault.record, fault.what), (Some(4), Flaw::Unreadable.into()));
    let fault = spoilt(|chain| chain[1].1[0].body[20] = 0xff);
    assert_eq!((fault.record, fault.what), (Some(2), Flaw::Chunk(0).into()));
    let fault = spoilt(|chain| chain[2].0.canonical = vec![0; 65_536]);
    assert_eq!((fault.record, fault.what), (Some(3), Flaw::Hash.into()), "the longest line");
}

/// Gives one byte for ever, and counts.
struct Endless<'a>(&'a mut usize);

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(b' ');
        *self.0 += buffer.len();
        Ok(buffer.len())
    }
}

#[test]
fn a_huge_line_is_not_read_to_its_end() {
    let mut read = 0;
    let begin = lines()[..2].concat();
    let file = BufReader::new(begin.as_bytes().chain(Endless(&mut read)));
    let fault = verify_export(file).unwrap().fault.unwrap();
    assert_eq!((fault.line, fault.record, fault.what), (3, Some(2), ExportFlaw::TooLong));
    assert!(read <= MAX_EXPORT_LINE + 64 * 1024, "{read}");
    let mut read = 0;
    let nothing = verify_export(BufReader::new(Endless(&mut read)));
    assert!(matches!(nothing, Err(ExportError::NoTrail)));
}

#[test]
fn the_longest_line_is_read() {
    for (length, is_too_long) in [(MAX_EXPORT_LINE, false), (MAX_EXPORT_LINE + 1, true)] {
        let file = format!("{}{}\n", lines()[..2].concat(), " ".repeat(length - 1));
        let fault = verify_export(file.as_bytes()).unwrap().fault.unwrap();
        assert_eq!(fault.what == ExportFlaw::TooLong, is_too_long, "{length}: {}", fault.what);
    }
}

#[test]
fn what_was_taken_does_not_wait() {
    let mut writer = Writer::new(Source::Versioning, workflow()).unwrap();
    let waiting = writer.waiting();
    assert_eq!(writer.take().len(), waiting);
    assert!(waiting > 100, "its first line");
    assert_eq!(writer.waiting(), 0);
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("a bad sector"))
        }
    }
    let begin = lines()[..2].concat();
    let file = BufReader::new(begin.as_bytes().chain(Broken));
    assert!(matches!(verify_export(file), Err(ExportError::Io(_))));
}

#[test]
fn a_fault_is_told_in_words() {
    let fault = |line, record, what| ExportFault { line, record, what }.to_string();
    assert_eq!(
        fault(7, Some(3), Flaw::Hash.into()),
        "record 3 (line 7): its hash is not the hash of its bytes"
    );
    assert_eq!(
        fault(9, None, ExportFlaw::NoEnd),
        "line 9: the file ends before its last line: something is missing"
    );
}

#[test]
fn a_file_is_verified_against_heads_that_were_kept() {
    let whole = chain(4);
    let head = |at: usize| Head { sequence: at as i64 + 1, hash: whole[at].0.hash };
    let against = |chain: &[(Record, Vec<DetailChunk>)], kept: Vec<Head>| {
        let file = written(chain);
        verify_export_against(file.as_slice(), |source, of| {
            assert_eq!((source, of), (Source::Versioning, workflow()));
            kept
        })
        .unwrap()
    };
    assert!(against(&whole, vec![head(3), head(1)]).intact());
    let cut = against(&whole[..3], vec![head(1), head(3)]);
    let fault = cut.fault.clone().unwrap();
    let expected = chain_flaw(END - 1, 4, Flaw::Cut(4));
    assert_eq!((fault.line, fault.record, fault.what), expected);
    assert_eq!((cut.records, cut.head), (3, head(2)));
    let other = Head { hash: [7; 32], ..head(2) };
    let fault = against(&whole, vec![head(1), other]).fault.unwrap();
    assert_eq!((fault.record, fault.what), (Some(3), Flaw::Rewritten { after: 2 }.into()));
}
