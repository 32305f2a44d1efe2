//! What people do with streams.

use futures::StreamExt as _;
use signoff_contract::versioning::v1 as wire;
use tonic::Status;
use wire::{Decision, DecisionInput, Version};

use crate::acts::Answer;
use crate::people::{Person, request_id};

/// The first message of an import into a version.
pub fn import_into(version: &Version) -> wire::ImportDecisionsRequest {
    wire::ImportDecisionsRequest {
        scope: version.scope.clone(),
        version_id: version.version_id.clone(),
        request_id: request_id(),
        ..Default::default()
    }
}

/// An import as messages of at most `size` decisions each.
pub fn messages(
    first: &wire::ImportDecisionsRequest,
    decisions: Vec<DecisionInput>,
    size: usize,
) -> Vec<wire::ImportDecisionsRequest> {
    let mut messages = vec![first.clone()];
    messages.extend(decisions.chunks(size).map(|chunk| wire::ImportDecisionsRequest {
        decisions: chunk.to_vec(),
        ..Default::default()
    }));
    messages
}

impl Person {
    /// Sends an import, and waits for the answer.
    pub async fn send_import(
        &self,
        messages: Vec<wire::ImportDecisionsRequest>,
    ) -> Answer<wire::ImportDecisionsResponse> {
        let mut versioning = self.versioning.clone();
        let sent = versioning.import_decisions(futures::stream::iter(messages)).await?;
        Ok(sent.into_inner())
    }

    /// Imports decisions into a version.
    pub async fn import(
        &self,
        version: &Version,
        decisions: Vec<DecisionInput>,
    ) -> Answer<wire::ImportDecisionsResponse> {
        self.send_import(messages(&import_into(version), decisions, 700)).await
    }

    /// All decisions of a version that pass a filter, from a stream.
    pub async fn export(
        &self,
        version: &Version,
        filter: Option<wire::DecisionFilter>,
    ) -> Answer<Vec<Decision>> {
        let request = wire::ExportDecisionsRequest {
            scope: version.scope.clone(),
            version_id: version.version_id.clone(),
            filter,
        };
        let mut versioning = self.versioning.clone();
        let chunks = versioning.export_decisions(request).await?.into_inner();
        let chunks: Vec<Result<_, Status>> = chunks.collect().await;
        let chunks = chunks.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(chunks.into_iter().flat_map(|chunk| chunk.decisions).collect())
    }
}
