//! Request Info: documents.

use signoff_backend::Fault;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::{Change, expect_assigned, expect_found};
use crate::domain::document::{
    Content, Described, DocumentStatus, RevisionType, Submission, SubmissionType,
};
use crate::domain::error::{Error, Kind, Refused};
use crate::domain::test_case::{NO_LOB, TestCase, TestCaseState};
use crate::store::{assignments, cases, submissions};

/// As what a document is submitted.
#[derive(Clone, Debug)]
pub enum SubmitAs {
    /// The first for its test cases.
    Initial,
    /// In place of this one, or of the current one of the test cases, and why.
    Revision(Option<Uuid>, String),
    /// Beside this one.
    Supplemental(Uuid),
}

/// To submit a document.
#[derive(Clone, Debug)]
pub struct SubmitDocument {
    /// Of which it is evidence, in order.
    pub test_case_ids: Vec<Uuid>,
    /// As what.
    pub submit_as: SubmitAs,
    /// The document.
    pub document: Described,
}

/// To replace a submission.
#[derive(Clone, Debug)]
pub struct ReviseDocument {
    /// Which.
    pub submission_id: Uuid,
    /// What the caller read.
    pub etag: Option<String>,
    /// By what; with the id and type of the one before, if they are not given.
    pub document_id: Option<Uuid>,
    /// What it is.
    pub document_type: Option<String>,
    /// What is in it.
    pub content: Content,
    /// Why.
    pub reason: String,
}

/// To rule on a submission.
#[derive(Clone, Debug)]
pub struct ReviewDocument {
    /// Which.
    pub submission_id: Uuid,
    /// What the caller read.
    pub etag: Option<String>,
    /// How.
    pub verdict: DocumentStatus,
    /// Why.
    pub notes: Option<String>,
}

impl Change {
    /// Submits a document for test cases in the caller's own lanes.
    ///
    /// # Errors
    /// A lane has no owner or another one, test cases have a document, or the one that is replaced
    /// or supplemented is not current.
    pub async fn submit_document(&mut self, input: SubmitDocument) -> Result<Submission, Error> {
        let SubmitDocument { test_case_ids, submit_as, document } = input;
        match submit_as {
            SubmitAs::Initial => self.submit_initial(&test_case_ids, document).await,
            SubmitAs::Revision(replaced, reason) => {
                self.admit_owner().await?;
                let old = match replaced {
                    Some(id) => self.submission(id).await?,
                    None => self.head_of(&test_case_ids).await?,
                };
                self.expect_own_chain(old.main_chain_id).await?;
                self.expect_evidence_of(&old, &test_case_ids).await?;
                self.revise(old, document, reason).await
            }
            SubmitAs::Supplemental(id) => {
                self.admit_owner().await?;
                let of = self.submission(id).await?;
                self.expect_own_chain(of.main_chain_id).await?;
                self.expect_evidence_of(&of, &test_case_ids).await?;
                self.supplement(of, document).await
            }
        }
    }

    /// Replaces a current submission.
    ///
    /// # Errors
    /// It is not current, or not in the caller's lanes.
    pub async fn revise_document(&mut self, input: ReviseDocument) -> Result<Submission, Error> {
        self.admit_owner().await?;
        let old = self.submission(input.submission_id).await?;
        self.expect_own_chain(old.main_chain_id).await?;
        old.last.expect_etag(input.etag.as_deref())?;
        let document = Described {
            document_id: input.document_id.unwrap_or(old.document.document_id),
            document_type: input
                .document_type
                .unwrap_or_else(|| old.document.document_type.clone()),
            content: input.content,
        };
        self.revise(old, document, input.reason).await
    }

    /// Rules on a current submission.
    ///
    /// # Errors
    /// It is not current, was ruled on, or is the caller's own.
    pub async fn review_document(&mut self, input: ReviewDocument) -> Result<Submission, Error> {
        self.work.admit()?;
        let old = self.submission(input.submission_id).await?;
        old.last.expect_etag(input.etag.as_deref())?;
        let reviewer = self.work.actor().user_id;
        if old.submitted_by == reviewer {
            let what = "was submitted by you: somebody else reviews it";
            return Err(Error::SubmitterReviews(Violations::one(old.id.to_string(), what)));
        }
        old.expect_current()?;
        old.expect_pending()?;
        let notes = input.notes.as_deref();
        let mark = self.mark("reviewed", notes);
        submissions::review(self.conn(), mark, &old, input.verdict).await?;
        self.record("document.reviewed", old.id, notes).await?;
        let last = self.last(old.last.revision + 1, notes);
        Ok(Submission {
            status: input.verdict,
            reviewed_by: Some(reviewer),
            reviewed_at: Some(last.at),
            review_notes: input.notes,
            last,
            ..old
        })
    }

