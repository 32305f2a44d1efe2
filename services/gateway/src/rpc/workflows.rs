//! `signoff.gateway.v1.WorkflowService`.

use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use signoff_backend::rpc::inputs::{etag, required_text};
use signoff_backend::rpc::{Admitted, Page, admit, answer, change_workflow, malformed};
use signoff_backend::{Actor, Fault, Keeper as _, ServiceError as _};
use signoff_chassis::{Admission, Refusal};
use signoff_contract::convert::{
    PhaseNeed, RequestScope, optional_uuid, time_from_wire, workflow_to_wire,
};
use signoff_contract::gateway::v1 as wire;
use signoff_contract::gateway::v1::workflow_service_server::WorkflowService;
use signoff_contract::versioning::v1::{
    CloseWorkflowRequest as CloseBackend, CloseWorkflowResponse as ClosedBackend,
};
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::{Role, Violations, Workflow};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::once::{Once, Start};
use super::{Answered, inputs, passed, to_wire};
use crate::Gateway;
use crate::board::Board;
use crate::commands::{self, HOUSE};
use crate::domain::error::Error;
use crate::forward::{Target, Who, reason_of};
use crate::store::lobs;
use crate::store::members::{self, Held};
use crate::store::workflows::{self, Listed};

/// The backends' own ends of a workflow, in the order in which they come.
const CLOSINGS: [(Target, &str); 2] = [
    (Target::Versioning, "/signoff.versioning.v1.VersioningService/CloseWorkflow"),
    (Target::Audit, "/signoff.audit.v1.AuditPhaseService/CloseWorkflow"),
];
/// How often it is looked whether a watcher may still watch.
const STILL_MAY: Duration = Duration::from_secs(2);

/// The service over one gateway.
#[derive(Clone, Debug)]
pub struct Rpc(pub(super) Gateway);

#[tonic::async_trait]
impl WorkflowService for Rpc {
    type WatchBoardStream =
        Pin<Box<dyn Stream<Item = Result<wire::WatchBoardResponse, Status>> + Send>>;

    async fn open_workflow(
        &self,
        request: Request<wire::OpenWorkflowRequest>,
    ) -> Answered<wire::OpenWorkflowResponse> {
        let admitted = admit(&self.0, request, PhaseNeed::Refused)?;
        let workflow = admitted.scope.workflow;
        if workflow == HOUSE {
            let what = "is the nil UUID twice: that is no workflow";
            return Err(Refusal::invalid(Violations::one("scope", what)).into());
        }
        let parse = |request: wire::OpenWorkflowRequest, violations: &mut Violations| {
            let cycle = inputs::name(request.cycle_name, "cycle_name", violations);
            let report = inputs::name(request.report_name, "report_name", violations);
            let members = inputs::members(&request.members, violations);
            Some(((cycle?, report?), members))
        };
        let done = change_workflow(&self.0, admitted, parse, |change, (names, members)| {
            Box::pin(async move {
                let found = commands::open_workflow(change, names, members).await?;
                Ok(wire::OpenWorkflowResponse { workflow: Some(to_wire::workflow(found)) })
            })
        })
        .await;
        self.0.members().forget(workflow);
        answer(&self.0, done, workflow)
    }

    async fn close_workflow(
        &self,
        request: Request<wire::CloseWorkflowRequest>,
    ) -> Answered<wire::CloseWorkflowResponse> {
        let passed = passed(&request)?;
        let admitted = admit(&self.0, request, PhaseNeed::Refused)?;
        let workflow = admitted.scope.workflow;
        // What cannot be undone comes after the request's id was looked up.
        let violations = Violations::default();
        if let Start::Before(answer) =
            Once::begin(&self.0, &passed, &admitted.request, violations).await?
        {
            return Ok(Response::new(answer));
        }
        close_backends(&self.0, &passed.who, &admitted).await?;
        let parse = |request: wire::CloseWorkflowRequest, violations: &mut Violations| {
            required_text(request.reason, "reason", violations)
        };
        let done = change_workflow(&self.0, admitted, parse, |change, reason| {
            Box::pin(async move {
                let found = commands::close_workflow(change, reason).await?;
                Ok(wire::CloseWorkflowResponse { workflow: Some(to_wire::workflow(found)) })
            })
        })
        .await;
        answer(&self.0, done, workflow)
    }

