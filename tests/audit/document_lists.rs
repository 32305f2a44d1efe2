//! Which documents are listed for whom, and how long their texts may be.

use prost_types::Struct;
use signoff_contract::audit::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::build;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::refusal;
use signoff_workflow::Phase;
use tonic::Code;
use uuid::Uuid;
use wire::DocumentStatus;

use crate::common::not_the_owner;
use crate::documents::{history, listed, submit};

const LOB: Uuid = LOBS[0];
const OWNER: i64 = OWNERS[0];

#[tokio::test]
async fn documents_are_listed_by_what_they_are_about() {
    let lanes = Lanes::planned(2).await;
    let mine = lanes.cases_of(LOB).await;
    let one = lanes.submit(OWNER, &mine[..1]).await.unwrap();
    let two = lanes.submit(OWNER, &mine[1..]).await.unwrap();
    let other = lanes.submit(OWNERS[1], &lanes.cases_of(LOBS[1]).await).await.unwrap();
    lanes.review(&two, DocumentStatus::Rejected).await.unwrap();
    let next = lanes.revise(OWNER, &two, 9).await.unwrap();
    let ids = async |filter: wire::ListDocumentsRequest| {
        let found = listed(&lanes, filter).await;
        found.into_iter().map(|of| of.submission_id).collect::<Vec<_>>()
    };
    let [a, b, c, d] = [&one, &two, &other, &next].map(|of| of.submission_id.clone());
    type List = wire::ListDocumentsRequest;
    let all = [a.clone(), b.clone(), c.clone(), d.clone()];
    assert_eq!(ids(List::default()).await, all);
    let of_case = List { test_case_id: mine[1].test_case_id.clone(), ..List::default() };
    assert_eq!(ids(of_case).await, [b.clone(), d.clone()]);
    let of_chain = List { submission_id: d.clone(), ..List::default() };
    assert_eq!(ids(of_chain).await, [b.clone(), d.clone()]);
    let of_document = List { document_id: two.document_id.clone(), ..List::default() };
    assert_eq!(ids(of_document).await, [b.clone(), d.clone()]);
    let of_lane = List { lob_id: LOBS[1].to_string(), ..List::default() };
    assert_eq!(ids(of_lane).await, std::slice::from_ref(&c));
    let rejected = List { statuses: vec![DocumentStatus::Rejected.into()], ..List::default() };
    assert_eq!(ids(rejected).await, [b]);
    assert_eq!(ids(List { current_only: true, ..List::default() }).await, [a, c, d]);
    let nowhere = List { submission_id: Uuid::now_v7().to_string(), ..List::default() };
    let answer = lanes.tester.call(List { scope: lanes.whole(), ..nowhere }).await;
    refusal(answer, Code::NotFound, ErrorReason::NotFound);
}

#[tokio::test]
async fn the_longest_texts_of_a_document_fit_into_its_records() {
    let lanes = Lanes::planned(1).await;
    let (long, name) = ("😀".repeat(4_000), "😀".repeat(255));
    let metadata = || Some(build::object("k", &"x".repeat(8 * 1024 - r#"{"k":""}"#.len())));
    let first = wire::SubmitDocumentRequest {
        document_type: name.clone(),
        file_name: name.clone(),
        document_metadata: metadata(),
        ..lanes.submit_request(&lanes.cases_of(LOB).await)
    };
    let first = submit(&lanes, first).await.unwrap();
    let revision = wire::ReviseDocumentRequest {
        file_name: name,
        document_metadata: metadata(),
        revision_reason: long.clone(),
        ..lanes.revise_request(&first, 8)
    };
    let revised = lanes.data_owner(OWNER).await.call(revision).await.unwrap().document.unwrap();
    let review = wire::ReviewDocumentRequest {
        scope: lanes.at(Phase::REQUEST_INFO),
        submission_id: revised.submission_id.clone(),
        verdict: DocumentStatus::Rejected.into(),
        notes: long,
        request_id: request_id(),
        ..Default::default()
    };
    lanes.tester.call(review).await.unwrap();
    lanes.expect_intact().await;
    assert_ne!(first.document_metadata, Some(Struct::default()));
}

#[tokio::test]
async fn the_documents_of_withdrawn_cases_stay_readable_for_their_owner() {
    let mut lanes = Lanes::planned(1).await;
    let document = lanes.submit(OWNER, &lanes.cases_of(LOB).await).await.unwrap();
    lanes.versions[0] = Uuid::now_v7();
    lanes.plan(&Lanes::cases(1)[1..]).await.unwrap();
    let (scope, submission_id) = (lanes.whole(), document.submission_id.clone());
    let list = wire::ListDocumentsRequest { scope: scope.clone(), ..Default::default() };
    let request = wire::GetDocumentHistoryRequest { scope, submission_id, ..Default::default() };
    let owner = lanes.data_owner(OWNER).await;
    let seen = owner.call(list.clone()).await.unwrap().documents;
    assert_eq!(seen, std::slice::from_ref(&document));
    let told = owner.call(request.clone()).await.unwrap().entries;
    assert_eq!(told, history(&lanes, &document).await);
    let other = lanes.data_owner(OWNERS[1]).await;
    assert_eq!(other.call(list).await.unwrap().documents, []);
    not_the_owner(other.call(request).await);
}
