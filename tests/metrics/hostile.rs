//! Feeds that send what no service would: whatever it is, it is named, and everything else is counted.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use signoff_contract::feed::v1::{FeedRecord, Source};
use signoff_tests::wait::until;
use signoff_tests::world::workflow;
use signoff_workflow::Workflow;
use sqlx::Row as _;
use uuid::Uuid;

use crate::asking::Asking;
use crate::chain::{Chain, Record, Said};
use crate::fake::{Counted, SOURCES, holder};
use crate::oracle::{self, Fact};
use crate::story::Story;

/// What happens to two versions, in order. The sixth record, of rulings, is the one that goes wrong.
fn told() -> Vec<Said> {
    let ids = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
    let rulings = |number: i32, verdict: &str| {
        json!({
            "columns": ["item_no", "seq", "rev", "state", "source", "carried", "ended_ruling"],
            "rows": [[number, 1, 1, verdict, "llm", false, null]],
        })
    };
    let reviewed = vec![rulings(1, "approved"), rulings(2, "rejected"), rulings(3, "approved")];
    let counts = json!({"state": "draft", "counts": {"total": 3, "carried": 2}});
    let begun: DateTime<Utc> = "2026-02-28T22:50:00Z".parse().unwrap();
    [
        ("version.created", 0, counts.clone(), vec![]),
        ("version.submitted", 0, json!({}), vec![]),
        ("version.approved", 0, json!({}), vec![]),
        ("version.revised", 1, counts, vec![]),
        ("version.submitted", 1, json!({}), vec![]),
        ("decisions.reviewed", 1, json!({}), reviewed),
        ("version.approved", 1, json!({}), vec![]),
        ("version.superseded", 0, json!({}), vec![]),
    ]
    .into_iter()
    .zip(0..)
    .map(|((action, version, after, details), nth): ((_, usize, _, _), i64)| Said {
        action,
        phase: Some("scoping"),
        by: 10,
        at: begun + TimeDelta::minutes(7 * nth),
        subject: ids[version].clone(),
        before: Value::Null,
        after,
        details,
    })
    .collect()
}

