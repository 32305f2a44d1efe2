//! The board of a workflow, as the gateway tells it: for programs a document, for people lines.

mod lines;

use serde::Serialize;
use signoff_contract::audit::v1 as audit;
use signoff_contract::convert::workflow_to_wire;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::gateway::v1::workflow_service_client::WorkflowServiceClient;
use signoff_contract::workflow::v1 as shared;
use signoff_workflow::{Phase, PhaseTable, Workflow};
use tonic::Status;

use crate::connection::Connection;
use crate::words::{moment, word};

/// Where a workflow stands.
#[derive(Debug, Serialize)]
pub(crate) struct Board {
    cycle_id: String,
    report_id: String,
    cycle_name: String,
    report_name: String,
    /// Nothing changes any more.
    closed: bool,
    read_at: Option<String>,
    phases: Vec<PhaseOnBoard>,
    lanes: Vec<LaneOnBoard>,
    /// The plan of test cases in force; null if there is none.
    plan: Option<Plan>,
    /// Cases that were sent for a plan that is under way.
    staged_cases: i64,
}

/// One phase.
#[derive(Debug, Serialize)]
struct PhaseOnBoard {
    number: i32,
    phase: &'static str,
    name: &'static str,
    state: String,
    stale: bool,
    reopening: bool,
    started_at: Option<String>,
    /// A user id; 0 for nobody.
    started_by: i64,
    completed_at: Option<String>,
    current_version_id: Option<String>,
    open_version_id: Option<String>,
    done: i64,
    total: i64,
    rests_on: Vec<&'static str>,
    held_by: Vec<&'static str>,
    /// What is missing before it is complete.
    missing: Vec<Unmet>,
    /// What may be done with it now.
    allowed: Vec<String>,
    /// What comes next in the course of the work.
    next: String,
    /// What blocks that.
    blocked_by: Vec<Unmet>,
}

/// One line of business.
#[derive(Debug, Serialize)]
struct LaneOnBoard {
    /// Null for the cases whose sample names none.
    lob_id: Option<String>,
    line_of_business: String,
    /// A user id; 0 for nobody.
    owner: i64,
    cases: i64,
    with_document: i64,
    accepted: i64,
    executed: i64,
    concluded: i64,
    to_observe: i64,
    stale: i64,
    open_actions: i64,
    complete: bool,
    missing: Vec<Unmet>,
}

/// A plan of test cases.
#[derive(Debug, Serialize)]
struct Plan {
    number: i64,
    cases: i64,
    planning_version_id: String,
    scoping_version_id: String,
    sample_selection_version_id: String,
    planned_at: Option<String>,
    planned_by: i64,
}

/// One thing that is missing.
#[derive(Debug, Serialize)]
struct Unmet {
    phase: &'static str,
    subject: String,
    what: String,
}

impl Board {
    /// Asks the gateway.
    ///
    /// # Errors
    /// It refuses, or knows no such workflow.
    pub(crate) async fn ask(
        client: &mut WorkflowServiceClient<Connection>,
        workflow: Workflow,
    ) -> Result<Self, Status> {
        let scope = || Some(workflow_to_wire(workflow));
        let named = wire::GetWorkflowRequest { scope: scope() };
        let named = client.get_workflow(named).await?.into_inner().workflow.unwrap_or_default();
        let board = wire::GetBoardRequest { scope: scope() };
        let board = client.get_board(board).await?.into_inner().board.unwrap_or_default();
        let lobs = lobs(client).await?;
        Ok(Self::of(named, board, &lobs))
    }

    /// What was answered, put together.
    fn of(workflow: wire::Workflow, board: wire::Board, lobs: &[wire::Lob]) -> Self {
        let phases = board.phases.into_iter().map(|status| {
            let step = board.steps.iter().find(|step| step.phase == status.phase);
            PhaseOnBoard::of(status, step.cloned().unwrap_or_default())
        });
        Self {
            cycle_id: workflow.cycle_id,
            report_id: workflow.report_id,
            cycle_name: workflow.cycle_name,
            report_name: workflow.report_name,
            closed: board.closed,
            read_at: board.read_at.and_then(moment),
            phases: phases.collect(),
            lanes: board.lanes.into_iter().map(|lane| LaneOnBoard::of(lane, lobs)).collect(),
            plan: board.plan.map(Plan::of),
            staged_cases: board.staged_cases,
        }
    }