    async fn get_workflow(
        &self,
        request: Request<wire::GetWorkflowRequest>,
    ) -> Answered<wire::GetWorkflowResponse> {
        let admitted = admit(&self.0, request, PhaseNeed::Optional)?;
        let workflow = admitted.scope.workflow;
        let done = async {
            let mut connection = self.0.pool().acquire().await?;
            let found = workflows::find(&mut connection, workflow).await?;
            let found = found.ok_or(Error::NotOpened(workflow))?;
            Ok(wire::GetWorkflowResponse { workflow: Some(to_wire::workflow(found)) })
        };
        answer(&self.0, done.await, workflow)
    }

    async fn list_workflows(
        &self,
        request: Request<wire::ListWorkflowsRequest>,
    ) -> Answered<wire::ListWorkflowsResponse> {
        let who = passed(&request)?.who;
        let request = request.into_inner();
        let done = async {
            let mut violations = Violations::default();
            let cycle_id = optional_uuid(&request.cycle_id, "cycle_id", &mut violations);
            let report_id = optional_uuid(&request.report_id, "report_id", &mut violations);
            let ((), page) = Page::beside("ListWorkflows", &request, Some(()), violations)?;
            let after = page.after.as_deref().map(read_place).transpose()?;
            let listed = Listed {
                member: (!sees_all(&who)).then(|| who.person()),
                cycle_id,
                report_id,
                after,
                limit: page.fetch(),
            };
            let mut connection = self.0.pool().acquire().await?;
            let found = workflows::list(&mut connection, &listed).await?;
            let rows = found.into_iter().map(|found| {
                let place = place(found.opened.at, found.workflow);
                (place, to_wire::workflow(found))
            });
            let (workflows, next_page_token) = page.close(rows.collect());
            Ok(wire::ListWorkflowsResponse { workflows, next_page_token })
        };
        without_scope(done.await)
    }

    async fn set_members(
        &self,
        request: Request<wire::SetMembersRequest>,
    ) -> Answered<wire::SetMembersResponse> {
        let admitted = admit(&self.0, request, PhaseNeed::Refused)?;
        let workflow = admitted.scope.workflow;
        let parse = |request: wire::SetMembersRequest, violations: &mut Violations| {
            let members = inputs::members(&request.members, violations);
            let reason = required_text(request.reason, "reason", violations);
            Some((members, reason?, etag(request.etag)))
        };
        let done = change_workflow(&self.0, admitted, parse, |change, (wanted, reason, etag)| {
            Box::pin(async move {
                let etag = etag.as_deref();
                let found = commands::set_members(change, wanted, &reason, etag).await?;
                let held = Held::At(None);
                let held = members::list(change.conn(), workflow, held, 0, i64::MAX).await?;
                Ok(wire::SetMembersResponse {
                    members: held.into_iter().map(to_wire::membership).collect(),
                    workflow: Some(to_wire::workflow(found)),
                })
            })
        })
        .await;
        self.0.members().forget(workflow);
        answer(&self.0, done, workflow)
    }

