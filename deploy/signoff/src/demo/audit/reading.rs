//! What somebody reads of the audit service. Lists come in pages; these methods walk them to the
//! end.

use signoff_contract::audit::v1 as wire;
use signoff_contract::versioning::v1::GetPhaseStatusRequest;
use signoff_contract::workflow::v1 as shared;
use tonic::Status;

use super::AuditDesk;
use crate::demo::desk::held;

/// How much of a list a page holds.
const PAGE: i32 = 500;

impl AuditDesk {
    /// Where the phase stands.
    pub(crate) async fn status(&mut self) -> Result<shared::PhaseStatus, Status> {
        let request = GetPhaseStatusRequest { scope: Some(self.scope.clone()) };
        held(self.phases.get_phase_status(request).await?.into_inner().phase_status)
    }

    /// Every test case, or those of a lane.
    pub(crate) async fn test_cases(&mut self, lob_id: &str) -> Result<Vec<wire::TestCase>, Status> {
        let mut request = wire::ListTestCasesRequest {
            scope: Some(self.scope.clone()),
            lob_id: lob_id.to_owned(),
            page_size: PAGE,
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.cases.list_test_cases(request.clone()).await?.into_inner();
            found.extend(page.test_cases);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Every lane.
    pub(crate) async fn lanes(&mut self) -> Result<Vec<wire::Lane>, Status> {
        let mut request = wire::ListLanesRequest {
            scope: Some(self.scope.clone()),
            page_size: PAGE,
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.cases.list_lanes(request.clone()).await?.into_inner();
            found.extend(page.lanes);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Every document, in the order in which they were submitted.
    pub(crate) async fn documents(&mut self) -> Result<Vec<wire::Document>, Status> {
        let mut request = wire::ListDocumentsRequest {
            scope: Some(self.scope.clone()),
            page_size: PAGE,
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.documents.list_documents(request.clone()).await?.into_inner();
            found.extend(page.documents);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Every execution in a lane.
    pub(crate) async fn executions(
        &mut self,
        lob_id: &str,
    ) -> Result<Vec<wire::Execution>, Status> {
        let mut request = wire::ListExecutionsRequest {
            scope: Some(self.scope.clone()),
            lob_id: lob_id.to_owned(),
            page_size: PAGE,
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.executions.list_executions(request.clone()).await?.into_inner();
            found.extend(page.executions);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Every request for action, in the order in which they were made.
    pub(crate) async fn actions(&mut self) -> Result<Vec<wire::Action>, Status> {
        let mut request = wire::ListActionsRequest {
            scope: Some(self.scope.clone()),
            page_size: PAGE,
            ..Default::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.executions.list_actions(request.clone()).await?.into_inner();
            found.extend(page.actions);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }
}
