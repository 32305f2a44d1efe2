//! The same request again gives the first answer, and is done once.

use prost_reflect::Value;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::Sent;
use signoff_tests::{Stage, build};
use signoff_workflow::Role;
use tonic::Code;

use crate::changes::{CHANGES, ready};

/// The same request with another content.
fn otherwise(sent: &Sent) -> Sent {
    match sent.method() {
        "BeginOpen" => sent.with_value("reaffirm", Value::Bool(true)),
        "Fence" | "Open" | "Seal" => sent.with_value("attempt", Value::I64(9)),
        "ReleaseSeal" => sent.with_value("up_to_attempt", Value::I64(9)),
        "BeginReopen" | "CloseWorkflow" => sent.with("reason", "other"),
        "FinishReopen" | "MarkStale" => sent.with_value("reopening", Value::I64(9)),
        "CreateVersion" => sent.with("notes", "other"),
        _ => sent.with("etag", "1.99"),
    }
}

#[tokio::test]
async fn the_same_request_gives_the_same_answer_and_is_done_once() {
    for method in CHANGES {
        let ready = ready(method).await;
        let (sender, stage) = (ready.sender(), &ready.stage);
        let first = sender.send(&ready.sent).await.unwrap_or_else(|e| panic!("{method}: {e:?}"));
        let trail = stage.tester.trail_of(stage.workflow).await;
        let versions = stage.tester.versions(&stage.here).await;
        for _ in 0..2 {
            let again = sender.send(&ready.sent).await.unwrap();
            assert_eq!(again, first, "{method}");
        }
        assert_eq!(stage.tester.trail_of(stage.workflow).await, trail, "{method}");
        assert_eq!(stage.tester.versions(&stage.here).await, versions, "{method}");
    }
}

#[tokio::test]
async fn the_same_id_with_another_content_or_caller_is_refused() {
    for method in CHANGES {
        let ready = ready(method).await;
        let (sender, stage) = (ready.sender(), &ready.stage);
        sender.send(&ready.sent).await.unwrap();
        let trail = stage.tester.trail_of(stage.workflow).await;
        let somebody_else = stage.person(77, &[ready.by.1]);
        for answer in
            [sender.send(&otherwise(&ready.sent)).await, somebody_else.send(&ready.sent).await]
        {
            let status = refusal(answer, Code::InvalidArgument, ErrorReason::RequestIdReused);
            assert_eq!(fields(&status), ["request_id"], "{method}");
        }
        assert_eq!(stage.tester.trail_of(stage.workflow).await, trail, "{method}");
    }
}

#[tokio::test]
async fn every_change_needs_an_id_that_is_a_uuid() {
    for method in CHANGES {
        let ready = ready(method).await;
        let stage = &ready.stage;
        let trail = stage.tester.trail_of(stage.workflow).await.len();
        let nil = "00000000-0000-0000-0000-000000000000";
        for wrong in ["", "1", "018f4d2e7c1a7b3e9a550c6a2f1e4b77", nil] {
            let answer = ready.sender().send(&ready.sent.with("request_id", wrong)).await;
            let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
            assert_eq!(fields(&status), ["request_id"], "{method}: {wrong:?}");
        }
        assert_eq!(stage.tester.trail_of(stage.workflow).await.len(), trail, "{method}");
        ready.sender().send(&ready.sent).await.unwrap();
    }
}

#[tokio::test]
async fn the_same_id_for_another_method_is_refused_even_if_the_bytes_are_the_same() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let submit = Sent::of(&wire::SubmitVersionRequest {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        request_id: request_id(),
        ..Default::default()
    });
    stage.tester.send(&submit).await.unwrap();
    let withdraw = Sent { path: submit.path.replace("Submit", "Withdraw"), ..submit };
    let answer = stage.tester.send(&withdraw).await;
    refusal(answer, Code::InvalidArgument, ErrorReason::RequestIdReused);
}

#[tokio::test]
async fn a_refused_request_is_not_remembered() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let mut request = wire::AddDecisionsRequest {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        decisions: build::inputs(0..1),
        request_id: request_id(),
        ..Default::default()
    };
    let refused = stage.tester.call(request.clone()).await;
    refusal(refused, Code::AlreadyExists, ErrorReason::ItemExists);
    request.decisions = build::inputs(1..2);
    let added = stage.tester.call(request).await.unwrap().version.unwrap();
    assert_eq!(added.counts.unwrap().total, 2);
}

#[tokio::test]
async fn a_late_repetition_gives_the_first_answer_and_leaves_what_happened_since() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let submit = wire::SubmitVersionRequest {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        request_id: request_id(),
        ..Default::default()
    };
    let first = stage.tester.call(submit.clone()).await.unwrap();
    let withdrawn = stage.tester.withdraw(&draft).await.unwrap();
    assert_eq!(stage.tester.call(submit).await.unwrap(), first);
    assert_eq!(stage.tester.get(&draft).await.unwrap(), withdrawn);
}

#[tokio::test]
async fn who_may_not_make_a_change_does_not_get_its_answer() {
    let ready = ready("SubmitVersion").await;
    ready.sender().send(&ready.sent).await.unwrap();
    let without_the_role = ready.stage.person(ready.by.0, &[Role::Auditor]);
    let answer = without_the_role.send(&ready.sent).await;
    refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
}

#[tokio::test]
async fn an_id_belongs_to_its_workflow() {
    let (one, other) = (Stage::samples().await, Stage::samples().await);
    let request = |stage: &Stage, request_id: &str| wire::CreateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id.to_owned(),
        decisions: build::inputs(0..1),
        ..Default::default()
    };
    let id = request_id();
    let first = one.tester.call(request(&one, &id)).await.unwrap().version.unwrap();
    let second = other.tester.call(request(&other, &id)).await.unwrap().version.unwrap();
    assert_ne!(first.version_id, second.version_id);
}

#[tokio::test]
async fn the_order_of_free_form_fields_does_not_make_another_content() {
    let stage = Stage::samples().await;
    let (scope, request_id) = (Some(stage.here.clone()), request_id());
    let fields = |order: &[u32]| prost_types::Struct {
        fields: order
            .iter()
            .map(|n| {
                (
                    format!("field {n}"),
                    prost_types::Value {
                        kind: Some(prost_types::value::Kind::NumberValue(f64::from(*n))),
                    },
                )
            })
            .collect(),
    };
    let mut request = wire::CreateVersionRequest {
        scope,
        request_id,
        phase_data: Some(fields(&[1, 2, 3, 4, 5])),
        ..Default::default()
    };
    let first = stage.tester.call(request.clone()).await.unwrap();
    request.phase_data = Some(fields(&[5, 3, 1, 2, 4]));
    assert_eq!(stage.tester.call(request).await.unwrap(), first);
}
