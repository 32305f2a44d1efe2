//! What people read, in few words: lists in full, page by page.

use shared::Scope;
use signoff_contract::feed::v1 as feed;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::Workflow;
use wire::{Decision, Version};

use crate::acts::Answer;
use crate::people::Person;
use crate::world::whole;

/// Fetches pages until there is no more.
macro_rules! pages {
    ($person:expr, $request:expr, $field:ident) => {{
        let mut request = $request;
        let mut all = Vec::new();
        loop {
            let page = $person.call(request.clone()).await.unwrap();
            all.extend(page.$field);
            if page.next_page_token.is_empty() {
                break all;
            }
            request.page_token = page.next_page_token;
        }
    }};
}

impl Person {
    /// A version as it is now.
    pub async fn get(&self, version: &Version) -> Answer<Version> {
        let scope = version.scope.clone();
        let version_id = version.version_id.clone();
        Ok(self.call(wire::GetVersionRequest { scope, version_id }).await?.version.unwrap())
    }

    /// The approved version.
    pub async fn current(&self, here: &Scope) -> Answer<Version> {
        let scope = Some(here.clone());
        Ok(self.call(wire::GetCurrentVersionRequest { scope }).await?.version.unwrap())
    }

    /// All versions, newest first.
    pub async fn versions(&self, here: &Scope) -> Vec<Version> {
        let scope = Some(here.clone());
        pages!(
            self,
            wire::ListVersionsRequest { scope: scope.clone(), ..Default::default() },
            versions
        )
    }

    /// All decisions of a version, in the order in which they came into the line.
    pub async fn decisions(&self, version: &Version) -> Vec<Decision> {
        let request = wire::ListDecisionsRequest {
            scope: version.scope.clone(),
            version_id: version.version_id.clone(),
            page_size: 1000,
            ..Default::default()
        };
        pages!(self, request, decisions)
    }

    /// The decision of a version on one item.
    pub async fn decision(&self, version: &Version, item_key: &str) -> Decision {
        let mut all = self.decisions(version).await;
        all.retain(|decision| decision.item_key == item_key);
        assert_eq!(all.len(), 1, "{item_key} in version {}", version.number);
        all.remove(0)
    }

    /// One item through all versions, newest first.
    pub async fn lineage(&self, of: &Version, decision: &Decision) -> Vec<wire::LineageEntry> {
        let request = wire::GetLineageRequest {
            scope: of.scope.clone(),
            decision_id: decision.decision_id.clone(),
            ..Default::default()
        };
        pages!(self, request, entries)
    }

    /// What differs from one version to another.
    pub async fn compare(&self, from: &Version, to: &Version) -> wire::CompareVersionsResponse {
        let request = wire::CompareVersionsRequest {
            scope: from.scope.clone(),
            version_id: from.version_id.clone(),
            other_version_id: to.version_id.clone(),
            page_size: 1000,
            ..Default::default()
        };
        self.call(request).await.unwrap()
    }

    /// What was approved.
    pub async fn artifacts(&self, here: &Scope, include_superseded: bool) -> Vec<wire::Artifact> {
        let scope = Some(here.clone());
        let request =
            wire::ListArtifactsRequest { scope, include_superseded, ..Default::default() };
        pages!(self, request, artifacts)
    }

    /// Where a phase stands.
    pub async fn status(&self, here: &Scope) -> shared::PhaseStatus {
        let scope = Some(here.clone());
        let request = wire::GetPhaseStatusRequest { scope, ..Default::default() };
        self.call(request).await.unwrap().phase_status.unwrap()
    }

    /// Where Observation Management stands, for one who knows the executions that it must cover.
    pub async fn status_covering(
        &self,
        here: &Scope,
        required_execution_ids: Vec<String>,
    ) -> shared::PhaseStatus {
        let request = wire::GetPhaseStatusRequest {
            scope: Some(here.clone()),
            nothing_required: required_execution_ids.is_empty(),
            required_execution_ids,
            ..Default::default()
        };
        self.call(request).await.unwrap().phase_status.unwrap()
    }

    /// The whole trail of a workflow.
    pub async fn trail_of(&self, workflow: Workflow) -> Vec<feed::TrailRecord> {
        let scope = Some(whole(workflow));
        let request = feed::GetTrailRequest { scope, page_size: 1000, ..Default::default() };
        pages!(self, request, records)
    }

    /// The trail of a workflow as a file.
    pub async fn exported(&self, workflow: Workflow) -> Answer<Vec<u8>> {
        let request = feed::ExportTrailRequest { scope: Some(whole(workflow)), source: 0 };
        let mut answers = self.trail.clone().export_trail(request).await?.into_inner();
        let mut file = Vec::new();
        while let Some(answer) = answers.message().await? {
            file.extend(answer.json_lines);
        }
        Ok(file)
    }

    /// Whether a workflow's trail fits.
    pub async fn verify(&self, workflow: Workflow) -> feed::VerifyTrailResponse {
        let scope = Some(whole(workflow));
        self.call(feed::VerifyTrailRequest { scope, ..Default::default() }).await.unwrap()
    }
}

/// A time that can be compared, in seconds and nanoseconds since 1970.
#[track_caller]
pub fn when(time: Option<prost_types::Timestamp>) -> (i64, i32) {
    let time = time.expect("a time");
    (time.seconds, time.nanos)
}