    async fn submit_initial(
        &mut self,
        ids: &[Uuid],
        document: Described,
    ) -> Result<Submission, Error> {
        let found = self.test_cases_there(ids).await?;
        // Of lanes that nobody owns, nobody can be told that they are somebody else's.
        let owned = |case: &TestCase| case.state != TestCaseState::Unassigned;
        if found.len() == ids.len() && !found.iter().any(owned) {
            expect_assigned(&found)?;
        }
        self.expect_business_here().await?;
        // Whose the lanes are is looked at before the phase: a stranger's wish does not start it.
        let lanes = found.iter().filter(|case| owned(case)).filter_map(|case| case.lob_id);
        self.expect_own(lanes).await?;
        self.work.admit()?;
        expect_found(ids, &found)?;
        expect_assigned(&found)?;
        let mut taken = Violations::default();
        for case in &found {
            if let Some((current, _)) = case.current {
                let what = format!("has a document, {current}: revise or supplement that");
                taken.add(case.id.to_string(), what);
            }
        }
        if !taken.is_empty() {
            return Err(Error::Refused { refused: Refused::TestCaseState, of: taken });
        }
        let id = Uuid::now_v7();
        let new = Submission {
            id,
            chain_id: id,
            main_chain_id: id,
            supplements_submission_id: None,
            evidence_no: 1,
            document_version: 1,
            submission_type: SubmissionType::Initial,
            test_cases: i32::try_from(ids.len()).unwrap_or(i32::MAX),
            submitted_by: self.work.actor().user_id,
            submitted_at: self.work.now(),
            revision_type: RevisionType::Submission,
            revision_reason: None,
            replaces_submission_id: None,
            is_current: true,
            status: DocumentStatus::PendingReview,
            reviewed_by: None,
            reviewed_at: None,
            review_notes: None,
            last: self.last(1, None),
            document,
        };
        let mark = self.mark("submitted", None);
        submissions::insert_first(self.conn(), mark, &new, ids).await?;
        self.record("document.submitted", id, None).await?;
        Ok(new)
    }

    /// Adds to a submission, whose lanes are the caller's.
    async fn supplement(
        &mut self,
        of: Submission,
        document: Described,
    ) -> Result<Submission, Error> {
        of.expect_current()?;
        let id = Uuid::now_v7();
        let new = Submission {
            id,
            chain_id: id,
            supplements_submission_id: Some(of.id),
            document_version: 1,
            submission_type: SubmissionType::Supplemental,
            revision_type: RevisionType::Submission,
            revision_reason: None,
            replaces_submission_id: None,
            ..self.next_evidence(&of, document, None).await?
        };
        let mark = self.mark("submitted", None);
        submissions::insert(self.conn(), mark, &new).await?;
        self.follow_new_evidence(&new, "document.supplemented").await?;
        Ok(new)
    }

    /// Takes the place of a submission, whose lanes are the caller's.
    async fn revise(
        &mut self,
        old: Submission,
        document: Described,
        reason: String,
    ) -> Result<Submission, Error> {
        old.expect_current()?;
        let revision_type = old.revision_by(&document);
        let new = Submission {
            id: Uuid::now_v7(),
            document_version: old.document_version + 1,
            submission_type: SubmissionType::Revision,
            revision_type,
            revision_reason: Some(reason.clone()),
            replaces_submission_id: Some(old.id),
            ..self.next_evidence(&old, document, Some(&reason)).await?
        };
        let mark = self.mark("replaced", Some(&reason));
        submissions::replace(self.conn(), mark, old.id).await?;
        let mark = self.mark("revised", Some(&reason));
        submissions::insert(self.conn(), mark, &new).await?;
        self.follow_new_evidence(&new, "document.revised").await?;
        Ok(new)
    }

