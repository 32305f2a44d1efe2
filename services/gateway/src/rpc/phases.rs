//! `signoff.gateway.v1.PhaseService`.

use signoff_backend::rpc::inputs::required_text;
use signoff_chassis::Refusal;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::gateway::v1::phase_service_server::PhaseService;
use signoff_contract::requests::Changing;
use signoff_workflow::{Command, Phase, Scope, Violations, check, next};
use tonic::{Request, Response, Status};

use super::once::{Once, Start};
use super::{Answered, passed, unified};
use crate::board::{Board, command_to_wire, unmet_to_wire};
use crate::door::Passed;
use crate::phases::Phases;
use crate::{Gateway, plan};

/// The service over one gateway.
#[derive(Clone, Debug)]
pub struct Rpc(pub(super) Gateway);

#[tonic::async_trait]
impl PhaseService for Rpc {
    async fn create_version(
        &self,
        request: Request<wire::CreateVersionRequest>,
    ) -> Answered<wire::CreateVersionResponse> {
        let (passed, scope) = in_phase(&request)?;
        let request = request.into_inner();
        // By one of two methods: which it was the first time must not be asked again.
        match Once::begin(&self.0, &passed, &request, Violations::default()).await? {
            Start::Before(answer) => Ok(Response::new(answer)),
            Start::New(once) => {
                let created = unified::create(&self.0, &passed, scope, request).await?;
                Ok(Response::new(once.end(created).await?))
            }
        }
    }

    async fn get_current_version(
        &self,
        request: Request<wire::GetCurrentVersionRequest>,
    ) -> Answered<wire::GetCurrentVersionResponse> {
        let (passed, scope) = in_phase(&request)?;
        Ok(Response::new(unified::current(&self.0, &passed, scope).await?))
    }

    async fn get_version_history(
        &self,
        request: Request<wire::GetVersionHistoryRequest>,
    ) -> Answered<wire::GetVersionHistoryResponse> {
        let (passed, scope) = in_phase(&request)?;
        let found = unified::history(&self.0, &passed, scope, request.into_inner()).await?;
        Ok(Response::new(found))
    }

    async fn approve_version(
        &self,
        request: Request<wire::ApproveVersionRequest>,
    ) -> Answered<wire::ApproveVersionResponse> {
        let (passed, scope) = in_phase(&request)?;
        let approved = unified::approve(&self.0, &passed, scope, request.into_inner()).await?;
        Ok(Response::new(approved))
    }

    async fn start_phase(
        &self,
        request: Request<wire::StartPhaseRequest>,
    ) -> Answered<wire::StartPhaseResponse> {
        let (passed, scope) = in_phase(&request)?;
        let act = async |phases: Phases| {
            let phase_status = Some(phases.start(scope.phase).await?);
            Ok(wire::StartPhaseResponse { phase_status })
        };
        self.once(&passed, &request.into_inner(), Violations::default(), act).await
    }

    async fn reopen_phase(
        &self,
        request: Request<wire::ReopenPhaseRequest>,
    ) -> Answered<wire::ReopenPhaseResponse> {
        let (passed, scope) = in_phase(&request)?;
        let request = request.into_inner();
        let mut violations = Violations::default();
        let reason = required_text(request.reason.clone(), "reason", &mut violations);
        let act = async |phases: Phases| {
            let reason = reason.unwrap_or_default();
            let (status, stale) = phases.reopen(scope.phase, reason).await?;
            let stale = stale.iter().map(|phase| phase.number()).collect();
            Ok(wire::ReopenPhaseResponse { phase_status: Some(status), stale })
        };
        self.once(&passed, &request, violations, act).await
    }

    async fn reaffirm_phase(
        &self,
        request: Request<wire::ReaffirmPhaseRequest>,
    ) -> Answered<wire::ReaffirmPhaseResponse> {
        let (passed, scope) = in_phase(&request)?;
        let act = async |phases: Phases| {
            let phase_status = Some(phases.reaffirm(scope.phase).await?);
            Ok(wire::ReaffirmPhaseResponse { phase_status })
        };
        self.once(&passed, &request.into_inner(), Violations::default(), act).await
    }

    async fn plan_test_cases(
        &self,
        request: Request<wire::PlanTestCasesRequest>,
    ) -> Answered<wire::PlanTestCasesResponse> {
        let passed = passed(&request)?;
        let asked = passed.scope.and_then(|scope| scope.phase);
        if asked.is_some_and(|phase| phase != Phase::DATA_OWNER_ID) {
            let what = "must be unset, or that of Data Owner ID";
            return Err(Refusal::invalid(Violations::one("scope.phase", what)).into());
        }
        let gateway = self.0.clone();
        let act = async |phases: Phases| plan::plan(&gateway, &phases).await;
        self.once(&passed, &request.into_inner(), Violations::default(), act).await
    }

    async fn explain_gate(
        &self,
        request: Request<wire::ExplainGateRequest>,
    ) -> Answered<wire::ExplainGateResponse> {
        let (_, scope) = in_phase(&request)?;
        let asked = request.into_inner().command;
        let board = Board::read(&self.0, scope.workflow).await?;
        let (table, phase) = (self.0.table(), scope.phase);
        let command = match wire::GateCommand::try_from(asked) {
            Ok(wire::GateCommand::Start) => Command::Start(phase),
            Ok(wire::GateCommand::Change) => Command::Change(phase),
            Ok(wire::GateCommand::Reopen) => Command::Reopen(phase),
            Ok(wire::GateCommand::Reaffirm) => Command::Reaffirm(phase),
            Ok(wire::GateCommand::Unspecified) => {
                let steps = next(table, board.facts_of_all());
                let step = steps.into_iter().find(|step| step.phase == phase);
                step.map_or(Command::Start(phase), |step| step.next)
            }
            Err(_) => {
                let what = "is not a known command";
                return Err(Refusal::invalid(Violations::one("command", what)).into());
            }
        };
        let unmet = check(table, board.facts_of_all(), command).err().unwrap_or_default();
        Ok(Response::new(wire::ExplainGateResponse {
            allowed: unmet.is_empty(),
            unmet: unmet.into_iter().map(unmet_to_wire).collect(),
            command: command_to_wire(command).into(),
        }))
    }
}

impl Rpc {
    /// Runs a command of many steps once, or answers what the same request was answered before.
    async fn once<R, A>(
        &self,
        passed: &Passed,
        request: &R,
        violations: Violations,
        act: impl AsyncFnOnce(Phases) -> Result<A, Status>,
    ) -> Answered<A>
    where
        R: Changing,
        A: prost::Message + Default,
    {
        let Some(scope) = passed.scope else { return Err(Refusal::internal().into()) };
        match Once::begin(&self.0, passed, request, violations).await? {
            Start::Before(answer) => Ok(Response::new(answer)),
            Start::New(once) => {
                let phases = self.0.phases_for(scope.workflow, &passed.who, once.id());
                let answer = act(phases).await?;
                Ok(Response::new(once.end(answer).await?))
            }
        }
    }
}

/// The phase that a request is about, by the scope or by its name.
fn in_phase<R>(request: &Request<R>) -> Result<(Passed, Scope), Status> {
    let passed = passed(request)?;
    match passed.scope.and_then(|scope| scope.scope()) {
        Some(scope) => Ok((passed, scope)),
        None => {
            let what = "is required, or else phase_name";
            Err(Refusal::invalid(Violations::one("scope.phase", what)).into())
        }
    }
}