/// A feed's records of one workflow, what is named of them, and what counts.
struct Case {
    name: &'static str,
    chain: Chain,
    sent: Vec<Vec<FeedRecord>>,
    named: Vec<(i64, &'static str)>,
    /// Whether the sixth counts.
    whole: bool,
}

fn parts(records: &[Record]) -> Vec<Vec<FeedRecord>> {
    records.iter().map(|record| record.parts(2)).collect()
}

impl Case {
    /// The records as they should be, with what was done to what is sent.
    fn sent(
        name: &'static str,
        named: &[(i64, &'static str)],
        whole: bool,
        change: impl FnOnce(&mut Vec<Vec<FeedRecord>>),
    ) -> Self {
        let mut chain = Chain::new(Source::Versioning, workflow());
        told().iter().for_each(|said| drop(chain.add(said)));
        let mut sent = parts(&chain.records);
        change(&mut sent);
        Self { name, chain, sent, named: named.to_vec(), whole }
    }

    /// A chain whose sixth record is this one: those behind it follow it, if it is of the chain.
    fn made(
        name: &'static str,
        named: &[(i64, &'static str)],
        sixth: impl FnOnce(&Chain, &Said) -> Record,
    ) -> Self {
        let (mut chain, told) = (Chain::new(Source::Versioning, workflow()), told());
        told[..5].iter().for_each(|said| drop(chain.add(said)));
        let sixth = sixth(&chain, &told[5]);
        chain.records.push(sixth);
        told[6..].iter().for_each(|said| drop(chain.add(said)));
        let sent = parts(&chain.records);
        Self { name, chain, sent, named: named.to_vec(), whole: false }
    }

    /// The same, of a record that is what it is, but says this.
    fn saying(name: &'static str, change: impl FnOnce(&mut Said)) -> Self {
        Self::made(name, &[(6, "malformed")], |chain, said| {
            let mut said = said.clone();
            change(&mut said);
            chain.made(&said, 6, chain.records[4].hash)
        })
    }

    /// The same, with other bytes.
    fn bytes(name: &'static str, named: &[(i64, &'static str)], from: &str, to: &str) -> Self {
        Self::made(name, named, |chain, said| {
            let record = chain.made(said, 6, chain.records[4].hash);
            let text = String::from_utf8(record.canonical.clone()).unwrap();
            assert!(text.contains(from), "{text}");
            record.with_bytes(text.replace(from, to).into_bytes())
        })
    }

    /// What must be counted.
    fn facts(&self) -> Vec<Fact> {
        let mut chain = self.chain.clone();
        if !self.whole {
            chain.records.remove(5);
        }
        oracle::count(&[chain.file()])
    }
}

fn record(sent: &mut [Vec<FeedRecord>]) -> &mut signoff_contract::feed::v1::TrailRecord {
    sent[5][0].record.as_mut().unwrap()
}

fn cases() -> Vec<Case> {
    let out_of_turn = [(7, "gap"), (6, "repeated")];
    let lost = [(6, "hash"), (7, "gap")];
    let malformed = [(6, "malformed")];
    vec![
        Case::sent("twice", &[(6, "repeated")], true, |sent| sent.insert(6, sent[5].clone())),
        Case::sent("much later", &[(2, "repeated")], true, |sent| sent.push(sent[1].clone())),
        Case::sent("out of order", &out_of_turn, false, |sent| sent.swap(5, 6)),
        Case::sent("a gap", &[(7, "gap")], false, |sent| drop(sent.remove(5))),
        Case::sent("a wrong hash", &lost, false, |sent| record(sent).hash[3] ^= 1),
        Case::sent("other bytes", &lost, false, |sent| record(sent).canonical.push(b' ')),
        Case::sent("no hash", &lost, false, |sent| record(sent).hash.clear()),
        Case::sent("no format", &[(6, "malformed"), (7, "gap")], false, |sent| {
            record(sent).format = i32::MAX;
        }),
        Case::sent("another previous hash", &[(6, "chain"), (7, "gap")], false, |sent| {
            let (mut chain, told) = (Chain::new(Source::Versioning, workflow()), told());
            let scope = sent[5][0].scope.clone().unwrap();
            chain.workflow = Workflow {
                cycle_id: scope.cycle_id.parse().unwrap(),
                report_id: scope.report_id.parse().unwrap(),
            };
            sent[5] = chain.made(&told[5], 6, [9; 32]).parts(2);
        }),
        Case::sent("a record of another workflow", &malformed, true, |sent| {
            let mut other = Chain::new(Source::Versioning, workflow());
            told().iter().for_each(|said| drop(other.add(said)));
            let mut strange = other.records[5].parts(2);
            strange.iter_mut().for_each(|part| part.scope.clone_from(&sent[0][0].scope));
            sent.insert(5, strange);
        }),
        Case::sent("a wrong hash of a chunk", &malformed, false, |sent| {
            sent[5][0].details[1].hash[0] ^= 1;
        }),
        Case::sent("another chunk", &malformed, false, |sent| {
            sent[5][0].details[1].body = sent[5][0].details[0].body.clone();
        }),
        Case::sent("a chunk too few", &malformed, false, |sent| {
            sent[5][0].details.pop();
        }),
        Case::made("no JSON", &malformed, |chain, said| {
            let record = chain.made(said, 6, chain.records[4].hash);
            record.with_bytes(b"{\"action\":".to_vec())
        }),
        Case::bytes("no source", &malformed, r#""source":"versioning""#, r#""source":"moon""#),
        Case::bytes("a zero", &malformed, r#""origin":"native""#, r#""origin":"\u0000""#),
        Case::bytes(
            "another source",
            &[(6, "malformed"), (7, "gap")],
            r#""source":"versioning""#,
            r#""source":"audit""#,
        ),
        Case::bytes(
            "another year",
            &malformed,
            r#""occurred_at":"2026"#,
            r#""occurred_at":"-9000"#,
        ),
        Case::saying("an unknown phase", |said| said.phase = Some("tenth")),
        Case::saying("an unknown subject", |said| said.subject = "\0".repeat(2000)),
        Case::saying("counts that are none", |said| said.after = json!({"counts": 7})),
        Case::saying("too many", |said| {
            said.after = json!({"counts": {"total": i64::MAX, "carried": 0}});
        }),
        Case::saying("an unknown word for where it was recommended", |said| {
            said.details[1]["rows"][0][4] = json!("crystal ball");
        }),
        Case::saying("an unknown verdict", |said| said.details[1]["rows"][0][3] = json!("maybe")),
        Case::saying("half a row", |said| said.details[0]["rows"][0] = json!([1, 2])),
        Case::made("an unknown version", &[(6, "unknown")], |chain, said| {
            let said = Said { subject: Uuid::new_v4().to_string(), ..said.clone() };
            chain.made(&said, 6, chain.records[4].hash)
        }),
    ]
}

async fn expect_totals(counted: &Counted, facts: &[Fact]) {
    let auditor = counted.auditor().await;
    Asking::new(&auditor, facts, ChaCha8Rng::seed_from_u64(1)).totals().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_named_and_everything_else_is_counted() {
    let counted = Counted::new().await;
    let cases = cases();
    let facts: Vec<Fact> = cases.iter().flat_map(Case::facts).collect();
    for (case, each) in cases.iter().zip((1..9).cycle()) {
        counted.fake.send_parts(Source::Versioning, case.sent.clone(), each);
    }
    // Of no workflow at all.
    let mut nowhere = cases[0].sent[8].clone();
    nowhere[0].scope = None;
    counted.fake.send_parts(Source::Versioning, vec![nowhere], 1);
    counted.settled().await;

    let mut found: BTreeMap<Uuid, Vec<(i64, String)>> = BTreeMap::new();
    let rows = sqlx::query("select * from rejected_records order by rejected_at, ctid");
    for row in rows.fetch_all(&mut counted.as_service().await).await.unwrap() {
        let named = (row.get("sequence"), row.get("reason"));
        assert!(row.get::<String, _>("what").len() <= 2000);
        found.entry(row.get("report_id")).or_default().push(named);
    }
    let mut by_reason: BTreeMap<&str, i64> = [("malformed", 1)].into();
    for case in &cases {
        let named = found.remove(&case.chain.workflow.report_id).unwrap_or_default();
        let named: Vec<(i64, &str)> = named.iter().map(|(at, why)| (*at, why.as_str())).collect();
        assert_eq!(named, case.named, "{}", case.name);
        case.named.iter().for_each(|(_, reason)| *by_reason.entry(reason).or_default() += 1);
    }
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[&Uuid::nil()], [(8, "malformed".to_owned())]);
    expect_totals(&counted, &facts).await;

    let told: i64 = counted.freshness().await.feeds.iter().map(|of| of.rejected_records).sum();
    assert_eq!(told, by_reason.values().sum::<i64>());
    for (reason, records) in by_reason {
        let name = "signoff_feed_rejected_records_total";
        let labels = format!("service=\"metrics\",source=\"versioning\",reason=\"{reason}\"");
        counted.shows(&format!("{name}{{{labels}}} {records}\n")).await;
    }
    // Whoever counts again comes to the same.
    counted.rebuilt().await;
    expect_totals(&counted, &facts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_twice_and_times_of_centuries_stop_nothing() {
    let counted = Counted::new().await;
    let mut chain = Chain::new(Source::Audit, workflow());
    let request = Uuid::new_v4().to_string();
    let mut said = Said {
        action: "action.requested",
        phase: Some("test_execution"),
        by: 10,
        // No number of nanoseconds since 1970 reaches so far.
        at: "1600-02-29T23:59:59.999999Z".parse().unwrap(),
        subject: request,
        before: Value::Null,
        after: json!({"action_type": "test_rerun"}),
        details: vec![],
    };
    for at in ["1600-02-29T23:59:59.999999Z", "2300-01-01T00:30:00Z"] {
        said.at = at.parse().unwrap();
        let asked = chain.add(&said);
        counted.fake.send(Source::Audit, &[asked], 1);
        counted.settled().await;
    }
    said.action = "action.responded";
    said.after = json!({"response_status": "partial", "impact_on_timeline": "none"});
    let answered = chain.add(&said);
    counted.fake.send(Source::Audit, &[answered], 1);
    counted.settled().await;
    let (auditor, facts) = (counted.auditor().await, oracle::count(&[chain.file()]));
    Asking::new(&auditor, &facts, ChaCha8Rng::seed_from_u64(3)).everything().await;
}

/// A story of so many steps, in another feed each time, and what it comes to.
async fn sent(counted: &Counted, seed: u64, steps: usize, each: usize) -> Vec<Fact> {
    let dice = ChaCha8Rng::seed_from_u64(seed);
    let mut story = Story::new(dice, "2026-01-31T20:00:00Z".parse().unwrap(), 2);
    for _ in 0..steps {
        let (source, record) = story.step();
        counted.fake.send(source, &[record], each);
    }
    oracle::count(&story.files())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_ends_behind_each_message_is_followed_to_its_end() {
    let counted = Counted::new().await;
    for source in SOURCES {
        counted.fake.change(source, |script| script.ends = true);
    }
    let facts = sent(&counted, 5, 40, 1).await;
    counted.settled().await;
    expect_totals(&counted, &facts).await;
    let found = counted.freshness().await;
    assert!(found.feeds.iter().all(|of| of.rejected_records == 0), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_cut_off_is_counted_when_it_is_whole() {
    let counted = Counted::new().await;
    counted.fake.change(Source::Versioning, |script| script.cut_at = Some(1));
    let mut chain = Chain::new(Source::Versioning, workflow());
    told().iter().for_each(|said| drop(chain.add(said)));
    // The sixth is in two parts, of which one is cut off, with what came before it in the same message.
    counted.fake.send(Source::Versioning, &chain.records[..3], 3);
    counted.fake.send(Source::Versioning, &chain.records[3..6], 3);
    counted.fake.send(Source::Versioning, &chain.records[6..], 1);
    counted.settled().await;
    expect_totals(&counted, &oracle::count(&[chain.file()])).await;
    let subscribed = counted.fake.look(Source::Versioning, |script| script.subscribed);
    assert!(subscribed > 1, "nothing was cut off");
    assert!(counted.freshness().await.feeds.iter().all(|of| of.rejected_records == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_only_says_where_it_stands_counts_for_nothing() {
    let counted = Counted::new().await;
    until("a watermark of all", || async {
        let heard = counted.freshness().await.feeds;
        let all = heard.iter().all(|of| of.lag.is_some() && of.heard_at.is_some());
        all.then_some(())
    })
    .await;
    let heard = counted.freshness().await.feeds;
    assert!(heard.iter().all(|of| of.held_by == Some(holder())), "{heard:?}");
    expect_totals(&counted, &[]).await;
    // Nothing is to be counted anew, either.
    counted.rebuilt().await;
    expect_totals(&counted, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_of_another_life_is_counted_once_somebody_wants_it_anew() {
    let counted = Counted::new().await;
    let before = sent(&counted, 7, 60, 1).await;
    counted.settled().await;
    for source in SOURCES {
        counted.fake.change(source, |script| script.begin_another_life());
    }
    // The numbers stay as they are, and say why.
    until("a refusal of all", || async {
        let refused = counted.freshness().await.feeds;
        refused.iter().all(|of| !of.refused.is_empty()).then_some(())
    })
    .await;
    for source in ["versioning", "audit", "gateway"] {
        let labels = format!("service=\"metrics\",source=\"{source}\"");
        counted.shows(&format!("signoff_feed_refused{{{labels}}} 1\n")).await;
    }
    expect_totals(&counted, &before).await;

    let after = sent(&counted, 8, 30, 1).await;
    counted.rebuilt().await;
    expect_totals(&counted, &after).await;
    let now = counted.freshness().await;
    assert!(now.feeds.iter().all(|of| of.refused.is_empty()), "{now:?}");
    counted.shows("signoff_feed_refused{service=\"metrics\",source=\"audit\"} 0\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_is_refused_itself_makes_room_for_another_one() {
    use signoff_contract::metrics::v1 as wire;
    let counted = Counted::new().await;
    drop(sent(&counted, 9, 60, 1).await);
    counted.settled().await;
    // A count from the start that cannot come to its end.
    counted.fake.change(Source::Audit, |script| (script.silent, script.ends) = (true, true));
    let admin = counted.person(90, None, &[signoff_workflow::Role::Admin]).await;
    let wanted = |reason: &str| wire::RebuildRequest {
        request_id: Uuid::new_v4().to_string(),
        reason: reason.to_owned(),
    };
    let stuck = admin.call(wanted("first")).await.unwrap().rebuild.unwrap();
    let rebuilding = || async { counted.freshness().await.rebuild.unwrap() };
    until("progress", || async {
        let now = rebuilding().await;
        now.progress.iter().all(|of| of.records == of.of_records).then_some(())
    })
    .await;
    assert_eq!(rebuilding().await.state(), wire::RebuildState::Counting);
    let same = admin.call(wanted("second")).await.unwrap().rebuild.unwrap();
    assert_eq!(same.generation, stuck.generation, "one at a time");
    counted.fake.change(Source::Versioning, |script| script.begin_another_life());
    let after = sent(&counted, 10, 30, 1).await;
    until("a count that is refused", || async {
        let refused = sqlx::query_scalar::<_, bool>(
            "select refused is not null from feeds where generation = $1 and source = 'versioning'",
        );
        let mut db = counted.as_service().await;
        let refused = refused.bind(stuck.generation).fetch_one(&mut db).await;
        refused.unwrap().then_some(())
    })
    .await;
    counted.fake.change(Source::Audit, |script| (script.silent, script.ends) = (false, false));
    let fresh = admin.call(wanted("third")).await.unwrap().rebuild.unwrap();
    assert!(fresh.generation > stuck.generation);
    until("the new count", || async {
        (counted.freshness().await.generation == fresh.generation).then_some(())
    })
    .await;
    drop(after);
}
