//! Documents that data owners submit, by reference (seed 002, part F).

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::LastChange;
use super::error::{Error, Refused};
use super::words::words;

words! {
    /// What a submission is in its chain.
    SubmissionType, "submission type":
    /// The first for its test cases.
    Initial = "initial",
    /// Replaces another one.
    Revision = "revision",
    /// Current beside the one that it supplements.
    Supplemental = "supplemental",
}

words! {
    /// What the reviewer says of it.
    DocumentStatus, "document status":
    /// Nothing yet.
    PendingReview = "pending_review",
    /// It will do.
    Accepted = "accepted",
    /// It will not do.
    Rejected = "rejected",
    /// It will do when it is revised.
    RevisionRequested = "revision_requested",
}

words! {
    /// What a submission changed.
    RevisionType, "revision type":
    /// It is the first of its chain.
    Submission = "submission",
    /// Other content than before.
    ContentUpdate = "content_update",
    /// The same content, otherwise described.
    MetadataChange = "metadata_change",
    /// Handed in again after the reviewer did not accept it.
    Resubmission = "resubmission",
}

/// A document, as whoever submits it describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// In whatever store it lies.
    pub document_id: Uuid,
    /// What it is.
    pub document_type: String,
    /// What is in it.
    pub content: Content,
}

/// What is in a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Its name.
    pub file_name: String,
    /// Its media type (RFC 6838).
    pub media_type: String,
    /// How long it is.
    pub size_bytes: i64,
    /// Of its content.
    pub sha256: [u8; 32],
    /// Whatever else is known of it.
    pub document_metadata: Option<Value>,
}

/// A submission of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// Its id.
    pub id: Uuid,
    /// The submission that begins its chain.
    pub chain_id: Uuid,
    /// The chain that test cases refer to: this one, or the one that it supplements.
    pub main_chain_id: Uuid,
    /// The submission that the chain supplements.
    pub supplements_submission_id: Option<Uuid>,
    /// 1, 2, 3 … of all that is evidence of the same test cases.
    pub evidence_no: i32,
    /// 1, 2, 3 … in its chain.
    pub document_version: i32,
    /// What it is in its chain.
    pub submission_type: SubmissionType,
    /// The document.
    pub document: Described,
    /// How many test cases it is evidence of.
    pub test_cases: i32,
    /// By whom.
    pub submitted_by: i64,
    /// When.
    pub submitted_at: DateTime<Utc>,
    /// What it changed.
    pub revision_type: RevisionType,
    /// Why, if it replaces another one.
    pub revision_reason: Option<String>,
    /// The one that it replaces.
    pub replaces_submission_id: Option<Uuid>,
    /// Whether it is its chain's head.
    pub is_current: bool,
    /// What the reviewer says.
    pub status: DocumentStatus,
    /// Who that is.
    pub reviewed_by: Option<i64>,
    /// When they said it.
    pub reviewed_at: Option<DateTime<Utc>>,
    /// In which words.
    pub review_notes: Option<String>,
    /// Its last change.
    pub last: LastChange,
}

impl Submission {
    /// # Errors
    /// Another one took its place.
    pub fn expect_current(&self) -> Result<(), Error> {
        if self.is_current {
            return Ok(());
        }
        let what = "is not current any more: a revision took its place";
        Err(Error::refused(Refused::DocumentState, self.id, what))
    }

    /// # Errors
    /// It was ruled on.
    pub fn expect_pending(&self) -> Result<(), Error> {
        if self.status == DocumentStatus::PendingReview {
            return Ok(());
        }
        let what = format!("was ruled on: it is {}", self.status.name());
        Err(Error::refused(Refused::DocumentState, self.id, what))
    }

    /// Whether cases can be tested on it.
    pub fn is_usable(&self) -> bool {
        self.is_current
            && matches!(self.status, DocumentStatus::PendingReview | DocumentStatus::Accepted)
    }