    /// Whether a phase was ever started.
    pub(crate) fn was_started(&self, phase: Phase) -> bool {
        self.phases.iter().any(|one| one.number == phase.number() && one.started_at.is_some())
    }

    /// How far a phase is.
    pub(crate) fn state(&self, phase: Phase) -> &str {
        let found = self.phases.iter().find(|one| one.number == phase.number());
        found.map_or("", |one| one.state.as_str())
    }
}

impl PhaseOnBoard {
    fn of(status: shared::PhaseStatus, step: wire::Step) -> Self {
        let (phase, name) = named(status.phase);
        let progress = status.progress.unwrap_or_default();
        let allowed = step.allowed().map(command).collect();
        Self {
            number: status.phase,
            phase,
            name,
            state: word(status.state().as_str_name(), "PHASE_STATE_"),
            stale: status.stale,
            reopening: status.reopening != 0,
            started_at: status.started_at.and_then(moment),
            started_by: status.started_by,
            completed_at: status.completed_at.and_then(moment),
            current_version_id: some(status.current_version_id),
            open_version_id: some(status.open_version_id),
            done: progress.done,
            total: progress.total,
            rests_on: status.rests_on.iter().map(|one| named(one.phase).0).collect(),
            held_by: status.holders.iter().map(|one| named(one.phase).0).collect(),
            missing: status.unmet.into_iter().map(Unmet::of).collect(),
            allowed,
            next: command(step.next()),
            blocked_by: step.unmet.into_iter().map(Unmet::of).collect(),
        }
    }
}

impl LaneOnBoard {
    fn of(lane: audit::Lane, lobs: &[wire::Lob]) -> Self {
        let lob = lobs.iter().find(|lob| lob.lob_id == lane.lob_id);
        let unnamed = if lane.lob_id.is_empty() { "none" } else { lane.lob_id.as_str() };
        Self {
            line_of_business: lob.map_or(unnamed, |lob| lob.name.as_str()).to_owned(),
            owner: lane.owner.map_or(0, |owner| owner.data_owner_id),
            cases: lane.cases,
            with_document: lane.with_document,
            accepted: lane.accepted,
            executed: lane.executed,
            concluded: lane.concluded,
            to_observe: lane.to_observe,
            stale: lane.stale,
            open_actions: lane.open_actions,
            complete: lane.complete,
            missing: lane.unmet.into_iter().map(Unmet::of).collect(),
            lob_id: some(lane.lob_id),
        }
    }
}

impl Plan {
    fn of(plan: audit::TestPlan) -> Self {
        Self {
            number: plan.number,
            cases: plan.cases,
            planning_version_id: plan.planning_version_id,
            scoping_version_id: plan.scoping_version_id,
            sample_selection_version_id: plan.sample_selection_version_id,
            planned_at: plan.planned_at.and_then(moment),
            planned_by: plan.planned_by,
        }
    }
}

impl Unmet {
    fn of(unmet: shared::Unmet) -> Self {
        Self { phase: named(unmet.phase).0, subject: unmet.subject, what: unmet.what }
    }
}

/// All lines of business, also those that are not in the list any more: their lanes stay.
async fn lobs(client: &mut WorkflowServiceClient<Connection>) -> Result<Vec<wire::Lob>, Status> {
    let mut request = wire::ListLobsRequest { include_retired: true, ..Default::default() };
    let mut lobs = Vec::new();
    loop {
        let page = client.list_lobs(request.clone()).await?.into_inner();
        lobs.extend(page.lobs);
        if page.next_page_token.is_empty() {
            return Ok(lobs);
        }
        request.page_token = page.next_page_token;
    }
}

/// What programs and people call a phase.
fn named(phase: i32) -> (&'static str, &'static str) {
    let row = PhaseTable::standard().get(Phase::new(phase));
    row.map_or(("", ""), |row| (row.slug, row.display_name))
}

fn command(command: wire::GateCommand) -> String {
    word(command.as_str_name(), "GATE_COMMAND_")
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