    async fn list_members(
        &self,
        request: Request<wire::ListMembersRequest>,
    ) -> Answered<wire::ListMembersResponse> {
        let admitted = admit(&self.0, request, PhaseNeed::Optional)?;
        let workflow = admitted.scope.workflow;
        let done = async {
            let request = &admitted.request;
            let mut violations = Violations::default();
            let as_of =
                request.as_of.and_then(|time| time_from_wire(time, "as_of", &mut violations));
            if request.include_past && request.as_of.is_some() {
                violations.add("as_of", "goes without include_past");
            }
            let held = if request.include_past { Held::Ever } else { Held::At(as_of) };
            let ((), page) = Page::beside(&admitted.method, request, Some(()), violations)?;
            let after = page.after.as_deref().map(str::parse).transpose();
            let after: i64 = after.map_err(|_| malformed())?.unwrap_or_default();
            let mut connection = self.0.pool().acquire().await?;
            if workflows::find(&mut connection, workflow).await?.is_none() {
                return Err(Error::NotOpened(workflow));
            }
            let found = members::list(&mut connection, workflow, held, after, page.fetch()).await?;
            let rows = found.into_iter().map(|of| (of.number.to_string(), to_wire::membership(of)));
            let (members, next_page_token) = page.close(rows.collect());
            Ok(wire::ListMembersResponse { members, next_page_token })
        };
        answer(&self.0, done.await, workflow)
    }

    async fn set_lobs(
        &self,
        request: Request<wire::SetLobsRequest>,
    ) -> Answered<wire::SetLobsResponse> {
        let actor = Admission::from(&request)?.permit(None, None)?;
        let admitted = Admitted {
            request: request.into_inner(),
            method: actor.method.clone(),
            actor: Actor {
                user_id: actor.user_id,
                subject: actor.subject,
                acting_service: actor.acting_service,
                roles: actor.roles,
                by_role: actor.by_role,
            },
            scope: RequestScope { workflow: HOUSE, phase: None },
        };
        let parse = |request: wire::SetLobsRequest, violations: &mut Violations| {
            let lobs = inputs::lobs(request.lobs, violations);
            let reason = required_text(request.reason, "reason", violations);
            Some((lobs, reason?))
        };
        let done = change_workflow(&self.0, admitted, parse, |change, (lobs, reason)| {
            Box::pin(async move {
                let lobs = commands::set_lobs(change, lobs, &reason).await?;
                Ok(wire::SetLobsResponse { lobs: lobs.into_iter().map(to_wire::lob).collect() })
            })
        })
        .await;
        answer(&self.0, done, HOUSE)
    }

    async fn list_lobs(
        &self,
        request: Request<wire::ListLobsRequest>,
    ) -> Answered<wire::ListLobsResponse> {
        let request = request.into_inner();
        let done = async {
            let page = Page::of("ListLobs", &request)?;
            let after = page.after.as_deref().map(str::parse::<Uuid>).transpose();
            let after = after.map_err(|_| malformed())?;
            let mut connection = self.0.pool().acquire().await?;
            let retired = request.include_retired;
            let found = lobs::page(&mut connection, retired, after, page.fetch()).await?;
            let rows = found.into_iter().map(|lob| (lob.lob_id.to_string(), to_wire::lob(lob)));
            let (lobs, next_page_token) = page.close(rows.collect());
            Ok(wire::ListLobsResponse { lobs, next_page_token })
        };
        without_scope(done.await)
    }

    async fn get_board(
        &self,
        request: Request<wire::GetBoardRequest>,
    ) -> Answered<wire::GetBoardResponse> {
        let admitted = admit(&self.0, request, PhaseNeed::Optional)?;
        let board = Board::read(&self.0, admitted.scope.workflow).await?;
        Ok(Response::new(wire::GetBoardResponse { board: Some(board.to_wire(self.0.table())) }))
    }