    /// A submission in the same main chain as another one, as its next evidence.
    async fn next_evidence(
        &mut self,
        before: &Submission,
        document: Described,
        reason: Option<&str>,
    ) -> Result<Submission, Error> {
        let (workflow, chain) = (self.workflow(), before.main_chain_id);
        let latest = submissions::latest_evidence(self.conn(), workflow, chain).await?;
        Ok(Submission {
            evidence_no: latest + 1,
            document,
            submitted_by: self.work.actor().user_id,
            submitted_at: self.work.now(),
            is_current: true,
            status: DocumentStatus::PendingReview,
            reviewed_by: None,
            reviewed_at: None,
            review_notes: None,
            last: self.last(1, reason),
            ..before.clone()
        })
    }

    /// What was tested before is stale now; and the record.
    async fn follow_new_evidence(
        &mut self,
        new: &Submission,
        action: &'static str,
    ) -> Result<(), Error> {
        let workflow = self.workflow();
        cases::follow_evidence(self.conn(), workflow, new.main_chain_id).await?;
        self.record(action, new.id, new.revision_reason.as_deref()).await
    }

    /// The submission that a command names.
    pub(super) async fn submission(&mut self, id: Uuid) -> Result<Submission, Error> {
        let workflow = self.workflow();
        let found = submissions::by_id(self.conn(), workflow, id).await?;
        found.ok_or_else(|| Error::not_found(Kind::Submission, id))
    }

    /// The current submission of the one document that test cases have.
    async fn head_of(&mut self, ids: &[Uuid]) -> Result<Submission, Error> {
        let found = self.test_cases(ids).await?;
        let mut without = Violations::default();
        let mut chains: Vec<Uuid> = found.iter().filter_map(|case| case.chain_id).collect();
        for case in found.iter().filter(|case| case.chain_id.is_none()) {
            without.add(case.id.to_string(), "has no document to revise: submit one");
        }
        if !without.is_empty() {
            return Err(Error::Refused { refused: Refused::EvidenceMissing, of: without });
        }
        chains.sort_unstable();
        chains.dedup();
        let [chain] = chains.as_slice() else {
            let what = "have not one and the same document: name the submission that is replaced";
            return Err(Fault::Invalid(Violations::one("test_case_ids", what)).into());
        };
        let workflow = self.workflow();
        let head = submissions::head(self.conn(), workflow, *chain).await?;
        head.ok_or_else(|| Fault::Internal(format!("chain {chain} has no head")).into())
    }

    /// # Errors
    /// A submission is no evidence of some of these test cases.
    async fn expect_evidence_of(&mut self, of: &Submission, ids: &[Uuid]) -> Result<(), Error> {
        let workflow = self.workflow();
        let others = cases::not_of_chain(self.conn(), workflow, of.main_chain_id, ids).await?;
        if others.is_empty() {
            return Ok(());
        }
        let mut named = Violations::default();
        let what = format!("is no test case that submission {} is evidence of", of.id);
        others.iter().for_each(|id| named.add(id.to_string(), what.clone()));
        Err(Error::Refused { refused: Refused::TestCaseState, of: named })
    }

    /// # Errors
    /// The caller owns not all lanes of a chain's test cases, or some of them have no primary owner.
    async fn expect_own_chain(&mut self, chain_id: Uuid) -> Result<(), Error> {
        let (workflow, now) = (self.workflow(), self.work.now());
        let lanes = cases::lobs_of_chain(self.conn(), workflow, chain_id, false).await?;
        if lanes.contains(&Uuid::nil()) {
            return Err(Error::refused(Refused::OwnerMissing, chain_id, NO_LOB));
        }
        if lanes.is_empty() {
            let what = "is evidence of withdrawn test cases only";
            return Err(Error::refused(Refused::TestCaseState, chain_id, what));
        }
        self.expect_own(lanes.iter().copied()).await?;
        let mut missing = Violations::default();
        for lane in assignments::unowned(self.conn(), workflow, &lanes, now).await? {
            missing.add(lane.to_string(), "has no primary data owner now: assign one");
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::Refused { refused: Refused::OwnerMissing, of: missing })
    }
}
