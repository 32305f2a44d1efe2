//! Records with many details, and subscribers that do not read.

use signoff_contract::feed::v1::Source;
use signoff_contract::versioning::v1::Verdict;
use signoff_ledger::DetailsRoot;
use signoff_tests::refusals::refusal;
use signoff_tests::subscriber::Received;
use signoff_tests::{House, Office, build};
use signoff_workflow::Phase;
use tonic::Code;

use super::{ErrorReason, from_source, service_at, service_at_gateway};

const ITEMS: u32 = 5000;
/// More than a service has connections to its database.
const SUBSCRIBERS: usize = 8;

/// A sample selection with so many items, whose keys are as long as may be, ruled on in one command.
async fn ruled(office: &Office) {
    office.through(Phase::SCOPING).await;
    let here = office.here(Phase::SAMPLE_SELECTION);
    let draft = office.tester().create(&here, Vec::new()).await.unwrap();
    let keys = (0..ITEMS).map(|number| build::input(&format!("{number:0>255}"), "as drawn"));
    let imported = office.tester().import(&draft, keys.collect()).await.unwrap();
    let draft = imported.version.unwrap();
    let submitted = office.tester().submit(&draft).await.unwrap();
    office.owner().rule_rest(&submitted, Verdict::Approved).await.unwrap();
}

/// The details are those that the record names.
fn expect_whole(of: &Received) {
    let content: serde_json::Value = serde_json::from_slice(&of.record.canonical).unwrap();
    let told = &content["details"];
    let mut root = DetailsRoot::default();
    let mut rows = 0;
    for chunk in &of.details {
        assert!(root.add(&chunk.body, &chunk.hash), "a chunk's hash");
        let body: serde_json::Value = serde_json::from_slice(&chunk.body).unwrap();
        rows += i64::try_from(body["rows"].as_array().unwrap().len()).unwrap();
    }
    assert_eq!(rows, of.record.detail_rows);
    let root = root.finish().map(|root| serde_json::json!(hex(&root)));
    assert_eq!(told.get("root"), root.as_ref());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_thousands_of_items_comes_in_parts_whoever_reads_or_does_not() {
    let mut house = House::new().await;
    let office = Office::of(&house).await;
    let direct = service_at(&house, house.versioning.address).await;
    let mut all = direct.subscribe(from_source(Source::Versioning)).await.unwrap();
    ruled(&office).await;
    let trail = office.trail(Source::Versioning).await;
    while all.got.len() < trail.len() {
        all.next().await.unwrap();
    }
    all.got.iter().for_each(expect_whole);
    let large: Vec<_> = all.got.iter().filter(|of| of.parts > 1).collect();
    let rulings = large.iter().find(|of| of.record.detail_rows >= i64::from(ITEMS));
    assert!(rulings.is_some_and(|of| of.parts > 2), "{} in parts", large.len());

    let mut idle = Vec::new();
    for nth in 0..SUBSCRIBERS {
        // On a connection of its own: a full one stops all calls on it.
        let service = match nth % 2 {
            0 => service_at(&house, house.versioning.address).await,
            _ => service_at_gateway(&house).await,
        };
        idle.push(service.subscribe(from_source(Source::Versioning)).await.unwrap());
    }
    // All others are served, and follow.
    office.reopen(Phase::PLANNING).await.unwrap();
    office.approve(Phase::PLANNING, Vec::new()).await;
    let trail = office.trail(Source::Versioning).await;
    while all.got.len() < trail.len() {
        all.next().await.unwrap();
    }
    // Who reads in the end misses nothing.
    for subscriber in idle.iter_mut().take(2) {
        while subscriber.got.len() < trail.len() {
            subscriber.next().await.unwrap();
        }
        assert_eq!(subscriber.got, all.got);
    }
    // The service ends, although most of them never read.
    house.versioning.pause().await;
    refusal(Err::<(), _>(all.end().await), Code::Unavailable, ErrorReason::BackendUnavailable);
}
