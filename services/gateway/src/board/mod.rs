//! Where a workflow stands: what both backends say, joined.

mod facts;
mod watch;

use std::collections::BTreeMap;

use chrono::Utc;
use futures::future::try_join_all;
use signoff_chassis::Refusal;
use signoff_contract::audit::v1 as audit;
use signoff_contract::convert::{RequestScope, scope_to_wire, time_to_wire, workflow_to_wire};
use signoff_contract::gateway::v1 as wire;
use signoff_contract::versioning::v1::{GetPhaseStatusRequest, GetPhaseStatusResponse};
use signoff_contract::workflow::v1::{PhaseStatus, Unmet};
use signoff_workflow::{
    self as rule, Command, Phase, PhaseFacts, PhaseTable, Scope, Step, VersioningType, Workflow,
    next,
};
use tonic::Status;

use crate::Gateway;
use crate::forward::{Target, Who};

pub use watch::{Seen, Watching};

const VERSIONED: (Target, &str) =
    (Target::Versioning, "/signoff.versioning.v1.VersioningService/GetPhaseStatus");
const AUDITED: (Target, &str) =
    (Target::Audit, "/signoff.audit.v1.AuditPhaseService/GetPhaseStatus");
const LANES: (Target, &str) = (Target::Audit, "/signoff.audit.v1.TestCaseService/ListLanes");
const PLAN: (Target, &str) = (Target::Audit, "/signoff.audit.v1.TestCaseService/GetTestPlan");
/// How many lanes are asked for at once.
const LANES_AT_ONCE: i32 = 1000;

/// A workflow's phases and lanes, as they were a moment ago.
#[derive(Clone, Debug)]
pub struct Board {
    statuses: BTreeMap<Phase, PhaseStatus>,
    lanes: Vec<audit::Lane>,
    plan: Option<audit::TestPlan>,
    staged: i64,
    /// What the rule of the graph is asked about.
    facts: rule::Board,
}

impl Board {
    /// Asks both backends. What is read is not one moment of both: whoever decides by it asks again
    /// once it is sealed.
    ///
    /// # Errors
    /// A backend is away.
    pub async fn read(gateway: &Gateway, workflow: Workflow) -> Result<Self, Status> {
        let table = gateway.table();
        // What must be covered, the audit service says first.
        let fed = table.rows().iter().filter(|row| row.seals_unopened).map(|row| row.phase);
        let fed: Vec<Phase> = fed.collect();
        let audited = rows_of(table, VersioningType::AuditOnly);
        let versioned: Vec<Phase> = rows_of(table, VersioningType::Full)
            .into_iter()
            .filter(|phase| !fed.contains(phase))
            .collect();
        let (audited, versioned, lanes, plan) = tokio::try_join!(
            try_join_all(audited.iter().map(|phase| audited_status(gateway, workflow, *phase))),
            try_join_all(versioned.iter().map(|phase| status(gateway, workflow, *phase, None))),
            all_lanes(gateway, workflow),
            test_plan(gateway, workflow),
        )?;
        let to_cover: Vec<String> =
            audited.iter().flat_map(|told| told.execution_ids.iter().cloned()).collect();
        let fed = try_join_all(
            fed.iter().map(|phase| status(gateway, workflow, *phase, Some(to_cover.clone()))),
        )
        .await?;
        let told = audited.into_iter().map(|told| told.phase_status.unwrap_or_default());
        let statuses = told
            .chain(versioned)
            .chain(fed)
            .map(|status| (Phase::new(status.phase), status))
            .collect();
        Ok(Self::joined(table, statuses, lanes, plan))
    }

    /// What the backends said, joined: a plan that was made from other versions is none.
    fn joined(
        table: &PhaseTable,
        mut statuses: BTreeMap<Phase, PhaseStatus>,
        lanes: Vec<audit::Lane>,
        plan: audit::GetTestPlanResponse,
    ) -> Self {
        if let Some(plan) = &plan.plan {
            facts::expect_current(table, &mut statuses, plan);
        }
        let facts = facts::of(&statuses, &lanes);
        Self { statuses, lanes, plan: plan.plan, staged: plan.staged, facts }
    }

    /// What the rule of the graph is asked about.
    pub fn facts_of_all(&self) -> &rule::Board {
        &self.facts
    }

    /// What is known of one phase.
    pub fn facts(&self, phase: Phase) -> Option<&PhaseFacts> {
        self.facts.phases.get(&phase)
    }

    /// Where one phase stands.
    ///
    /// # Errors
    /// There is no such phase.
    pub fn status(&self, phase: Phase) -> Result<PhaseStatus, Status> {
        self.statuses.get(&phase).cloned().ok_or_else(|| Refusal::internal().into())
    }

    /// The current attempt to open a phase.
    pub fn attempt(&self, phase: Phase) -> i64 {
        self.statuses.get(&phase).map_or(0, |status| status.attempt)
    }

