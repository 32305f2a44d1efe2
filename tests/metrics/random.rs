//! Random people at the gateway do everything that is counted; what they recorded is counted directly.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use signoff_contract::gateway::v1 as gateway;
use signoff_tests::people::request_id;
use signoff_tests::settings::seed;
use signoff_tests::world::whole;
use signoff_tests::{Counting, House, Office};
use signoff_workflow::Phase;

use crate::asking::Asking;
use crate::busy::{Busy, exported};
use crate::oracle::{self, Kind};
use crate::settled::rebuilt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_people_do_the_figures_are_what_a_direct_count_gives() {
    let seed = seed();
    let dice = |more| ChaCha8Rng::seed_from_u64(seed + more);
    let house = House::new().await;
    let counting = Counting::of(&house).await;

    // One report whose versions go to and fro, one whose lanes do, and one in which both is tried.
    let mut versions = Busy::new(Office::of(&house).await, dice(1));
    let mut lanes = Busy::new(Office::of(&house).await, dice(2));
    let mut both = Busy::new(Office::of(&house).await, dice(3));
    let to_and_fro = async {
        versions.versions(Phase::PLANNING, 150).await;
        both.office.through(Phase::SCOPING).await;
        both.versions(Phase::SAMPLE_SELECTION, 150).await;
    };
    let in_lanes = async {
        lanes.office.through(Phase::DATA_OWNER_ID).await;
        lanes.lanes(30).await;
        lanes.office.start(Phase::REQUEST_INFO).await.unwrap();
        lanes.lanes(60).await;
        lanes.document_all().await;
        lanes.office.start(Phase::TEST_EXECUTION).await.unwrap();
        lanes.lanes(60).await;
        lanes.office.reopen(Phase::DATA_OWNER_ID).await.unwrap();
        lanes.lanes(40).await;
    };
    tokio::join!(to_and_fro, in_lanes);
    let done = versions.done + lanes.done + both.done;
    assert!(done > 150, "{done} things were done");
    let close = gateway::CloseWorkflowRequest {
        scope: Some(whole(versions.office.workflow)),
        reason: "nothing comes of it".to_owned(),
        request_id: request_id(),
    };
    house.admin().await.call(close).await.unwrap();
    counting.settled(&house).await;

    let mut files = Vec::new();
    for busy in [&versions, &lanes, &both] {
        files.extend(exported(busy.office.lead(), busy.office.workflow).await);
    }
    let facts = oracle::count(&files);
    let n = |kind, outcome: &str| {
        facts.iter().filter(|fact| fact.kind == kind && fact.outcome.starts_with(outcome)).count()
    };
    let coverage = [
        n(Kind::Made, "revised"),
        n(Kind::Deleted, ""),
        n(Kind::Closed, "approved"),
        n(Kind::Closed, "rejected"),
        n(Kind::Ruled, "approved"),
        n(Kind::Ruled, "rejected"),
        n(Kind::Ruled, "modified"),
        n(Kind::Carried, ""),
        n(Kind::Owner, "transferred"),
        n(Kind::Owner, "deactivated"),
        n(Kind::Document, "revised"),
        n(Kind::Document, "supplemented"),
        n(Kind::Request, ""),
        n(Kind::Response, ""),
        n(Kind::Impact, ""),
        n(Kind::Workflow, "closed"),
    ];
    println!("{coverage:?}");
    assert!(coverage.iter().all(|n| *n > 0), "seed {seed}: {coverage:?}");

    let auditor = counting.auditor().await;
    let mut asking = Asking::new(&auditor, &facts, dice(4));
    asking.everything().await;
    let before = asking.answers;
    let freshness = counting.freshness().await;
    assert!(freshness.feeds.iter().all(|of| of.rejected_records == 0), "{freshness:?}");

    rebuilt(&counting).await;
    let mut asking = Asking::new(&auditor, &facts, dice(4));
    asking.everything().await;
    assert_eq!(before.len(), asking.answers.len());
    for (before, after) in before.iter().zip(&asking.answers) {
        assert_eq!(before, after, "seed {seed}");
    }
    counting.stop().await;
}
