//! Optimistic concurrency: a tag that is given must be the current one.

use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::Sent;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::calls::{own_methods, ready};
use crate::common::trail;

/// What takes a tag, by its own name.
const TAGGED: [&str; 6] = [
    "DeactivateDataOwner",
    "RecordResult",
    "RespondToAction",
    "ReviewDocument",
    "ReviseDocument",
    "TransferDataOwner",
];

#[test]
fn whatever_changes_something_that_exists_takes_a_tag() {
    let tagged = |path: &String| Sent { path: path.clone(), bytes: Vec::new() }.has("etag");
    let mut methods: Vec<String> = own_methods()
        .into_iter()
        .filter(tagged)
        .map(|path| path.rsplit('/').next().unwrap().to_owned())
        .collect();
    methods.sort();
    assert_eq!(methods, TAGGED);
}

#[tokio::test]
async fn a_stale_tag_is_refused_and_changes_nothing_and_the_current_one_passes() {
    for method in TAGGED {
        let ready = ready(method).await;
        let (sender, before) = (ready.sender().await, trail(&ready.lanes).await);
        for stale in ["0", "2", "*", "01", "1 "] {
            let answer = sender.send(&ready.sent.with("etag", stale)).await;
            assert!(answer.is_err(), "{method}: {stale}");
            let status = refusal(answer, Code::Aborted, ErrorReason::EtagMismatch);
            assert_eq!(fields(&status), ["etag"], "{method}");
            let info = status.get_details_error_info().unwrap();
            assert_eq!(info.metadata["current_etag"], "1", "{method}");
        }
        assert_eq!(trail(&ready.lanes).await, before, "{method}");
        let sent = ready.sent.with("etag", "1");
        sender.send(&sent).await.unwrap_or_else(|status| panic!("{method}: {status:?}"));
    }
}