    async fn watch_board(
        &self,
        request: Request<wire::WatchBoardRequest>,
    ) -> Answered<Self::WatchBoardStream> {
        let passed = passed(&request)?;
        let admitted = admit(&self.0, request, PhaseNeed::Optional)?;
        let workflow = admitted.scope.workflow;
        let gateway = self.0.clone();
        let watched = futures::stream::try_unfold(None, move |seen| {
            let (gateway, passed) = (gateway.clone(), passed.clone());
            async move {
                let mut seen = seen.unwrap_or_else(|| gateway.watching().watch(&gateway, workflow));
                loop {
                    let changed = tokio::time::timeout(STILL_MAY, seen.changed()).await;
                    // Who is no member any more sees nothing more.
                    let roles = gateway.members().roles(&gateway, workflow, passed.who.person());
                    let who = Who { report_roles: roles.await?, ..passed.who.clone() };
                    gateway.permit(&passed.method, &who, passed.scope)?;
                    passed.expect_valid()?;
                    match changed {
                        Err(_elapsed) => {}
                        // The reader had ended just when we came: another one begins.
                        Ok(Err(_ended)) => seen = gateway.watching().watch(&gateway, workflow),
                        Ok(Ok(())) => {
                            let last = seen.borrow_and_update().clone();
                            if let Some(board) = last {
                                let answer = wire::WatchBoardResponse { board: Some(board?) };
                                return Ok::<_, Status>(Some((answer, Some(seen))));
                            }
                        }
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(watched)))
    }
}

/// Closes a workflow in the backends. One that was closed there before is as good.
async fn close_backends(
    gateway: &Gateway,
    by: &Who,
    admitted: &Admitted<wire::CloseWorkflowRequest>,
) -> Result<(), Status> {
    let workflow = admitted.scope.workflow;
    let mut violations = Violations::default();
    let reason = required_text(admitted.request.reason.clone(), "reason", &mut violations);
    let id = signoff_backend::rpc::identified(&admitted.request, &mut violations);
    let (Some(reason), Some(id), true) = (reason, id, violations.is_empty()) else {
        return Err(Refusal::invalid(violations).into());
    };
    let mut connection = gateway
        .pool()
        .acquire()
        .await
        .map_err(|error| Status::from(Fault::from(error).refusal(Some(workflow))))?;
    let found = workflows::find(&mut connection, workflow).await;
    let found = found.map_err(|fault| Status::from(fault.refusal(Some(workflow))))?;
    drop(connection);
    if found.is_none() {
        return Err(Error::NotOpened(workflow).refusal(Some(workflow)).into());
    }
    let who = Who::gateway_for(by);
    let scope = RequestScope { workflow, phase: None };
    for at in CLOSINGS {
        let request = CloseBackend {
            scope: Some(workflow_to_wire(workflow)),
            reason: reason.clone(),
            request_id: Uuid::new_v5(&id, b"close").to_string(),
        };
        let closed: Result<ClosedBackend, Status> =
            gateway.backends().ask(at, &who, Some(scope), request).await;
        if let Err(status) = closed
            && reason_of(&status) != Some(ErrorReason::WorkflowClosed)
        {
            return Err(status);
        }
    }
    Ok(())
}

/// Whether somebody sees all workflows.
fn sees_all(who: &Who) -> bool {
    let everywhere = [Role::Auditor, Role::Admin, Role::Service];
    who.on_behalf_of.is_none() && everywhere.iter().any(|role| who.roles.contains(*role))
}

/// Where a list of workflows goes on.
fn place(at: chrono::DateTime<chrono::Utc>, workflow: Workflow) -> String {
    format!("{}/{workflow}", at.timestamp_micros())
}

fn read_place(place: &str) -> Result<(chrono::DateTime<chrono::Utc>, Workflow), Fault> {
    let mut parts = place.split('/');
    let mut next = || parts.next().ok_or_else(malformed);
    let micros = next()?.parse().map_err(|_| malformed())?;
    let at = chrono::DateTime::from_timestamp_micros(micros).ok_or_else(malformed)?;
    let cycle_id = next()?.parse().map_err(|_| malformed())?;
    let report_id = next()?.parse().map_err(|_| malformed())?;
    Ok((at, Workflow { cycle_id, report_id }))
}

fn without_scope<A>(done: Result<A, Fault>) -> Answered<A> {
    done.map(Response::new).map_err(|fault| fault.refusal(None).into())
}
