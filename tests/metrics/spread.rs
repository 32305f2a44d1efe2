//! Reports of many months, whose figures are counted directly, too.

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use signoff_contract::feed::v1::Source;
use signoff_tests::settings::seed;

use crate::asking::Asking;
use crate::chain::Record;
use crate::fake::{Counted, SOURCES};
use crate::oracle;
use crate::story::Story;

/// Goes on with a story, and sends what happens in messages of any size, while it is counted.
fn go_on(story: &mut Story, counted: &Counted, steps: usize) {
    let mut waiting: Vec<(Source, Vec<Record>)> =
        SOURCES.iter().map(|source| (*source, Vec::new())).collect();
    for _ in 0..steps {
        let (source, record) = story.step();
        let (_, records) = waiting.iter_mut().find(|(of, _)| *of == source).unwrap();
        records.push(record);
        if story.dice.random_bool(0.05) {
            let each = story.dice.random_range(1..40);
            for (source, records) in &mut waiting {
                counted.fake.send(*source, &std::mem::take(records), each);
            }
        }
    }
    for (source, records) in &waiting {
        counted.fake.send(*source, records, 7);
    }
}

/// Everything that may be asked for, by the same dice.
async fn ask(story: &Story, counted: &Counted, seed: u64) -> Vec<String> {
    let facts = oracle::count(&story.files());
    let auditor = counted.auditor().await;
    let mut asking = Asking::new(&auditor, &facts, ChaCha8Rng::seed_from_u64(seed));
    asking.everything().await;
    asking.answers.iter().map(|answer| format!("{answer:?}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_of_many_months_are_what_a_direct_count_gives() {
    let seed = seed();
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    // Over the end of a year, a leap day, weeks and months.
    let now: DateTime<Utc> = "2023-11-20T22:13:05.000123Z".parse().unwrap();
    let now = now + TimeDelta::hours(dice.random_range(0..500));
    let mut story = Story::new(dice, now, 4);
    let counted = Counted::new().await;
    for steps in [200, 1200] {
        go_on(&mut story, &counted, steps);
        counted.settled().await;
        ask(&story, &counted, seed).await;
    }
    assert!(story.now - now > TimeDelta::days(200), "{} is too soon", story.now);
    let found = counted.freshness().await;
    assert!(found.feeds.iter().all(|of| of.rejected_records == 0), "{found:?}");

    let before = ask(&story, &counted, seed).await;
    counted.rebuilt().await;
    let after = ask(&story, &counted, seed).await;
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
}
