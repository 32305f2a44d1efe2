//! The report as a whole: opened, who works on it, its lines of business, where it stands.

use signoff_contract::gateway::v1 as wire;
use signoff_contract::gateway::v1::workflow_service_client::WorkflowServiceClient;
use tonic::Status;

use super::data::accounts::LineOfBusiness;
use super::desk::{held, request_id};
use super::people::Person;
use crate::board::Board;
use crate::connection::Connection;

impl Person {
    /// Opens the report in its test cycle, with those who work on it.
    pub(super) async fn open_workflow(
        &self,
        report_name: &str,
        members: Vec<wire::Member>,
    ) -> Result<wire::Workflow, Status> {
        let request = wire::OpenWorkflowRequest {
            scope: Some(self.report()),
            cycle_name: "September 2026".to_owned(),
            report_name: report_name.to_owned(),
            members,
            request_id: request_id(),
        };
        held(self.workflows().open_workflow(request).await?.into_inner().workflow)
    }

    /// Sets the whole list of those who work on the report.
    pub(super) async fn set_members(
        &self,
        members: Vec<wire::Member>,
        reason: &str,
    ) -> Result<Vec<wire::Membership>, Status> {
        let request = wire::SetMembersRequest {
            scope: Some(self.report()),
            members,
            reason: reason.to_owned(),
            request_id: request_id(),
            ..Default::default()
        };
        Ok(self.workflows().set_members(request).await?.into_inner().members)
    }

    /// Everybody who ever held a role on the report, with when and by whom.
    pub(super) async fn memberships(&self) -> Result<Vec<wire::Membership>, Status> {
        let mut request = wire::ListMembersRequest {
            scope: Some(self.report()),
            include_past: true,
            ..Default::default()
        };
        let (mut client, mut members) = (self.workflows(), Vec::new());
        loop {
            let page = client.list_members(request.clone()).await?.into_inner();
            members.extend(page.members);
            if page.next_page_token.is_empty() {
                return Ok(members);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Names the lines of business.
    pub(super) async fn set_lobs(&self) -> Result<Vec<wire::Lob>, Status> {
        let lob = |of: LineOfBusiness| wire::Lob {
            lob_id: of.lob_id().to_string(),
            name: of.name().to_owned(),
            retired: false,
        };
        let request = wire::SetLobsRequest {
            lobs: LineOfBusiness::ALL.map(lob).to_vec(),
            reason: "the lines of the card business".to_owned(),
            request_id: request_id(),
        };
        Ok(self.workflows().set_lobs(request).await?.into_inner().lobs)
    }

    /// Where the report stands.
    pub(super) async fn board(&self) -> Result<Board, Status> {
        Board::ask(&mut self.workflows(), self.workflow).await
    }

    fn workflows(&self) -> WorkflowServiceClient<Connection> {
        WorkflowServiceClient::new(self.gateway.clone())
    }
}
