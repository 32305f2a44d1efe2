//! Runs programs: sends their messages to the backends, and tells them the answers.

use signoff_contract::convert::{RequestScope, scope_to_wire, workflow_to_wire};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::{Command, Phase, Scope, VersioningType, check};
use tonic::{Code, Status};
use uuid::Uuid;

use super::Phases;
use crate::board::Board;
use crate::forward::{Target, Who, reason_of};
use crate::protocol::{Answer, End, Message, Program, Step};

/// The paths of a method of both backends.
macro_rules! of_both {
    ($method:literal) => {
        [
            concat!("/signoff.versioning.v1.VersioningService/", $method),
            concat!("/signoff.audit.v1.AuditPhaseService/", $method),
        ]
    };
}

impl Phases {
    /// Runs a program to its end. Should its caller go away, it ends where it is: as in a crash, whoever comes
    /// next gets on from there.
    pub(super) async fn run(&self, mut program: Program<Status>) -> End<Status> {
        loop {
            let message = program.message(self.gateway.table());
            let answer = match self.send(&message).await {
                Ok(answer) => answer,
                Err(status) => refused(status),
            };
            tracing::debug!(?message, ?answer, workflow = %self.workflow, "a step of a gate");
            match program.after(self.gateway.table(), answer) {
                Step::Go(next) => program = next,
                Step::End(end) => return end,
            }
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// What a backend refuses, or that it is away.
    pub(super) async fn send(&self, message: &Message) -> Result<Answer<Status>, Status> {
        match message {
            Message::BeginOpen { phase, reaffirm, seen } => {
                let request = wire::BeginOpenRequest {
                    scope: self.scope(*phase),
                    reaffirm: *reaffirm,
                    request_id: self.step(&format!("begin/{}/{seen}", phase.number())),
                };
                let begun: Result<wire::BeginOpenResponse, Status> =
                    self.ask(*phase, of_both!("BeginOpen"), request).await;
                match begun {
                    Ok(begun) => Ok(Answer::Begun(begun.attempt)),
                    Err(status) if reason_of(&status) == Some(ErrorReason::PhaseAlreadyOpen) => {
                        Ok(Answer::AlreadyOpen)
                    }
                    Err(status) => Err(status),
                }
            }
            Message::Seal { phases, holder, attempt, required } => {
                self.seal(phases, *holder, *attempt, required).await
            }
            Message::Confirm { phase, reaffirm } => self.confirm(*phase, *reaffirm).await,
            Message::Open { phase, attempt, rests_on } => {
                let request = wire::OpenRequest {
                    scope: self.scope(*phase),
                    attempt: *attempt,
                    rests_on: rests_on.clone(),
                    request_id: self.step(&format!("open/{}/{attempt}", phase.number())),
                };
                let _: wire::OpenResponse = self.ask(*phase, of_both!("Open"), request).await?;
                Ok(Answer::Done)
            }
            Message::Fence { phase, attempt } => {
                let request = wire::FenceRequest {
                    scope: self.scope(*phase),
                    attempt: *attempt,
                    request_id: Uuid::new_v4().to_string(),
                };
                let fenced: wire::FenceResponse =
                    self.ask(*phase, of_both!("Fence"), request).await?;
                Ok(Answer::Fenced { dead: fenced.dead })
            }
            Message::Release { phase, holder, up_to } => {
                let request = wire::ReleaseSealRequest {
                    scope: self.scope(*phase),
                    holder: holder.number(),
                    up_to_attempt: *up_to,
                    request_id: Uuid::new_v4().to_string(),
                };
                let _: wire::ReleaseSealResponse =
                    self.ask(*phase, of_both!("ReleaseSeal"), request).await?;
                Ok(Answer::Done)
            }
            Message::Look(phase) => {
                let request =
                    wire::GetPhaseStatusRequest { scope: self.scope(*phase), ..Default::default() };
                let told: wire::GetPhaseStatusResponse =
                    self.ask(*phase, of_both!("GetPhaseStatus"), request).await?;
                let holders = told.phase_status.unwrap_or_default().holders;
                let holders = holders.iter().map(|of| (Phase::new(of.phase), of.attempt));
                Ok(Answer::Holders(holders.collect()))
            }
            Message::BeginReopen(phase) => {
                let request = wire::BeginReopenRequest {
                    scope: self.scope(*phase),
                    reason: self.reason.clone(),
                    request_id: self.step(&format!("reopen/{}", phase.number())),
                };
                let begun: wire::BeginReopenResponse =
                    self.ask(*phase, of_both!("BeginReopen"), request).await?;
                Ok(Answer::Reopening(begun.reopening))
            }
            Message::MarkStale { phase, because, reopening } => {
                let name = format!("stale/{}/{}/{reopening}", phase.number(), because.number());
                let request = wire::MarkStaleRequest {
                    scope: self.scope(*phase),
                    because: because.number(),
                    reopening: *reopening,
                    request_id: self.step(&name),
                };
                let _: wire::MarkStaleResponse =
                    self.ask(*phase, of_both!("MarkStale"), request).await?;
                Ok(Answer::Done)
            }
            Message::FinishReopen { phase, reopening } => {
                let request = wire::FinishReopenRequest {
                    scope: self.scope(*phase),
                    reopening: *reopening,
                    request_id: self.step(&format!("reopened/{}/{reopening}", phase.number())),
                };
                let _: wire::FinishReopenResponse =
                    self.ask(*phase, of_both!("FinishReopen"), request).await?;
                Ok(Answer::Done)
            }
        }
    }

    async fn seal(
        &self,
        phases: &[Phase],
        holder: Phase,
        attempt: i64,
        required: &[String],
    ) -> Result<Answer<Status>, Status> {
        let first = phases.first().copied().unwrap_or(holder);
        let name = format!("seal/{}/{}/{attempt}", first.number(), holder.number());
        let request = wire::SealRequest {
            scope: Some(workflow_to_wire(self.workflow)),
            phases: phases.iter().map(|phase| phase.number()).collect(),
            holder: holder.number(),
            attempt,
            request_id: self.step(&name),
            required_execution_ids: required.to_vec(),
        };
        let scope = RequestScope { workflow: self.workflow, phase: None };
        let at = self.method_at(first, of_both!("Seal"));
        let who = self.who.clone();
        let sealed: wire::SealResponse =
            self.gateway.backends().ask(at, &who, Some(scope), request).await?;
        Ok(match sealed.unmet.is_empty() {
            true => {
                let (rests_on, execution_ids) = (sealed.rests_on, sealed.execution_ids);
                Answer::Sealed { rests_on, execution_ids }
            }
            false => Answer::Unmet(sealed.unmet),
        })
    }

    /// Looks at the board again, now that everything below is sealed: a plan that was made from other
    /// versions, say, no backend sees by itself.
    async fn confirm(&self, phase: Phase, reaffirm: bool) -> Result<Answer<Status>, Status> {
        let board = Board::read(&self.gateway, self.workflow).await?;
        let command = if reaffirm { Command::Reaffirm(phase) } else { Command::Start(phase) };
        Ok(match check(self.gateway.table(), board.facts_of_all(), command) {
            Ok(()) => Answer::Done,
            Err(unmet) => {
                Answer::Unmet(unmet.into_iter().map(crate::board::unmet_to_wire).collect())
            }
        })
    }

    /// Asks the backend of a phase, as the gateway and in the person's name.
    async fn ask<Q, A>(
        &self,
        phase: Phase,
        paths: [&'static str; 2],
        request: Q,
    ) -> Result<A, Status>
    where
        Q: prost::Message + Clone + 'static,
        A: prost::Message + Default + 'static,
    {
        let reads = paths[0].ends_with("/GetPhaseStatus");
        let who = if reads { Who::gateway() } else { self.who.clone() };
        let scope = RequestScope { workflow: self.workflow, phase: Some(phase) };
        let at = self.method_at(phase, paths);
        self.gateway.backends().ask(at, &who, Some(scope), request).await
    }

    fn method_at(
        &self,
        phase: Phase,
        [versioning, audit]: [&'static str; 2],
    ) -> (Target, &'static str) {
        match self.gateway.table().get(phase).map(|row| row.kind) {
            Some(VersioningType::AuditOnly) => (Target::Audit, audit),
            Some(VersioningType::Full) | None => (Target::Versioning, versioning),
        }
    }

    fn scope(&self, phase: Phase) -> Option<shared::Scope> {
        Some(scope_to_wire(Scope { workflow: self.workflow, phase }))
    }
}

/// What a backend's error means to a program: it was not done, or nobody knows.
fn refused(status: Status) -> Answer<Status> {
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Unknown
        | Code::Internal => Answer::Lost(status),
        _ => Answer::Refused(status),
    }
}
