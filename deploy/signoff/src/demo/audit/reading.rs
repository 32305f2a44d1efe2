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

/// Walks a list to its end, and gives all that its pages hold.
macro_rules! all_pages {
    ($desk:ident.$client:ident.$method:ident, $request:ident, $held:ident) => {{
        let (mut request, mut found) = ($request, Vec::new());
        loop {
            let page = $desk.$client.$method(request.clone()).await?.into_inner();
            found.extend(page.$held);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }};
}

impl AuditDesk {
    /// Where the phase stands.
    pub(crate) async fn status(&mut self) -> Result<shared::PhaseStatus, Status> {
        let request =
            GetPhaseStatusRequest { scope: Some(self.scope.clone()), ..Default::default() };
        held(self.phases.get_phase_status(request).await?.into_inner().phase_status)
    }

    /// Every test case, or those of a lane.
    pub(crate) async fn test_cases(&mut self, lob_id: &str) -> Result<Vec<wire::TestCase>, Status> {
        let request = wire::ListTestCasesRequest {
            scope: Some(self.scope.clone()),
            lob_id: lob_id.to_owned(),
            page_size: PAGE,
            ..Default::default()
        };
        all_pages!(self.cases.list_test_cases, request, test_cases)
    }

    /// Every lane.
    pub(crate) async fn lanes(&mut self) -> Result<Vec<wire::Lane>, Status> {
        let request = wire::ListLanesRequest {
            scope: Some(self.scope.clone()),
            page_size: PAGE,
            ..Default::default()
        };
        all_pages!(self.cases.list_lanes, request, lanes)
    }

    /// Every document, in the order in which they were submitted.
    pub(crate) async fn documents(&mut self) -> Result<Vec<wire::Document>, Status> {
        let request = wire::ListDocumentsRequest {
            scope: Some(self.scope.clone()),
            page_size: PAGE,
            ..Default::default()
        };
        all_pages!(self.documents.list_documents, request, documents)
    }

    /// Every execution in a lane.
    pub(crate) async fn executions(
        &mut self,
        lob_id: &str,
    ) -> Result<Vec<wire::Execution>, Status> {
        let request = wire::ListExecutionsRequest {
            scope: Some(self.scope.clone()),
            lob_id: lob_id.to_owned(),
            page_size: PAGE,
            ..Default::default()
        };
        all_pages!(self.executions.list_executions, request, executions)
    }

    /// Every request for action, in the order in which they were made.
    pub(crate) async fn actions(&mut self) -> Result<Vec<wire::Action>, Status> {
        let request = wire::ListActionsRequest {
            scope: Some(self.scope.clone()),
            page_size: PAGE,
            ..Default::default()
        };
        all_pages!(self.executions.list_actions, request, actions)
    }
}
