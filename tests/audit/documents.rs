//! Documents: submitted, revised, supplemented, reviewed; and nothing of it is ever lost.

use signoff_contract::audit::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::{Person, build};
use signoff_workflow::{Phase, Role};
use tonic::{Code, Status};
use uuid::Uuid;
use wire::{DocumentStatus, RevisionType, SubmissionType, TestCaseState};

use crate::common::{field, not_the_owner, unmet};

const LOB: Uuid = LOBS[0];
const OWNER: i64 = OWNERS[0];

pub(crate) async fn listed(
    lanes: &Lanes,
    filter: wire::ListDocumentsRequest,
) -> Vec<wire::Document> {
    let request = wire::ListDocumentsRequest { scope: lanes.whole(), ..filter };
    lanes.tester.call(request).await.unwrap().documents
}

pub(crate) async fn history(lanes: &Lanes, of: &wire::Document) -> Vec<wire::DocumentHistoryEntry> {
    let request = wire::GetDocumentHistoryRequest {
        scope: lanes.whole(),
        submission_id: of.submission_id.clone(),
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap().entries
}

/// Submits as something else than the first.
pub(crate) async fn submit(
    lanes: &Lanes,
    request: wire::SubmitDocumentRequest,
) -> Result<wire::Document, Status> {
    Ok(lanes.data_owner(OWNER).await.call(request).await?.document.unwrap())
}

fn supplement(lanes: &Lanes, of: &wire::Document) -> wire::SubmitDocumentRequest {
    wire::SubmitDocumentRequest {
        submission_type: SubmissionType::Supplemental.into(),
        supplements_submission_id: of.submission_id.clone(),
        file_name: "the other half.pdf".to_owned(),
        ..lanes.submit_request(&[])
    }
}

async fn review_by(
    person: &Person,
    lanes: &Lanes,
    of: &wire::Document,
    verdict: DocumentStatus,
) -> Result<wire::Document, Status> {
    let request = wire::ReviewDocumentRequest {
        scope: lanes.at(Phase::REQUEST_INFO),
        submission_id: of.submission_id.clone(),
        verdict: verdict.into(),
        notes: "looked at".to_owned(),
        request_id: request_id(),
        ..Default::default()
    };
    Ok(person.call(request).await?.document.unwrap())
}

#[tokio::test]
async fn one_document_is_evidence_of_many_test_cases() {
    let lanes = Lanes::planned(40).await;
    let cases = lanes.cases_of(LOB).await;
    let document = lanes.submit(OWNER, &cases).await.unwrap();
    assert_eq!((document.test_cases, document.document_version), (40, 1));
    assert_eq!((document.status(), document.is_current), (DocumentStatus::PendingReview, true));
    assert_eq!((&document.chain_id, document.submitted_by), (&document.submission_id, OWNER));
    for case in lanes.cases_of(LOB).await {
        assert_eq!(case.state(), TestCaseState::EvidenceSubmitted);
        assert_eq!(case.current_document_id, document.document_id);
        assert_eq!(case.current_submission_id, document.submission_id);
    }
    assert_eq!(lanes.lane(LOB).await.with_document, 40);
    let second = lanes.submit(OWNER, &cases[..2]).await;
    let told = unmet(second, ErrorReason::TestCaseState);
    assert_eq!(told.len(), 2);
    let expected = format!("has a document, {}: revise or supplement", document.submission_id);
    assert!(told.iter().all(|told| told.contains(&expected)), "{told:?}");
    lanes.expect_intact().await;
}

#[tokio::test]
async fn eight_revisions_are_all_readable_and_the_last_is_the_head() {
    let lanes = Lanes::planned(3).await;
    let cases = lanes.cases_of(LOB).await;
    let mut sent = vec![lanes.submit(OWNER, &cases).await.unwrap()];
    for content in 10..18 {
        sent.push(lanes.revise(OWNER, sent.last().unwrap(), content).await.unwrap());
    }
    let chain = sent[0].submission_id.clone();
    for (of, version) in sent.iter().zip(1..) {
        assert_eq!((of.document_version, &of.chain_id), (version, &chain));
        assert_eq!((of.is_current, of.test_cases), (true, 3));
        assert_eq!(of.document_id, sent[0].document_id);
    }
    for pair in sent.windows(2) {
        assert_eq!(pair[1].replaces_submission_id, pair[0].submission_id);
    }
    let filter = wire::ListDocumentsRequest { submission_id: chain, ..Default::default() };
    let kept = listed(&lanes, filter.clone()).await;
    let contents: Vec<u8> = kept.iter().map(|of| of.sha256[0]).collect();
    assert_eq!(contents, [7, 10, 11, 12, 13, 14, 15, 16, 17], "none was overwritten");
    assert_eq!(kept.iter().filter(|of| of.is_current).count(), 1);
    assert_eq!(kept[8], sent[8]);
    let current = wire::ListDocumentsRequest { current_only: true, ..filter };
    assert_eq!(listed(&lanes, current).await, [sent[8].clone()]);
    assert_eq!(lanes.case(&cases[2]).await.current_submission_id, sent[8].submission_id);

    let told = unmet(lanes.revise(OWNER, &sent[3], 99).await, ErrorReason::DocumentState);
    assert!(told[0].contains("a revision took its place"), "{told:?}");
    let on_an_old_one = submit(&lanes, supplement(&lanes, &sent[0])).await;
    unmet(on_an_old_one, ErrorReason::DocumentState);
    unmet(lanes.review(&sent[0], DocumentStatus::Accepted).await, ErrorReason::DocumentState);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_supplement_is_current_beside_what_it_supplements() {
    let lanes = Lanes::planned(2).await;
    let cases = lanes.cases_of(LOB).await;
    let main = lanes.submit(OWNER, &cases).await.unwrap();
    lanes.review(&main, DocumentStatus::Accepted).await.unwrap();
    let beside = submit(&lanes, supplement(&lanes, &main)).await.unwrap();
    assert_eq!(beside.submission_type(), SubmissionType::Supplemental);
    assert_eq!((beside.document_version, &beside.chain_id), (1, &beside.submission_id));
    assert_eq!(beside.supplements_submission_id, main.submission_id);
    assert_eq!(beside.test_cases, 2);
    let filter = wire::ListDocumentsRequest {
        submission_id: main.submission_id.clone(),
        current_only: true,
        ..Default::default()
    };
    assert_eq!(listed(&lanes, filter).await.len(), 2);
    let case = lanes.case(&cases[0]).await;
    assert_eq!(case.current_submission_id, main.submission_id, "the main one is the case's");
    assert_eq!(lanes.lane(LOB).await.accepted, 0, "the supplement is to be reviewed");

    let next = lanes.revise(OWNER, &beside, 9).await.unwrap();
    assert_eq!((next.document_version, &next.chain_id), (2, &beside.chain_id));
    assert_eq!(next.supplements_submission_id, main.submission_id);
    lanes.review(&next, DocumentStatus::Accepted).await.unwrap();
    assert_eq!(lanes.lane(LOB).await.accepted, 2);
    let elsewhere = wire::SubmitDocumentRequest {
        test_case_ids: vec![lanes.cases_of(LOBS[1]).await.remove(0).test_case_id],
        ..supplement(&lanes, &main)
    };
    unmet(submit(&lanes, elsewhere).await, ErrorReason::TestCaseState);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_revision_says_what_it_changed() {
    let lanes = Lanes::planned(1).await;
    let first = lanes.submit(OWNER, &lanes.cases_of(LOB).await).await.unwrap();
    let as_before = |of: &wire::Document| wire::ReviseDocumentRequest {
        file_name: of.file_name.clone(),
        size_bytes: of.size_bytes,
        sha256: of.sha256.clone(),
        document_metadata: of.document_metadata.clone(),
        ..lanes.revise_request(of, 0)
    };
    let owner = lanes.data_owner(OWNER).await;
    let described = wire::ReviseDocumentRequest {
        document_type: "ledger extract".to_owned(),
        document_metadata: Some(build::object("pages", "12")),
        ..as_before(&first)
    };
    let described = owner.call(described).await.unwrap().document.unwrap();
    let content = lanes.revise(OWNER, &described, 9).await.unwrap();
    lanes.review(&content, DocumentStatus::Rejected).await.unwrap();
    let again = owner.call(as_before(&content)).await.unwrap().document.unwrap();
    let (mine, other) = (Uuid::new_v4().to_string(), Uuid::new_v4());
    lanes.review(&again, DocumentStatus::RevisionRequested).await.unwrap();
    let last = wire::ReviseDocumentRequest { document_id: mine.clone(), ..as_before(&again) };
    let last = owner.call(last).await.unwrap().document.unwrap();
    assert_eq!((&last.document_id, last.document_type.as_str()), (&mine, "ledger extract"));
    assert_ne!(mine, other.to_string());

    let entries = history(&lanes, &again).await;
    let told: Vec<_> = entries.iter().map(|of| (of.revision_type(), &of.submission_id)).collect();
    let of = |document: &wire::Document| document.submission_id.clone();
    let ids = [&last, &again, &content, &described, &first].map(of);
    assert_eq!(
        told,
        [
            (RevisionType::Resubmission, &ids[0]),
            (RevisionType::Replaced, &ids[1]),
            (RevisionType::Review, &ids[1]),
            (RevisionType::Resubmission, &ids[1]),
            (RevisionType::Replaced, &ids[2]),
            (RevisionType::Review, &ids[2]),
            (RevisionType::ContentUpdate, &ids[2]),
            (RevisionType::Replaced, &ids[3]),
            (RevisionType::MetadataChange, &ids[3]),
            (RevisionType::Replaced, &ids[4]),
            (RevisionType::Submission, &ids[4]),
        ]
    );
    assert_eq!(entries[8].changed_fields, ["document_metadata", "document_type"]);
    let content = ["document_metadata", "file_name", "sha256", "size_bytes"];
    assert_eq!(entries[6].changed_fields, content);
    assert_eq!(entries[3].changed_fields, Vec::<String>::new(), "the same again");
    assert_eq!(entries[0].changed_fields, ["document_id"]);
    assert_eq!(entries[4].changed_fields, ["is_current"]);
    assert_eq!(entries[5].changed_fields, ["review_notes", "reviewed_at", "reviewed_by", "status"]);
    assert_eq!((entries[8].revised_by, entries[5].revised_by), (OWNER, 10));
    assert_eq!(entries[8].revision_reason, "the last page was missing");
    assert_eq!(entries[10].previous_state, None);
    let state = |n: usize| field(entries[n].new_state.as_ref(), "status").unwrap();
    assert_eq!((state(2).as_str(), state(5).as_str()), ("revision_requested", "rejected"));
    lanes.expect_intact().await;
}

#[tokio::test]
async fn whoever_submits_does_not_review_and_a_verdict_is_given_once() {
    let lanes = Lanes::planned(2).await;
    let cases = lanes.cases_of(LOB).await;
    // The tester is the lane's backup, too.
    let own = wire::AssignmentType::Backup;
    crate::common::assign(&lanes, crate::common::charge(&lanes, LOB, 10, own)).await.unwrap();
    let document = lanes.submit(10, &cases[..1]).await.unwrap();
    let both = lanes.person(10, &[Role::Tester, Role::TestLead]).await;
    let answer = review_by(&both, &lanes, &document, DocumentStatus::Accepted).await;
    let status = refusal(answer, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    assert_eq!(fields(&status), std::slice::from_ref(&document.submission_id));
    let ruled =
        review_by(&lanes.second, &lanes, &document, DocumentStatus::Accepted).await.unwrap();
    assert_eq!((ruled.reviewed_by, ruled.review_notes.as_str()), (11, "looked at"));
    assert!(ruled.reviewed_at.is_some());
    let again = review_by(&lanes.lead, &lanes, &document, DocumentStatus::Rejected).await;
    let told = unmet(again, ErrorReason::DocumentState);
    assert!(told[0].contains("was ruled on: it is accepted"), "{told:?}");
    assert_eq!(lanes.lane(LOB).await.accepted, 1);
}

#[tokio::test]
async fn what_was_not_accepted_is_no_evidence_until_it_is_revised() {
    for verdict in [DocumentStatus::Rejected, DocumentStatus::RevisionRequested] {
        let lanes = Lanes::planned(1).await;
        let cases = lanes.cases_of(LOB).await;
        let document = lanes.submit(OWNER, &cases).await.unwrap();
        lanes.review(&document, verdict).await.unwrap();
        assert_eq!(lanes.case(&cases[0]).await.state(), TestCaseState::AwaitingEvidence);
        let lane = lanes.lane(LOB).await;
        assert_eq!((lane.with_document, lane.awaiting_evidence), (0, 1));
        let revised = lanes.revise(OWNER, &document, 8).await.unwrap();
        assert_eq!(revised.status(), DocumentStatus::PendingReview);
        assert_eq!(lanes.case(&cases[0]).await.state(), TestCaseState::EvidenceSubmitted);
        lanes.expect_intact().await;
    }
}

#[tokio::test]
async fn a_revision_may_be_submitted_by_its_test_cases() {
    let lanes = Lanes::planned(3).await;
    let cases = lanes.cases_of(LOB).await;
    let one = lanes.submit(OWNER, &cases[..2]).await.unwrap();
    let revision = |cases: &[wire::TestCase]| wire::SubmitDocumentRequest {
        submission_type: SubmissionType::Revision.into(),
        revision_reason: "a page was missing".to_owned(),
        ..lanes.submit_request(cases)
    };
    let told = unmet(submit(&lanes, revision(&cases)).await, ErrorReason::EvidenceMissing);
    assert!(told[0].contains("has no document to revise: submit one"), "{told:?}");
    let other = lanes.submit(OWNER, &cases[2..]).await.unwrap();
    let answer = submit(&lanes, revision(&cases)).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["test_case_ids"]);

    let two = submit(&lanes, revision(&cases[..1])).await.unwrap();
    assert_eq!((two.document_version, two.test_cases), (2, 2));
    assert_eq!(two.replaces_submission_id, one.submission_id);
    let named = wire::SubmitDocumentRequest {
        replaces_submission_id: other.submission_id.clone(),
        ..revision(&[])
    };
    let named = submit(&lanes, named).await.unwrap();
    assert_eq!((named.document_version, named.revision_reason.as_str()), (2, "a page was missing"));
    let mixed = wire::SubmitDocumentRequest {
        replaces_submission_id: named.submission_id,
        ..revision(&cases[..1])
    };
    let told = unmet(submit(&lanes, mixed).await, ErrorReason::TestCaseState);
    assert!(told[0].starts_with(&cases[0].test_case_id), "{told:?}");
    not_the_owner(lanes.revise(OWNERS[1], &two, 8).await);
    lanes.expect_intact().await;
}

#[tokio::test]
async fn a_rejected_supplement_leaves_what_it_supplements_as_good_as_it_was() {
    let lanes = Lanes::planned(1).await;
    let cases = lanes.cases_of(LOB).await;
    let main = lanes.submit(OWNER, &cases).await.unwrap();
    lanes.review(&main, DocumentStatus::Accepted).await.unwrap();
    let beside = submit(&lanes, supplement(&lanes, &main)).await.unwrap();
    lanes.review(&beside, DocumentStatus::Rejected).await.unwrap();
    assert_eq!(lanes.lane(LOB).await.accepted, 1);
    unmet(lanes.start(&cases[0], &beside).await, ErrorReason::EvidenceMissing);
    lanes.start(&cases[0], &main).await.unwrap();
    lanes.expect_intact().await;
}
