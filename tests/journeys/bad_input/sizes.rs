//! Messages that are too large, or nested so deeply that they are none.

use prost::Message as _;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Scope};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::{Sent, versioning_methods};
use signoff_tests::{Stage, build};
use signoff_workflow::Role;
use tonic::Code;

/// 32 MiB fit into these, 4 MiB into all others.
const BULK: [&str; 4] = ["AddDecisions", "CreateVersion", "ReviewDecisions", "ReviseVersion"];

/// A request of a method with so many bytes: its first text, an id, fills it.
fn of_bytes(path: &str, bytes: usize) -> Sent {
    let id_of = |bytes: usize| "x".repeat(bytes);
    if path.ends_with("/LocateVersion") {
        // A tag, and a length of four bytes.
        let request = wire::LocateVersionRequest { version_id: id_of(bytes - 5) };
        return Sent::of(&request);
    }
    let scope = Scope { cycle_id: id_of(bytes - 2 * 5), ..Scope::default() };
    let bytes = wire::GetCurrentVersionRequest { scope: Some(scope) }.encode_to_vec();
    Sent { path: path.to_owned(), bytes }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_by_every_method() {
    let stage = Stage::samples().await;
    let anybody = stage.person(10, &[Role::Tester, Role::Service, Role::Gateway]);
    for path in versioning_methods() {
        let name = path.rsplit('/').next().unwrap();
        let limit = if BULK.contains(&name) { 32 } else { 4 } * 1024 * 1024;
        let (largest, larger) = (of_bytes(&path, limit), of_bytes(&path, limit + 1));
        assert_eq!((largest.bytes.len(), larger.bytes.len()), (limit, limit + 1), "{path}");
        let answer = anybody.first_answer(&largest).await;
        match name {
            // It is about nothing, and needs nothing.
            "Subscribe" => assert!(answer.is_ok(), "{answer:?}"),
            _ => drop(refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed)),
        }
        let answer = anybody.first_answer(&larger).await;
        assert!(answer.is_err(), "{path}");
        refusal(answer, Code::ResourceExhausted, ErrorReason::LimitExceeded);
    }
}

#[tokio::test]
async fn a_large_text_in_a_small_method_is_too_large() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let request = wire::SubmitVersionRequest {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        notes: "x".repeat(5 * 1024 * 1024),
        request_id: request_id(),
        ..Default::default()
    };
    let answer = stage.tester.call(request).await;
    refusal(answer, Code::ResourceExhausted, ErrorReason::LimitExceeded);
    assert_eq!(stage.tester.get(&draft).await.unwrap(), draft);
}

#[tokio::test]
async fn a_large_but_good_message_is_taken() {
    let stage = Stage::samples().await;
    let large = "x".repeat(60_000);
    let inputs: Vec<_> =
        (0..200).map(|number| build::input(&format!("S-{number}"), &large)).collect();
    let draft = stage.tester.create(&stage.here, inputs).await.unwrap();
    assert_eq!(draft.counts.unwrap().total, 200);
    assert_eq!(stage.tester.decisions(&draft).await.len(), 200, "in pages that clients take");
}

#[tokio::test]
async fn a_message_nested_beyond_reason_is_none() {
    let stage = Stage::samples().await;
    let request = wire::CreateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        phase_data: Some(super::nested(200)),
        ..Default::default()
    };
    let answer = stage.tester.call(request).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["message"]);
    assert_eq!(stage.tester.versions(&stage.here).await, []);
}
