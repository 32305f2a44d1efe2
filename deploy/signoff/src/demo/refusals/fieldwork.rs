//! What must not work from Data Owner ID on.

use anyhow::Result;
use signoff_contract::audit::v1 as audit;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::Phase;
use tonic::Code;

use crate::demo::audit::File;
use crate::demo::data::accounts::LineOfBusiness;
use crate::demo::story::Story;

impl Story<'_> {
    /// A data owner submits a document for another one's lane.
    pub(in crate::demo) async fn try_another_lane(
        &mut self,
        test_case_ids: Vec<String>,
        file: File,
    ) -> Result<()> {
        let sam = &self.cast.sam;
        let answer = sam.audit_at(Phase::REQUEST_INFO).submit(file, test_case_ids, None).await;
        let tried = "tries to submit a document for Dora's lane";
        self.refused(sam, tried, answer, Code::PermissionDenied, ErrorReason::RoleMissing)
    }

    /// A data owner revises their document after the lane was handed over.
    pub(in crate::demo) async fn try_after_handing_over(
        &mut self,
        document: &audit::Document,
        file: File,
    ) -> Result<()> {
        let dora = &self.cast.dora;
        let answer = dora.audit_at(Phase::REQUEST_INFO).revise(document, file, "at last").await;
        let tried = "tries to revise it all the same";
        self.refused(dora, tried, answer, Code::PermissionDenied, ErrorReason::RoleMissing)
    }

    /// The tester tests a case that has no document, on another one's.
    pub(in crate::demo) async fn try_without_a_document(
        &mut self,
        test_case_id: &str,
        submission_id: &str,
    ) -> Result<()> {
        let tess = &self.cast.tess;
        let answer = tess.audit_at(Phase::TEST_EXECUTION).start(test_case_id, submission_id).await;
        let tried = "tries to test a case without a document";
        let reason = ErrorReason::EvidenceMissing;
        self.refused(tess, tried, answer, Code::FailedPrecondition, reason)
    }

    /// The tester puts somebody in charge before the samples are approved.
    pub(in crate::demo) async fn try_to_assign_too_early(&mut self) -> Result<()> {
        let (tess, dora) = (&self.cast.tess, &self.cast.dora);
        let lob_id = LineOfBusiness::ConsumerCards.lob_id().to_string();
        let answer = tess.audit_at(Phase::DATA_OWNER_ID).assign(dora, &lob_id, "at once").await;
        let tried = "tries to put Dora in charge before the samples are approved";
        let reason = ErrorReason::PhaseDependencyUnmet;
        self.refused(tess, tried, answer, Code::FailedPrecondition, reason)
    }

    /// The tester starts Finalize Test Report while failed tests have no observation.
    pub(in crate::demo) async fn try_to_finalize_too_early(&mut self) -> Result<()> {
        let tried = "tries to start Finalize Test Report while failed tests have no observation";
        self.try_to_finalize(tried).await
    }

    /// The same while the observations are not ruled on.
    pub(in crate::demo) async fn try_to_finalize_with_one_open(&mut self) -> Result<()> {
        let tried = "tries to start Finalize Test Report while observations are open";
        self.try_to_finalize(tried).await
    }

    /// The same while a test case is not tested.
    pub(in crate::demo) async fn try_to_finalize_untested(&mut self) -> Result<()> {
        let tried = "tries to start Finalize Test Report before the cases are tested";
        self.try_to_finalize(tried).await
    }

    async fn try_to_finalize(&mut self, tried: &'static str) -> Result<()> {
        let tess = &self.cast.tess;
        let answer = tess.start_phase(Phase::FINALIZE_TEST_REPORT).await;
        let reason = ErrorReason::PhaseDependencyUnmet;
        self.refused(tess, tried, answer, Code::FailedPrecondition, reason)
    }

    /// The test executive approves a report that nobody has signed.
    pub(in crate::demo) async fn try_to_approve_unsigned(
        &mut self,
        version_id: &str,
    ) -> Result<()> {
        let eve = &self.cast.eve;
        let answer = eve.at(Phase::FINALIZE_TEST_REPORT).approve(version_id, "final").await;
        let tried = "tries to approve the report before anybody has signed it";
        let reason = ErrorReason::SignOffsMissing;
        self.refused(eve, tried, answer, Code::FailedPrecondition, reason)
    }
}
