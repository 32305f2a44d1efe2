//! What the gateway does with phases, in few words.

use shared::{Foundation, Scope};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, PhaseTable, VersioningType};

use crate::acts::Answer;
use crate::people::request_id;
use crate::stage::Stage;
use crate::world::whole;

impl Stage {
    /// Begins an attempt to open a phase.
    pub async fn begin(&self, here: &Scope) -> Answer<i64> {
        let (scope, request_id) = (Some(here.clone()), request_id());
        let request = wire::BeginOpenRequest { scope, request_id, reaffirm: false };
        Ok(self.gateway.call(request).await?.attempt)
    }

    /// Opens a phase.
    pub async fn open(
        &self,
        here: &Scope,
        attempt: i64,
        rests_on: Vec<Foundation>,
    ) -> Answer<shared::PhaseStatus> {
        let (scope, request_id) = (Some(here.clone()), request_id());
        let request = wire::OpenRequest { scope, attempt, rests_on, request_id };
        Ok(self.gateway.call(request).await?.phase_status.unwrap())
    }

    /// Whether an attempt is dead; from now on it is, if it is not live.
    pub async fn fence(&self, here: &Scope, attempt: i64) -> bool {
        let (scope, request_id) = (Some(here.clone()), request_id());
        self.gateway.call(wire::FenceRequest { scope, attempt, request_id }).await.unwrap().dead
    }

    /// Seals phases for one that is to rest on them.
    pub async fn seal(
        &self,
        phases: &[i32],
        holder: i32,
        attempt: i64,
    ) -> Answer<wire::SealResponse> {
        let request = wire::SealRequest {
            scope: Some(Scope { phase: 0, ..self.here.clone() }),
            phases: phases.to_vec(),
            holder,
            attempt,
            request_id: request_id(),
            ..Default::default()
        };
        self.gateway.call(request).await
    }

    /// Drops a holder's hold on a phase.
    pub async fn release(
        &self,
        here: &Scope,
        holder: i32,
        up_to_attempt: i64,
    ) -> shared::PhaseStatus {
        let (scope, request_id) = (Some(here.clone()), request_id());
        let request = wire::ReleaseSealRequest { scope, holder, up_to_attempt, request_id };
        self.gateway.call(request).await.unwrap().phase_status.unwrap()
    }

    /// Seals Observation Management for an attempt to open Finalize Test Report, with the executions
    /// that it must cover.
    pub async fn seal_covering(
        &self,
        attempt: i64,
        required_execution_ids: Vec<String>,
    ) -> Answer<wire::SealResponse> {
        let request = wire::SealRequest {
            scope: Some(self.in_phase(Phase::OBSERVATION_MANAGEMENT)),
            holder: Phase::FINALIZE_TEST_REPORT.number(),
            attempt,
            required_execution_ids,
            request_id: request_id(),
            ..Default::default()
        };
        self.gateway.call(request).await
    }

    /// Begins to reopen a phase.
    pub async fn begin_reopen(&self, here: &Scope) -> Answer<i64> {
        let (scope, request_id) = (Some(here.clone()), request_id());
        let reason = "an attribute was forgotten".to_owned();
        let request = wire::BeginReopenRequest { scope, reason, request_id };
        Ok(self.gateway.call(request).await?.reopening)
    }

    /// Marks a phase as stale.
    pub async fn mark_stale(
        &self,
        here: &Scope,
        because: Phase,
        reopening: i64,
    ) -> Answer<shared::PhaseStatus> {
        let (scope, request_id) = (Some(here.clone()), request_id());
        let because = because.number();
        let request = wire::MarkStaleRequest { scope, because, reopening, request_id };
        Ok(self.gateway.call(request).await?.phase_status.unwrap())
    }

    /// Finishes a reopening.
    pub async fn finish_reopen(&self, here: &Scope, reopening: i64) -> shared::PhaseStatus {
        let (scope, request_id) = (Some(here.clone()), request_id());
        let request = wire::FinishReopenRequest { scope, reopening, request_id };
        self.gateway.call(request).await.unwrap().phase_status.unwrap()
    }

    /// Reopens a phase: the mark, everything downstream that this service keeps, nearest first, and
    /// the end. Gives its number.
    pub async fn reopen(&self, phase: Phase) -> i64 {
        let here = self.in_phase(phase);
        let reopening = self.begin_reopen(&here).await.unwrap();
        self.mark_downstream(phase, reopening).await;
        self.finish_reopen(&here, reopening).await;
        reopening
    }

    /// Marks everything downstream of a phase that this service keeps, nearest first.
    pub async fn mark_downstream(&self, phase: Phase, reopening: i64) {
        let table = PhaseTable::standard();
        for after in table.downstream(phase) {
            if table.get(after).unwrap().kind == VersioningType::Full {
                self.mark_stale(&self.in_phase(after), phase, reopening).await.unwrap();
            }
        }
    }

    /// Begins an attempt to reaffirm a phase.
    pub async fn begin_again(&self, here: &Scope) -> Answer<i64> {
        let (scope, request_id) = (Some(here.clone()), request_id());
        let request = wire::BeginOpenRequest { scope, request_id, reaffirm: true };
        Ok(self.gateway.call(request).await?.attempt)
    }

    /// Opens a phase on the one before it, or reaffirms it: begun, that one sealed, opened.
    pub async fn open_on(&self, below: Phase, above: Phase) -> shared::PhaseStatus {
        let here = self.in_phase(above);
        let attempt = self.begin_again(&here).await.unwrap();
        let sealed = self.seal(&[below.number()], above.number(), attempt).await.unwrap();
        assert_eq!(sealed.unmet, []);
        self.open(&here, attempt, sealed.rests_on).await.unwrap()
    }

    /// Closes the workflow.
    pub async fn close_workflow(&self, reason: &str) -> Answer<wire::CloseWorkflowResponse> {
        let (scope, request_id) = (Some(whole(self.workflow)), request_id());
        let request = wire::CloseWorkflowRequest { scope, reason: reason.to_owned(), request_id };
        self.gateway.call(request).await
    }
}
