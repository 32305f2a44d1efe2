use uuid::Uuid;

use super::sample::{chain, time, workflow};
use super::*;
use crate::Origin;

type Chain = Vec<(Record, Vec<DetailChunk>)>;

fn verify(chain: &Chain) -> Verification {
    let mut verifier = Verifier::new(Source::Versioning, workflow());
    for (record, chunks) in chain {
        let mut fed = verifier.record(record);
        for (number, chunk) in (0..).zip(chunks) {
            fed = fed.and_then(|()| verifier.chunk(record.sequence, number, chunk));
        }
        if let Err(damage) = fed {
            return verifier.damaged(damage);
        }
    }
    verifier.finish()
}

/// A chain of five, after somebody was at it.
fn damage(tamper: impl FnOnce(&mut Chain)) -> (i64, Flaw) {
    let mut chain = chain(5);
    tamper(&mut chain);
    let found = verify(&chain);
    assert!(!found.intact);
    let damage = found.first_damaged.unwrap();
    assert_eq!(found.records, damage.sequence - 1);
    assert_eq!(found.head.sequence, damage.sequence - 1);
    (damage.sequence, damage.what)
}

/// Gives record `at` a hash that fits its bytes again.
fn rehash(chain: &mut Chain, at: usize) {
    let record = &mut chain[at].0;
    record.hash = record_hash(&record.previous_hash, &record.canonical);
}

#[test]
fn an_intact_chain_is_intact() {
    let chain = chain(5);
    let found = verify(&chain);
    assert!(found.intact);
    assert_eq!(found.records, 5);
    assert_eq!(found.head, Head { sequence: 5, hash: chain[4].0.hash });
    let empty = verify(&Vec::new());
    assert!(empty.intact);
    assert_eq!(empty.head, Head::EMPTY);
}

#[test]
fn chunks_behind_the_last_record_are_of_one_that_is_gone() {
    let mut verifier = Verifier::new(Source::Versioning, workflow());
    for (record, chunks) in chain(2) {
        verifier.record(&record).unwrap();
        for (number, chunk) in (0..).zip(&chunks) {
            verifier.chunk(record.sequence, number, chunk).unwrap();
        }
    }
    let damage = verifier.behind(7).unwrap_err();
    assert_eq!((damage.sequence, damage.what), (3, Flaw::ChunksLeft(7)));
}

#[test]
fn a_changed_byte_is_found() {
    assert_eq!(damage(|chain| chain[2].0.canonical[20] ^= 1), (3, Flaw::Hash));
    assert_eq!(damage(|chain| chain[2].0.hash[0] ^= 1), (3, Flaw::Hash));
    assert_eq!(damage(|chain| chain[2].0.previous_hash[31] ^= 1), (3, Flaw::PreviousHash));
}

#[test]
fn a_change_that_was_hashed_again_is_found_at_the_next_record() {
    let found = damage(|chain| {
        let text = String::from_utf8(chain[2].0.canonical.clone()).unwrap();
        chain[2].0.canonical = text.replace("all good", "all bad!").into_bytes();
        rehash(chain, 2);
    });
    assert_eq!(found, (4, Flaw::PreviousHash));
}

#[test]
fn a_missing_or_moved_record_is_found() {
    let missing = damage(|chain| drop(chain.remove(2)));
    assert_eq!(missing, (3, Flaw::Sequence { expected: 3, found: 4 }));
    let first = damage(|chain| drop(chain.remove(0)));
    assert_eq!(first, (1, Flaw::Sequence { expected: 1, found: 2 }));
    let swapped = damage(|chain| chain.swap(2, 3));
    assert_eq!(swapped, (3, Flaw::Sequence { expected: 3, found: 4 }));
    let renumbered = damage(|chain| {
        chain.swap(2, 3);
        chain[2].0.sequence = 3;
        chain[3].0.sequence = 4;
    });
    assert_eq!(renumbered, (3, Flaw::PreviousHash));
}

#[test]
fn a_missing_end_is_a_shorter_chain() {
    let mut chain = chain(5);
    let kept_elsewhere = chain[4].0.hash;
    chain.truncate(4);
    let found = verify(&chain);
    assert!(found.intact);
    assert_ne!(found.head, Head { sequence: 5, hash: kept_elsewhere });
}

#[test]
fn a_changed_column_is_found_and_named() {
    type Change = fn(&mut Record);
    let cases: [(&str, Change); 8] = [
        ("phase", |record| record.phase = None),
        ("action", |record| record.action = "version.rejected".into()),
        ("actor", |record| record.actor += 1),
        ("subject", |record| record.subject.push('!')),
        ("request_id", |record| record.request_id = Some(Uuid::nil())),
        ("recorded_at", |record| record.recorded_at = time(99)),
        ("occurred_at", |record| record.occurred_at = time(99)),
        ("origin", |record| record.origin = Origin::Legacy),
    ];
    for (column, change) in cases {
        assert_eq!(damage(|chain| change(&mut chain[3].0)), (4, Flaw::Column(column)));
    }
}

#[test]
fn a_chain_of_another_workflow_or_service_does_not_fit() {
    let (record, _) = chain(1).remove(0);
    let mut other = Verifier::new(Source::Audit, workflow());
    assert_eq!(other.record(&record).unwrap_err().what, Flaw::Column("source"));
    let elsewhere = Workflow { report_id: Uuid::nil(), ..workflow() };
    let mut other = Verifier::new(Source::Versioning, elsewhere);
    assert_eq!(other.record(&record).unwrap_err().what, Flaw::Column("report_id"));
}

