//! Every field of every request: what is missing, malformed or out of bounds is named by its path,
//! all of it at once, and nothing changes.

mod fields;
mod reads;

use std::collections::BTreeSet;

use prost::Message as _;
use prost_reflect::{ReflectMessage as _, Value};
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::{LOBS, Lanes};
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::{Rpc, Sent};
use signoff_workflow::Phase;
use tonic::Code;

use crate::calls::{COMMANDS, GATES, Ready, Things, maker, own_methods, ready, request};
use crate::common::trail;

/// A path of a field, and how to spoil it.
type Fault<R> = (&'static str, fn(&mut R));

/// Spoils a good request in each way by itself: the field is named, and it alone. Then in all ways
/// of `at_once`: all of them are named. Nothing has happened; and the good one is done.
async fn each_is_named<R: Rpc + Clone>(method: &str, faults: &[Fault<R>], at_once: &[usize]) {
    let Ready { lanes, sent, by, roles } = Box::pin(ready(method)).await;
    let person = lanes.person(by, &roles).await;
    let good = R::decode(sent.bytes.as_slice()).unwrap();
    let before = trail(&lanes).await;
    for (field, spoil) in faults {
        let mut spoilt = good.clone();
        spoil(&mut spoilt);
        let answer = person.call(spoilt).await;
        assert!(answer.is_err(), "{method}: {field} is taken");
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), [*field], "{method}: {status:?}");
    }
    let mut spoilt = good.clone();
    for n in at_once {
        faults[*n].1(&mut spoilt);
    }
    let answer = person.call(spoilt).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    let named: BTreeSet<String> = fields(&status).into_iter().collect();
    let expected = at_once.iter().map(|n| faults[*n].0.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(named, expected, "{method}");
    assert_eq!(trail(&lanes).await, before, "{method}");
    covers(&sent, faults.iter().map(|(path, _)| *path));
    person.call(good).await.unwrap_or_else(|status| panic!("{method}: {status:?}"));
    lanes.expect_intact().await;
}

/// Expects that every field of a request is tried but those that are tried with all alike.
fn covers(sent: &Sent, tried: impl Iterator<Item = &'static str>) {
    let alike = ["scope", "request_id", "etag", "last"];
    let tried: BTreeSet<&str> = tried.map(|path| path.split(['.', '[']).next().unwrap()).collect();
    for field in sent.message().descriptor().fields() {
        let known = alike.contains(&field.name()) || tried.contains(field.name());
        assert!(known, "{}: {} is not tried", sent.method(), field.name());
    }
}

/// A path of a method of this service.
fn path(method: &str) -> String {
    let end = format!("/{method}");
    own_methods().into_iter().find(|path| path.ends_with(&end)).unwrap()
}

/// The request about another phase.
fn in_phase(sent: &Sent, phase: i32) -> Sent {
    let mut message = sent.message();
    let mut scope = message.get_field_by_name("scope").unwrap().as_message().unwrap().clone();
    scope.set_field_by_name("phase", Value::EnumNumber(phase));
    message.set_field_by_name("scope", Value::Message(scope));
    Sent { bytes: message.encode_to_vec(), ..sent.clone() }
}

#[tokio::test]
async fn every_command_is_of_its_own_phase() {
    let lanes = Lanes::planned(1).await;
    let before = trail(&lanes).await;
    for method in COMMANDS {
        let (by, roles) = maker(method);
        let person = lanes.person(by, &roles).await;
        let sent = request(&lanes, &path(method), &Things::nowhere(LOBS[0]));
        let message = sent.message();
        let scope = message.get_field_by_name("scope").unwrap().as_message().unwrap().clone();
        let own = scope.get_field_by_name("phase").unwrap().as_enum_number().unwrap();
        for phase in -1..=10 {
            let beside = match method {
                "PlanTestCases" => [0, Phase::REQUEST_INFO.number()].contains(&phase),
                "RecordChange" => (5..=7).contains(&phase),
                _ => false,
            };
            if phase == own || beside {
                continue;
            }
            let answer = person.send(&in_phase(&sent, phase)).await;
            assert!(answer.is_err(), "{method} in phase {phase}");
            let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
            assert_eq!(fields(&status), ["scope.phase"], "{method} in phase {phase}");
        }
    }
    assert_eq!(trail(&lanes).await, before);
}

#[tokio::test]
async fn every_call_needs_a_scope_that_is_whole() {
    let lanes = Lanes::planned(1).await;
    for path in own_methods() {
        let method = path.rsplit('/').next().unwrap();
        let (by, roles) = maker(method);
        let person = if GATES.contains(&method) || COMMANDS.contains(&method) {
            lanes.person(by, &roles).await
        } else {
            lanes.tester.clone()
        };
        let sent = request(&lanes, &path, &Things::nowhere(LOBS[0]));
        let mut nowhere = sent.message();
        nowhere.clear_field_by_name("scope");
        let nowhere = Sent { bytes: nowhere.encode_to_vec(), ..sent.clone() };
        let status = refusal(
            person.send(&nowhere).await,
            Code::InvalidArgument,
            ErrorReason::ValidationFailed,
        );
        assert_eq!(fields(&status), ["scope"], "{path}");
        let mut other = sent.message();
        let mut scope = other.get_field_by_name("scope").unwrap().as_message().unwrap().clone();
        scope.set_field_by_name("cycle_id", Value::String("x".to_owned()));
        other.set_field_by_name("scope", Value::Message(scope));
        let other = Sent { bytes: other.encode_to_vec(), ..sent };
        let status = refusal(
            person.send(&other).await,
            Code::InvalidArgument,
            ErrorReason::ValidationFailed,
        );
        assert_eq!(fields(&status), ["scope.cycle_id"], "{path}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused() {
    let lanes = Lanes::closed().await;
    for path in own_methods() {
        let answer = lanes.tester.send(&Sent { path: path.clone(), bytes: vec![0xff; 7] }).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["message"], "{path}");
    }
}
