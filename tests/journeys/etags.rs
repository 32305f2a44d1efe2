//! Optimistic concurrency: a tag that is given must be the current one.

use signoff_contract::versioning::v1::Version;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::Stage;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::methods_with;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::changes::{BESIDE, ready};

fn methods() -> Vec<String> {
    let paths = methods_with("etag");
    paths.iter().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

/// The current tag of what a method changes: mostly the version, else a sign-off that was just asked
/// for, or a remedy that nobody spoke of yet.
fn tag(method: &str, version: &Version) -> String {
    match method {
        "Decline" | "Delegate" | "Sign" => "1".to_owned(),
        "UpdateRemediation" => "0".to_owned(),
        _ => version.etag.clone(),
    }
}

#[test]
fn whatever_changes_something_that_exists_takes_an_etag() {
    assert_eq!(
        methods(),
        [
            "Decline",
            "Delegate",
            "RequestSignOffs",
            "Sign",
            "AddDecisions",
            "ApproveVersion",
            "AttachFinalDocument",
            "ConfirmModifications",
            "DeleteVersion",
            "RejectVersion",
            "RemoveDecisions",
            "ReviewDecisions",
            "ReviseVersion",
            "SubmitVersion",
            "UpdateDecision",
            "UpdateRemediation",
            "UpdateVersion",
            "WithdrawVersion",
        ]
    );
}

#[tokio::test]
async fn a_stale_tag_is_refused_and_changes_nothing() {
    for method in methods() {
        let ready = ready(&method).await;
        let version = ready.version.clone().unwrap();
        let current = tag(&method, &version);
        for stale in ["1.0", "2.1", "*", &format!("{current} ")] {
            let answer = ready.sender().send(&ready.sent.with("etag", stale)).await;
            let status = refusal(answer, Code::Aborted, ErrorReason::EtagMismatch);
            assert_eq!(fields(&status), ["etag"], "{method}");
            let info = status.get_details_error_info().unwrap();
            assert_eq!(info.metadata["current_etag"], current, "{method}");
        }
        assert_eq!(ready.stage.tester.get(&version).await.unwrap(), version, "{method}");
    }
}

#[tokio::test]
async fn the_current_tag_passes_and_is_another_one_afterwards() {
    for method in methods() {
        let ready = ready(&method).await;
        let version = ready.version.clone().unwrap();
        let sent = ready.sent.with("etag", &tag(&method, &version));
        ready.sender().send(&sent).await.unwrap_or_else(|e| panic!("{method}: {e:?}"));
        let after = ready.stage.tester.get(&version).await.unwrap();
        let expected_to_change = method != "ReviseVersion" && !BESIDE.contains(&method.as_str());
        assert_eq!(after.etag != version.etag, expected_to_change, "{method}");
    }
}

#[tokio::test]
async fn of_two_people_who_read_the_same_the_second_is_told() {
    let stage = Stage::samples().await;
    let read = stage.draft(1).await;
    let submit = |etag: &str| signoff_contract::versioning::v1::SubmitVersionRequest {
        scope: read.scope.clone(),
        version_id: read.version_id.clone(),
        etag: etag.to_owned(),
        request_id: signoff_tests::people::request_id(),
        ..Default::default()
    };
    let added = stage.lead.add(&read, signoff_tests::build::inputs(4..5)).await.unwrap();
    let answer = stage.tester.call(submit(&read.etag)).await;
    refusal(answer, Code::Aborted, ErrorReason::EtagMismatch);
    stage.tester.call(submit(&added.version.unwrap().etag)).await.unwrap();
}

#[tokio::test]
async fn the_tag_of_an_approved_version_changes_when_it_is_superseded() {
    let stage = Stage::samples().await;
    let first = stage.approved(1).await;
    let second = stage.next(vec![]).await;
    assert_ne!(stage.tester.get(&first).await.unwrap().etag, first.etag);
    assert_eq!(stage.tester.get(&second).await.unwrap().etag, second.etag);
}
