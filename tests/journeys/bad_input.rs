//! Every field of every request: what is missing, malformed or out of bounds is named by its path,
//! all of it at once, and nothing changes.

mod decisions;
mod facts;
mod gates;
mod payloads;
mod reads;
mod reviews;
mod sign_offs;
mod sizes;
mod versions;

use std::collections::BTreeSet;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::{Rpc, Sent, versioning_methods};
use signoff_tests::{Person, Stage, build};
use tonic::Code;

use crate::changes::{CHANGES, ready};

/// A path of a field, and how to spoil it.
type Fault<R> = (&'static str, fn(&mut R));

/// Spoils a good request in each way by itself: the field is named, and it alone. Nothing has
/// happened then; and the good one is done.
async fn each_is_named<R: Rpc + Clone>(stage: &Stage, by: &Person, good: R, faults: &[Fault<R>]) {
    let before = stage.tester.verify(stage.workflow).await;
    let versions = stage.tester.versions(&stage.here).await;
    for (field, spoil) in faults {
        let mut spoilt = good.clone();
        spoil(&mut spoilt);
        let answer = by.call(spoilt).await;
        assert!(answer.is_err(), "{}: {field} is taken", R::PATH);
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), [*field], "{}", R::PATH);
    }
    assert_eq!(stage.tester.verify(stage.workflow).await, before, "{}", R::PATH);
    assert_eq!(stage.tester.versions(&stage.here).await, versions, "{}", R::PATH);
    by.call(good).await.unwrap_or_else(|status| panic!("{}: {status:?}", R::PATH));
}

/// Spoils a good request in several ways at once: all the fields are named.
async fn all_are_named<R: Rpc + Clone>(by: &Person, good: &R, faults: &[Fault<R>]) {
    let mut spoilt = good.clone();
    for (_, spoil) in faults {
        spoil(&mut spoilt);
    }
    let status =
        refusal(by.call(spoilt).await, Code::InvalidArgument, ErrorReason::ValidationFailed);
    let named: BTreeSet<String> = fields(&status).into_iter().collect();
    let expected: BTreeSet<String> = faults.iter().map(|(field, _)| (*field).to_owned()).collect();
    assert_eq!(named, expected, "{}", R::PATH);
}

/// Expects that the faults touch every field of a request but those that take any value, and the
/// scope, the id and the page, which are tried with all requests alike.
fn covers<R: Rpc>(faults: &[&[Fault<R>]], any_value: &[&str]) {
    let alike = ["scope", "request_id", "page_size", "page_token", "etag"];
    let tried: BTreeSet<&str> = faults
        .iter()
        .flat_map(|faults| faults.iter())
        .map(|(path, _)| path.split(['.', '[']).next().unwrap())
        .chain(any_value.iter().copied())
        .collect();
    let message = Sent { path: R::PATH.to_owned(), bytes: Vec::new() }.message();
    for field in prost_reflect::ReflectMessage::descriptor(&message).fields() {
        let name = field.name().to_owned();
        let known = alike.contains(&name.as_str()) || tried.contains(name.as_str());
        assert!(known, "{}: {name} is not tried", R::PATH);
    }
}

/// A text longer than reasons may be.
fn long() -> String {
    "ä".repeat(4_001)
}

/// A text of the longest kind.
fn longest() -> String {
    "ä".repeat(4_000)
}

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

/// An object with one field.
fn holding(name: &str, kind: Kind) -> Struct {
    Struct { fields: [(name.to_owned(), value(kind))].into() }
}

/// An object whose lists and objects go down so many levels, itself the first.
fn nested(levels: usize) -> Struct {
    let mut inner = Struct::default();
    for level in 1..levels {
        let kind = if level == 1 {
            Kind::ListValue(ListValue::default())
        } else {
            Kind::StructValue(inner)
        };
        inner = holding("k", kind);
    }
    inner
}

/// An object of so many bytes, written as JSON.
fn of_bytes(bytes: usize) -> Struct {
    build::object("k", &"x".repeat(bytes - r#"{"k":""}"#.len()))
}

/// Free-form objects that are refused as a whole, or at `k`.
fn bad_objects() -> [(&'static str, Struct); 8] {
    [
        ("", of_bytes(64 * 1024 + 1)),
        (".k", holding("k", Kind::NumberValue(f64::NAN))),
        (".k", holding("k", Kind::NumberValue(f64::INFINITY))),
        (".k", holding("k", Kind::StringValue("a\0".to_owned()))),
        (r#"["\0"]"#, holding("\0", Kind::BoolValue(true))),
        (".k", Struct { fields: [("k".to_owned(), Value { kind: None })].into() }),
        (".k.k.k.k.k.k.k.k.k.k.k.k.k.k.k.k", nested(17)),
        (".k[0]", holding("k", Kind::ListValue(ListValue { values: vec![Value { kind: None }] }))),
    ]
}

/// Expects that a free-form field refuses what JSON or the database cannot hold, and takes the
/// largest and deepest that it may.
async fn free_form<R: Rpc + Clone>(by: &Person, good: &R, path: &str, set: fn(&mut R, Struct)) {
    for (below, object) in bad_objects() {
        let mut spoilt = good.clone();
        set(&mut spoilt, object);
        let answer = by.call(spoilt).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), [format!("{path}{below}")]);
    }
}

#[tokio::test]
async fn every_change_needs_a_scope_that_is_whole() {
    for method in CHANGES {
        let ready = ready(method).await;
        let mut nowhere = ready.sent.message();
        nowhere.clear_field_by_name("scope");
        let nowhere = Sent { bytes: prost::Message::encode_to_vec(&nowhere), ..ready.sent.clone() };
        let answer = ready.sender().send(&nowhere).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["scope"], "{method}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused() {
    let stage = Stage::samples().await;
    for path in versioning_methods() {
        let answer = stage.tester.send(&Sent { path: path.clone(), bytes: vec![0xff; 7] }).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["message"], "{path}");
    }
}