    /// What a document changes that takes its place.
    pub fn revision_by(&self, document: &Described) -> RevisionType {
        match self.status {
            DocumentStatus::Rejected | DocumentStatus::RevisionRequested => {
                RevisionType::Resubmission
            }
            DocumentStatus::PendingReview | DocumentStatus::Accepted => {
                if document.content.sha256 == self.document.content.sha256 {
                    RevisionType::MetadataChange
                } else {
                    RevisionType::ContentUpdate
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [DocumentStatus; 4] = [
        DocumentStatus::PendingReview,
        DocumentStatus::Accepted,
        DocumentStatus::Rejected,
        DocumentStatus::RevisionRequested,
    ];

    fn described(sha256: [u8; 32]) -> Described {
        let content = Content {
            file_name: "ledger.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            size_bytes: 9,
            sha256,
            document_metadata: None,
        };
        Described { document_id: Uuid::nil(), document_type: "ledger".to_owned(), content }
    }

    fn submission(is_current: bool, status: DocumentStatus) -> Submission {
        let id = Uuid::from_u128(3);
        Submission {
            id,
            chain_id: id,
            main_chain_id: id,
            supplements_submission_id: None,
            evidence_no: 1,
            document_version: 1,
            submission_type: SubmissionType::Initial,
            document: described([1; 32]),
            test_cases: 1,
            submitted_by: 1,
            submitted_at: DateTime::UNIX_EPOCH,
            revision_type: RevisionType::Submission,
            revision_reason: None,
            replaces_submission_id: None,
            is_current,
            status,
            reviewed_by: None,
            reviewed_at: None,
            review_notes: None,
            last: LastChange { revision: 1, by: 1, at: DateTime::UNIX_EPOCH, reason: None },
        }
    }

    /// What is said of the submission that is refused.
    fn refusal(answer: Result<(), Error>) -> String {
        let Err(Error::Refused { refused: Refused::DocumentState, of }) = answer else {
            panic!("must be refused: {answer:?}")
        };
        assert_eq!(of.named()[0].field, Uuid::from_u128(3).to_string());
        of.named()[0].description.clone()
    }

    #[test]
    fn nothing_is_done_to_a_submission_whose_place_is_taken() {
        for status in STATUSES {
            assert!(submission(true, status).expect_current().is_ok());
            let why = refusal(submission(false, status).expect_current());
            assert!(why.contains("a revision took its place"), "{why}");
        }
    }

    #[test]
    fn a_submission_is_ruled_on_once() {
        assert!(submission(true, DocumentStatus::PendingReview).expect_pending().is_ok());
        for status in &STATUSES[1..] {
            let why = refusal(submission(true, *status).expect_pending());
            assert!(why.ends_with(status.name()), "it says the ruling: {why}");
        }
    }

    #[test]
    fn cases_are_tested_on_a_current_document_that_nobody_refused() {
        let usable = |is_current| STATUSES.map(|status| submission(is_current, status).is_usable());
        assert_eq!(usable(true), [true, true, false, false]);
        assert_eq!(usable(false), [false; 4]);
    }

    #[test]
    fn a_revision_says_whether_the_content_is_another() {
        let (same, other) = (described([1; 32]), described([2; 32]));
        // Another name for the same content is no other content.
        let mut renamed = same.clone();
        renamed.content.file_name = "general ledger.pdf".to_owned();
        for status in [DocumentStatus::PendingReview, DocumentStatus::Accepted] {
            let old = submission(true, status);
            assert_eq!(old.revision_by(&same), RevisionType::MetadataChange);
            assert_eq!(old.revision_by(&renamed), RevisionType::MetadataChange);
            assert_eq!(old.revision_by(&other), RevisionType::ContentUpdate);
        }
    }

    #[test]
    fn what_replaces_a_refused_document_is_handed_in_again() {
        for status in [DocumentStatus::Rejected, DocumentStatus::RevisionRequested] {
            for sha256 in [[1; 32], [2; 32]] {
                let revision = submission(true, status).revision_by(&described(sha256));
                assert_eq!(revision, RevisionType::Resubmission);
            }
        }
    }
}
