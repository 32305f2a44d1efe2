//! Services that stop, and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signoff_contract::feed::v1 as wire;
use signoff_contract::feed::v1::Source;
use signoff_tests::refusals::{is_away, is_from_here, refusal};
use signoff_tests::subscriber::Received;
use signoff_tests::wait::until;
use signoff_tests::{House, Office, Person};
use signoff_workflow::Phase;
use tokio::net::TcpStream;
use tonic::{Code, Status};

use super::{
    ErrorReason, SOURCES, from_source, of_workflow, service_at, service_at_gateway, services,
};

/// Longer than a test may last: whoever waits for the end of the drain hangs.
const NEVER: u64 = 3600;

#[tokio::test]
async fn a_gateway_that_stops_does_not_wait_for_subscribers() {
    let house = House::with(|args| args.drain_seconds = NEVER).await;
    let mut subscribed = Vec::new();
    for source in SOURCES {
        let service = service_at_gateway(&house).await;
        let mut subscriber = service.subscribe(from_source(source)).await.unwrap();
        subscriber.next().await.unwrap();
        subscribed.push(subscriber);
    }
    house.shutdown.cancel();
    for subscriber in subscribed {
        let ended = Err::<(), Status>(subscriber.end().await);
        let ended = refusal(ended, Code::Unavailable, ErrorReason::BackendUnavailable);
        assert!(ended.message().contains("subscribe again"), "{ended:?}");
    }
    until("nobody listens", || async { TcpStream::connect(house.address).await.err() }).await;
}

#[tokio::test]
async fn a_service_that_stops_says_so_to_its_subscribers() {
    let mut house = House::new().await;
    let mut subscribed = Vec::new();
    for (source, at, service) in services(&house).await {
        let mut subscriber = service.subscribe(from_source(source)).await.unwrap();
        subscriber.next().await.unwrap();
        subscribed.push((source, at, subscriber));
    }
    tokio::join!(house.versioning.pause(), house.audit.pause());
    for (source, at, subscriber) in subscribed {
        if source == Source::Gateway {
            continue;
        }
        let ended = Err::<(), Status>(subscriber.end().await);
        let ended = refusal(ended, Code::Unavailable, ErrorReason::BackendUnavailable);
        // By itself, and not by the end of the drain.
        assert!(ended.message().contains("subscribe again"), "{source:?} at {at}: {ended:?}");
    }
}

/// Follows until it has as many records as there will be, again and again if it must.
async fn follow(service: Person, expected: Arc<AtomicUsize>) -> (Vec<Received>, usize) {
    let (mut got, mut ends) = (Vec::<Received>::new(), 0);
    loop {
        let cursor = got.last().map(|of| of.cursor.clone()).unwrap_or_default();
        let request = wire::SubscribeRequest { cursor, ..from_source(Source::Versioning) };
        let ended = match service.subscribe(request).await {
            Err(refused) => refused,
            Ok(mut subscriber) => loop {
                let heard = subscriber.next().await;
                got.append(&mut subscriber.got);
                if let Err(ended) = heard {
                    ends += 1;
                    break ended;
                }
                if got.len() == expected.load(Ordering::Relaxed) {
                    return (got, ends);
                }
            },
        };
        assert!(is_from_here(&ended) || is_away(&ended), "{ended:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_goes_on_when_its_service_is_back() {
    let mut house = House::new().await;
    let office = Office::of(&house).await;
    office.through(Phase::SCOPING).await;
    let expected = Arc::new(AtomicUsize::new(usize::MAX));
    let followers =
        [service_at(&house, house.versioning.address).await, service_at_gateway(&house).await];
    let followers = followers.map(|service| tokio::spawn(follow(service, Arc::clone(&expected))));
    for _ in 0..3 {
        house.versioning.pause().await;
        house.versioning.resume().await;
        until("the service is back", || async {
            office.tester().call(super::board(&office)).await.ok()
        })
        .await;
        office.reopen(Phase::PLANNING).await.unwrap();
        office.approve(Phase::PLANNING, Vec::new()).await;
    }
    let trail = office.trail(Source::Versioning).await;
    expected.store(trail.len(), Ordering::Relaxed);
    for follower in followers {
        let (got, ends) = follower.await.unwrap();
        assert_eq!(of_workflow(&got, &office), trail);
        assert_eq!(got.len(), trail.len());
        assert!(ends > 0, "it was away");
    }
}
