//! Phases as a whole: their rows in the phase table, and what somebody asks the gateway to do with one.

use anyhow::{Result, anyhow};
use signoff_contract::convert::scope_to_wire;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::gateway::v1::phase_service_client::PhaseServiceClient;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, PhaseRow, PhaseTable, Scope, VersioningType};
use tonic::Status;

use super::desk::{held, request_id};
use super::people::Person;
use crate::connection::Connection;

/// The row of a phase in the phase table.
///
/// # Errors
/// The table has no such phase.
pub(super) fn row_of(phase: Phase) -> Result<&'static PhaseRow> {
    PhaseTable::standard()
        .get(phase)
        .ok_or_else(|| anyhow!("phase {} is in no table", phase.number()))
}

/// Whether a phase is audited only.
///
/// # Errors
/// The table has no such phase.
pub(super) fn is_audited(phase: Phase) -> Result<bool> {
    Ok(row_of(phase)?.kind == VersioningType::AuditOnly)
}

impl Person {
    /// Starts a phase, if everything that it rests on is there. The first change in it would do so too.
    pub(super) async fn start_phase(&self, phase: Phase) -> Result<shared::PhaseStatus, Status> {
        let request = wire::StartPhaseRequest {
            scope: Some(self.scope_of(phase)),
            phase_name: String::new(),
            request_id: request_id(),
        };
        held(self.phases().start_phase(request).await?.into_inner().phase_status)
    }

    /// Has the gateway plan the test cases from what was approved.
    pub(super) async fn plan_test_cases(&self) -> Result<wire::PlanTestCasesResponse, Status> {
        let request = wire::PlanTestCasesRequest {
            scope: Some(self.scope_of(Phase::DATA_OWNER_ID)),
            phase_name: String::new(),
            request_id: request_id(),
        };
        Ok(self.phases().plan_test_cases(request).await?.into_inner())
    }

    fn phases(&self) -> PhaseServiceClient<Connection> {
        PhaseServiceClient::new(self.gateway.clone())
    }

    fn scope_of(&self, phase: Phase) -> shared::Scope {
        scope_to_wire(Scope { workflow: self.workflow, phase })
    }
}
