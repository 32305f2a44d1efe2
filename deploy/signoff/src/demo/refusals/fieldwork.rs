//! What must not work from Data Owner ID on.

use anyhow::{Result, bail};
use signoff_contract::audit::v1 as audit;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::Phase;
use tonic::Code;

use super::Refusal;
use crate::demo::audit::File;
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

    /// The gateway opens Finalize Test Report while failed tests have no observation.
    pub(in crate::demo) async fn try_to_finalize_too_early(&mut self) -> Result<()> {
        let gateway = &self.cast.gateway;
        let tried = "tries to open Finalize Test Report while failed tests have no observation";
        let unmet = match gateway.try_to_open(Phase::FINALIZE_TEST_REPORT).await? {
            Ok(_opened) => bail!("{} {tried}, and nothing was missing", gateway.name),
            Err(unmet) => unmet,
        };
        let more = match unmet.len() {
            0 | 1 => String::new(),
            many => format!(" (and {} more)", many - 1),
        };
        let first = unmet.into_iter().next().map(|missing| missing.what).unwrap_or_default();
        // Not an error of the call: the seal is answered with what is missing.
        let refusal = Refusal {
            who: gateway.name,
            tried,
            code: "OK".to_owned(),
            reason: "UNMET".to_owned(),
            message: format!("{first}{more}"),
        };
        self.stage.refused(refusal.who, tried, &refusal.reason, &refusal.message);
        self.refusals.push(refusal);
        Ok(())
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
