//! What the gateway does with phases, in few words.

use shared::{Foundation, Scope};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;

use crate::acts::Answer;
use crate::people::request_id;
use crate::stage::Stage;

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
}
