//! Random messages for every method of every service, from the descriptors: some are varied from requests
//! of real work, some are made from scratch, some are spoilt bytes. Beside them come JSON bodies, queries and
//! headers over plain sockets. Whatever comes, an answer is fair and of the report that was asked for, no
//! service panics, and what is refused has changed nothing.
//!
//! `SIGNOFF_TEST_MESSAGES=100000` sends more, in houses of [`ROUND`] messages; `SIGNOFF_TEST_SEED` is that of
//! the first one, and each further one has the next.

mod generate;
mod judge;
mod known;
mod listener;
mod place;
mod plain;
mod rows;
mod sender;
mod spoil;
mod story;

use prost_reflect::MethodDescriptor;
use signoff_tests::rpc::descriptors;
use signoff_tests::settings::{seed, told};

use crate::panics;
use judge::Coverage;
use sender::Round;

/// How many messages are sent if nothing else is said.
const MESSAGES: usize = 1_500;
/// How many are sent in one house: its databases are summed up again and again.
const ROUND: usize = 2_000;
/// How many more are tried for a method that has granted nothing yet.
const TRIES: usize = 400;
/// Of all messages, at least one of so many is granted.
const GRANTED: usize = 20;
/// So many commands are granted beside those of the story. Not all: much can be done only once.
const COMMANDS: usize = 10;

/// All methods of all services.
fn every_method() -> Vec<MethodDescriptor> {
    descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// `/package.Service/Method`.
fn path_of(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// Whether a method changes nothing: it takes no request id.
fn reads(method: &MethodDescriptor) -> bool {
    method.input().get_field_by_name("request_id").is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_to_any_method_is_answered_unfairly_or_refused_with_a_mark() {
    panics::watch();
    let (seed, all) = (seed(), told("SIGNOFF_TEST_MESSAGES").unwrap_or(MESSAGES));
    let mut coverage = Coverage::default();
    let mut sent = 0;
    while sent < all {
        let now = ROUND.min(all - sent);
        let house = seed + u64::try_from(sent / ROUND).unwrap();
        let mut round = Box::pin(Round::begin(house, coverage)).await;
        Box::pin(round.send(now)).await;
        Box::pin(round.send_plainly(now / 5)).await;
        if sent == 0 {
            Box::pin(round.send_what_is_missing(TRIES)).await;
        }
        coverage = Box::pin(round.end()).await;
        sent += now;
    }
    println!("{}", coverage.table());
    let (granted, of_all) = coverage.granted_of_all();
    assert!(granted * GRANTED >= of_all, "{granted} of {of_all} messages were granted");
    let mut commands = 0;
    for method in every_method() {
        let (path, reads) = (path_of(&method), reads(&method));
        let is_granted = coverage.is_granted(&path);
        commands += usize::from(!reads && is_granted);
        let is_in_story = !reads && coverage.is_in_story(&path);
        assert!(is_granted || is_in_story, "{path} was never granted");
        assert!(coverage.is_refused(&path), "{path} was never refused");
    }
    println!("{commands} commands were granted");
    assert!(commands >= COMMANDS, "{commands} commands were granted");
}
