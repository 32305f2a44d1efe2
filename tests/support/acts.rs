//! What people do, in few words. A version knows its scope.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Scope;
use tonic::Status;
use wire::{Decision, DecisionInput, Payload, Review, Verdict, Version};

use crate::people::{Person, request_id};

/// What a call answers.
pub type Answer<T> = Result<T, Status>;

/// Approves a decision.
pub fn approved(decision: &Decision) -> Review {
    let verdict = Verdict::Approved.into();
    Review { decision_id: decision.decision_id.clone(), verdict, ..Default::default() }
}

/// Rejects a decision.
pub fn rejected(decision: &Decision, notes: &str) -> Review {
    Review { verdict: Verdict::Rejected.into(), notes: notes.to_owned(), ..approved(decision) }
}

/// Accepts a decision as changed.
pub fn modified(decision: &Decision, payload: Payload, reason: &str) -> Review {
    Review {
        verdict: Verdict::Modified.into(),
        modified_payload: Some(payload),
        modification_reason: reason.to_owned(),
        ..approved(decision)
    }
}

fn ids(decisions: &[&Decision]) -> Vec<String> {
    decisions.iter().map(|decision| decision.decision_id.clone()).collect()
}

/// A request about a version, by the fields that it has beside the usual ones.
macro_rules! about {
    ($request:ident, $version:expr $(, $field:ident: $value:expr)*) => {
        wire::$request {
            scope: $version.scope.clone(),
            request_id: request_id(),
            version_id: $version.version_id.clone(),
            $($field: $value,)*
            ..Default::default()
        }
    };
}

impl Person {
    /// Starts a line.
    pub async fn create(&self, here: &Scope, decisions: Vec<DecisionInput>) -> Answer<Version> {
        let scope = Some(here.clone());
        let request_id = request_id();
        let request =
            wire::CreateVersionRequest { scope, request_id, decisions, ..Default::default() };
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Makes the next version from the newest closed one.
    pub async fn revise(&self, here: &Scope, decisions: Vec<DecisionInput>) -> Answer<Version> {
        let scope = Some(here.clone());
        let request_id = request_id();
        let request =
            wire::ReviseVersionRequest { scope, request_id, decisions, ..Default::default() };
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Makes the next version from this one.
    pub async fn revise_from(
        &self,
        baseline: &Version,
        decisions: Vec<DecisionInput>,
    ) -> Answer<Version> {
        let request = wire::ReviseVersionRequest {
            scope: baseline.scope.clone(),
            request_id: request_id(),
            baseline_version_id: baseline.version_id.clone(),
            decisions,
            ..Default::default()
        };
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Puts items forward.
    pub async fn add(
        &self,
        version: &Version,
        decisions: Vec<DecisionInput>,
    ) -> Answer<wire::AddDecisionsResponse> {
        self.call(about!(AddDecisionsRequest, version, decisions: decisions)).await
    }

    /// Edits an item; an empty reason is none.
    pub async fn edit(
        &self,
        version: &Version,
        decision: &Decision,
        payload: Payload,
        reason: &str,
    ) -> Answer<Decision> {
        let request = about!(
            UpdateDecisionRequest,
            version,
            decision_id: decision.decision_id.clone(),
            payload: Some(payload),
            modification_reason: reason.to_owned()
        );
        Ok(self.call(request).await?.decision.unwrap())
    }

    /// Takes items out; an empty reason is none.
    pub async fn remove(
        &self,
        version: &Version,
        decisions: &[&Decision],
        reason: &str,
    ) -> Answer<Version> {
        let decision_ids = ids(decisions);
        let request = about!(
            RemoveDecisionsRequest,
            version,
            decision_ids: decision_ids,
            reason: reason.to_owned()
        );
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Hands a draft to its reviewer.
    pub async fn submit(&self, version: &Version) -> Answer<Version> {
        Ok(self.call(about!(SubmitVersionRequest, version)).await?.version.unwrap())
    }

    /// Takes a submitted version back.
    pub async fn withdraw(&self, version: &Version) -> Answer<Version> {
        Ok(self.call(about!(WithdrawVersionRequest, version)).await?.version.unwrap())
    }

    /// Rules on decisions.
    pub async fn rule(&self, version: &Version, reviews: Vec<Review>) -> Answer<Version> {
        let request = about!(ReviewDecisionsRequest, version, reviews: reviews);
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Rules on all that are still pending.
    pub async fn rule_rest(&self, version: &Version, verdict: Verdict) -> Answer<Version> {
        let remaining = wire::RemainingReview { verdict: verdict.into(), notes: String::new() };
        let request = about!(ReviewDecisionsRequest, version, remaining: Some(remaining));
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Confirms the reviewer's changes.
    pub async fn confirm(&self, version: &Version, decisions: &[&Decision]) -> Answer<Version> {
        let decision_ids = ids(decisions);
        let request = about!(ConfirmModificationsRequest, version, decision_ids: decision_ids);
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Approves a version.
    pub async fn approve(&self, version: &Version) -> Answer<Version> {
        let request = about!(ApproveVersionRequest, version, notes: "fine".to_owned());
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Rejects a version.
    pub async fn reject(&self, version: &Version, notes: &str) -> Answer<Version> {
        let request = about!(RejectVersionRequest, version, notes: notes.to_owned());
        Ok(self.call(request).await?.version.unwrap())
    }

    /// Gives a version up.
    pub async fn delete(&self, version: &Version, reason: &str) -> Answer<Version> {
        let request = about!(DeleteVersionRequest, version, reason: reason.to_owned());
        Ok(self.call(request).await?.version.unwrap())
    }
}