    /// The reopening of a phase that is under way; 0 if none is.
    pub fn reopening(&self, phase: Phase) -> i64 {
        self.statuses.get(&phase).map_or(0, |status| status.reopening)
    }

    /// The version of a phase that is approved now.
    pub fn current_version(&self, phase: Phase) -> Option<&str> {
        let id = self.statuses.get(&phase).map(|status| status.current_version_id.as_str());
        id.filter(|id| !id.is_empty())
    }

    /// For the wire.
    pub fn to_wire(&self, table: &PhaseTable) -> wire::Board {
        let in_order = |row: &rule::PhaseRow| self.statuses.get(&row.phase).cloned();
        wire::Board {
            phases: table.rows().iter().filter_map(in_order).collect(),
            lanes: self.lanes.clone(),
            steps: next(table, &self.facts).into_iter().map(step_to_wire).collect(),
            plan: self.plan.clone(),
            staged_cases: self.staged,
            closed: self.statuses.values().any(|status| status.workflow_closed),
            read_at: Some(time_to_wire(Utc::now())),
        }
    }
}

fn rows_of(table: &PhaseTable, kind: VersioningType) -> Vec<Phase> {
    table.rows().iter().filter(|row| row.kind == kind).map(|row| row.phase).collect()
}

/// Where a phase of the versioning service stands; of one that may be sealed unopened, with what it must
/// cover.
async fn status(
    gateway: &Gateway,
    workflow: Workflow,
    phase: Phase,
    to_cover: Option<Vec<String>>,
) -> Result<PhaseStatus, Status> {
    let request = GetPhaseStatusRequest {
        scope: Some(scope_to_wire(Scope { workflow, phase })),
        nothing_required: to_cover.as_ref().is_some_and(Vec::is_empty),
        required_execution_ids: to_cover.unwrap_or_default(),
        ..Default::default()
    };
    let scope = RequestScope { workflow, phase: Some(phase) };
    let told: GetPhaseStatusResponse =
        gateway.backends().ask(VERSIONED, &Who::gateway(), Some(scope), request).await?;
    Ok(told.phase_status.unwrap_or_default())
}

async fn audited_status(
    gateway: &Gateway,
    workflow: Workflow,
    phase: Phase,
) -> Result<GetPhaseStatusResponse, Status> {
    let request = GetPhaseStatusRequest {
        scope: Some(scope_to_wire(Scope { workflow, phase })),
        with_execution_ids: phase == Phase::TEST_EXECUTION,
        ..Default::default()
    };
    let scope = RequestScope { workflow, phase: Some(phase) };
    gateway.backends().ask(AUDITED, &Who::gateway(), Some(scope), request).await
}

async fn all_lanes(gateway: &Gateway, workflow: Workflow) -> Result<Vec<audit::Lane>, Status> {
    let scope = RequestScope { workflow, phase: None };
    let (mut lanes, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = audit::ListLanesRequest {
            scope: Some(workflow_to_wire(workflow)),
            page_size: LANES_AT_ONCE,
            page_token,
        };
        let page: audit::ListLanesResponse =
            gateway.backends().ask(LANES, &Who::gateway(), Some(scope), request).await?;
        lanes.extend(page.lanes);
        if page.next_page_token.is_empty() {
            return Ok(lanes);
        }
        page_token = page.next_page_token;
    }
}

async fn test_plan(
    gateway: &Gateway,
    workflow: Workflow,
) -> Result<audit::GetTestPlanResponse, Status> {
    let scope = RequestScope { workflow, phase: None };
    let request = audit::GetTestPlanRequest { scope: Some(workflow_to_wire(workflow)) };
    gateway.backends().ask(PLAN, &Who::gateway(), Some(scope), request).await
}

/// How one phase goes on, for the wire.
fn step_to_wire(step: Step) -> wire::Step {
    let allowed = step.allowed.into_iter().map(|command| command_to_wire(command).into());
    wire::Step {
        phase: step.phase.number(),
        allowed: allowed.collect(),
        next: command_to_wire(step.next).into(),
        unmet: step.unmet.into_iter().map(unmet_to_wire).collect(),
    }
}

/// A command for the wire.
pub(crate) const fn command_to_wire(command: Command) -> wire::GateCommand {
    match command {
        Command::Start(_) => wire::GateCommand::Start,
        Command::Change(_) => wire::GateCommand::Change,
        Command::Reopen(_) => wire::GateCommand::Reopen,
        Command::Reaffirm(_) => wire::GateCommand::Reaffirm,
    }
}

/// What is missing, for the wire.
pub(crate) fn unmet_to_wire(unmet: rule::Unmet) -> Unmet {
    Unmet {
        phase: unmet.phase.number(),
        subject: unmet.subject,
        what: unmet.what,
        ..Unmet::default()
    }
}