#[test]
fn bytes_that_are_no_record_do_not_fit() {
    let unreadable = damage(|chain| {
        chain[4].0.canonical = b"{}".to_vec();
        rehash(chain, 4);
    });
    assert_eq!(unreadable, (5, Flaw::Unreadable));
    assert_eq!(damage(|chain| chain[4].0.format = 2), (5, Flaw::Format(2)));
}

#[test]
fn changed_chunks_are_found() {
    assert_eq!(damage(|chain| chain[1].1[1].body[30] ^= 1), (2, Flaw::Chunk(1)));
    assert_eq!(damage(|chain| drop(chain[1].1.pop())), (2, Flaw::ChunkMissing(1)));
    assert_eq!(damage(|chain| chain[1].1.clear()), (2, Flaw::ChunkMissing(0)));
    let rehashed = damage(|chain| {
        let chunk = &mut chain[1].1[0];
        chunk.body[30] ^= 1;
        chunk.hash = Sha256::digest(&chunk.body).into();
    });
    assert_eq!(rehashed, (2, Flaw::Root));
    let extra = damage(|chain| {
        let chunk = chain[1].1[0].clone();
        chain[1].1.push(chunk);
    });
    assert_eq!(extra, (2, Flaw::ChunkExtra(2)));
    let foreign = damage(|chain| {
        let chunk = chain[1].1[0].clone();
        chain[4].1.push(chunk);
    });
    assert_eq!(foreign, (5, Flaw::ChunkExtra(0)));
}

#[test]
fn chunks_out_of_order_or_of_no_record_are_found() {
    let mut verifier = Verifier::new(Source::Versioning, workflow());
    let chain = chain(2);
    verifier.record(&chain[0].0).unwrap();
    let nobody = verifier.chunk(9, 0, &chain[1].1[0]).unwrap_err();
    assert_eq!(nobody, Damage { sequence: 9, what: Flaw::ChunkExtra(0) });
    verifier.record(&chain[1].0).unwrap();
    let late = verifier.chunk(2, 1, &chain[1].1[1]).unwrap_err();
    assert_eq!(late.what, Flaw::ChunkMissing(0));
}

/// What is found in a chain against heads that were kept elsewhere.
fn against(chain: &Chain, kept: &[Head]) -> Result<Head, (i64, Flaw)> {
    let mut verifier =
        Verifier::new(Source::Versioning, workflow()).with_kept(kept.iter().copied());
    for (record, chunks) in chain {
        let mut fed = verifier.record(record);
        for (number, chunk) in (0..).zip(chunks) {
            fed = fed.and_then(|()| verifier.chunk(record.sequence, number, chunk));
        }
        if let Err(damage) = fed {
            let found = verifier.damaged(damage.clone());
            assert_eq!(found.records, damage.sequence - 1);
            return Err((damage.sequence, damage.what));
        }
    }
    let found = verifier.finish();
    found.first_damaged.map_or(Ok(found.head), |damage| Err((damage.sequence, damage.what)))
}

fn heads(chain: &Chain) -> Vec<Head> {
    chain.iter().map(|(record, _)| Head { sequence: record.sequence, hash: record.hash }).collect()
}

#[test]
fn a_chain_that_was_cut_shows_against_a_head_that_was_kept() {
    let whole = chain(5);
    let kept = heads(&whole);
    assert_eq!(against(&whole, &kept), Ok(kept[4]));
    assert_eq!(against(&whole, &[kept[4], kept[1], kept[1], Head::EMPTY]), Ok(kept[4]));
    for length in 0..5 {
        let cut = whole[..length].to_vec();
        assert!(verify(&cut).intact, "nothing else shows it");
        assert_eq!(against(&cut, &kept[..length]).map(|head| head.sequence), Ok(length as i64));
        for head in &kept[length..] {
            let missing = length as i64 + 1;
            assert_eq!(against(&cut, &[*head]), Err((missing, Flaw::Cut(head.sequence))));
        }
    }
}

#[test]
fn a_tail_that_was_written_anew_shows_against_a_head_that_was_kept() {
    let whole = chain(5);
    let kept = heads(&whole);
    let mut anew = whole.clone();
    let mut previous = kept[1].hash;
    for at in 2..5 {
        let before = hex::encode(anew[at].0.previous_hash);
        let text = String::from_utf8(anew[at].0.canonical.clone()).unwrap();
        let text = text.replace("all good", "all bad!").replace(&before, &hex::encode(previous));
        anew[at].0.canonical = text.into_bytes();
        anew[at].0.previous_hash = previous;
        rehash(&mut anew, at);
        previous = anew[at].0.hash;
    }
    assert!(verify(&anew).intact, "nothing else shows it");
    assert_eq!(against(&anew, &kept[..2]).map(|head| head.sequence), Ok(5));
    for (head, after) in [(kept[2], 0), (kept[3], 0), (kept[4], 0)] {
        let rewritten = Flaw::Rewritten { after };
        assert_eq!(against(&anew, &[head]), Err((head.sequence, rewritten)));
    }
    let between = against(&anew, &[kept[4], kept[1]]);
    assert_eq!(between, Err((5, Flaw::Rewritten { after: 2 })));
    // Of two heads of one record, one must be wrong.
    let other = Head { hash: [7; 32], ..kept[3] };
    let two = against(&whole, &[kept[3], other]).unwrap_err();
    assert!(matches!(two, (4, Flaw::Rewritten { .. })), "{two:?}");
}
