//! What somebody reads in one phase. Lists come in pages; these methods walk them to the end.

use signoff_contract::feed::v1 as feed;
use signoff_contract::feed::v1::trail_service_client::TrailServiceClient;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::versioning::v1::versioning_service_client::VersioningServiceClient;
use signoff_contract::workflow::v1 as shared;
use tonic::Status;

use super::desk::{Desk, held};
use super::people::Person;

/// How much of a list a page holds.
const PAGE: i32 = 200;

impl Desk {
    /// The decisions of a version that a filter lets through.
    pub(super) async fn decisions(
        &mut self,
        version_id: &str,
        filter: wire::DecisionFilter,
    ) -> Result<Vec<wire::Decision>, Status> {
        let mut request = wire::ListDecisionsRequest {
            scope: Some(self.scope.clone()),
            version_id: version_id.to_owned(),
            filter: Some(filter),
            page_size: PAGE,
            ..Default::default()
        };
        let mut decisions = Vec::new();
        loop {
            let page = self.client.list_decisions(request.clone()).await?.into_inner();
            decisions.extend(page.decisions);
            if page.next_page_token.is_empty() {
                return Ok(decisions);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// The versions of the line, oldest first.
    pub(super) async fn versions(&mut self) -> Result<Vec<wire::Version>, Status> {
        let mut request = wire::ListVersionsRequest {
            scope: Some(self.scope.clone()),
            page_size: PAGE,
            ..Default::default()
        };
        let mut versions = Vec::new();
        loop {
            let page = self.client.list_versions(request.clone()).await?.into_inner();
            versions.extend(page.versions);
            if page.next_page_token.is_empty() {
                versions.reverse();
                return Ok(versions);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// One item through every version that held it, newest first.
    pub(super) async fn lineage(
        &mut self,
        decision_id: &str,
    ) -> Result<Vec<wire::LineageEntry>, Status> {
        let mut request = wire::GetLineageRequest {
            scope: Some(self.scope.clone()),
            decision_id: decision_id.to_owned(),
            page_size: PAGE,
            ..Default::default()
        };
        let mut entries = Vec::new();
        loop {
            let page = self.client.get_lineage(request.clone()).await?.into_inner();
            entries.extend(page.entries);
            if page.next_page_token.is_empty() {
                return Ok(entries);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// How many items differ between two versions, and which.
    pub(super) async fn compare(
        &mut self,
        from: &wire::Version,
        to: &wire::Version,
    ) -> Result<(wire::ComparisonCounts, Vec<wire::DecisionDifference>), Status> {
        let mut request = wire::CompareVersionsRequest {
            scope: Some(self.scope.clone()),
            version_id: from.version_id.clone(),
            other_version_id: to.version_id.clone(),
            page_size: PAGE,
            ..Default::default()
        };
        let mut differences = Vec::new();
        loop {
            let page = self.client.compare_versions(request.clone()).await?.into_inner();
            differences.extend(page.differences);
            if page.next_page_token.is_empty() {
                return Ok((held(page.counts)?, differences));
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Where the phase stands.
    pub(super) async fn status(&mut self) -> Result<shared::PhaseStatus, Status> {
        let request =
            wire::GetPhaseStatusRequest { scope: Some(self.scope.clone()), ..Default::default() };
        held(self.client.get_phase_status(request).await?.into_inner().phase_status)
    }
}

impl Person {
    /// A scope for the whole report: no phase.
    pub(super) fn report(&self) -> shared::Scope {
        signoff_contract::convert::workflow_to_wire(self.workflow)
    }

    /// Everything that was approved in any phase of the report, superseded or not.
    pub(super) async fn artifacts(&self) -> Result<Vec<wire::Artifact>, Status> {
        let mut request = wire::ListArtifactsRequest {
            scope: Some(self.report()),
            include_superseded: true,
            page_size: PAGE,
            ..Default::default()
        };
        let mut client = VersioningServiceClient::new(self.gateway.clone());
        let mut artifacts = Vec::new();
        loop {
            let page = client.list_artifacts(request.clone()).await?.into_inner();
            artifacts.extend(page.artifacts);
            if page.next_page_token.is_empty() {
                return Ok(artifacts);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Has a service walk its trail of the report from the first record to the last.
    pub(super) async fn verify_trail(
        &self,
        source: feed::Source,
    ) -> Result<feed::VerifyTrailResponse, Status> {
        let request = feed::VerifyTrailRequest {
            scope: Some(self.report()),
            source: source.into(),
            ..Default::default()
        };
        let mut trail = TrailServiceClient::new(self.gateway.clone());
        Ok(trail.verify_trail(request).await?.into_inner())
    }
}
