//! The way of every call: access, then fields, then the command or the query.

use futures::future::BoxFuture;
use prost::Message;
use sha2::{Digest, Sha256};
use signoff_chassis::{Admission, Refusal};
use signoff_contract::convert::{PhaseNeed, RequestScope, scope_from_wire, uuid};
use signoff_ledger::RequestKey;
use signoff_workflow::{PhaseRow, Scope, VersioningType, Violations, Workflow};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::errors::refusal;
use super::requests::{Changing, Scoped};
use crate::commands::{Answer, Change, Engine, Order, OrderOfWorkflow, WorkflowChange};
use crate::domain::actor::Actor;
use crate::domain::error::Error;

/// A call whose caller may make it.
pub(super) struct Admitted<R> {
    /// What is asked.
    pub request: R,
    /// Who asks.
    pub actor: Actor,
    /// The full name of the RPC.
    pub method: String,
    /// What it is about.
    pub scope: RequestScope,
}

/// Checks the caller's access to what the request is about.
///
/// # Errors
/// The status for the caller.
pub(super) fn admit<R: Scoped>(
    engine: &Engine,
    request: Request<R>,
    need: PhaseNeed,
) -> Result<Admitted<R>, Status> {
    let admission = Admission::from(&request)?;
    let request = request.into_inner();
    expect_size(&request, R::MAX_BYTES)?;
    let mut violations = Violations::default();
    let scope = request.scope().cloned();
    let Some(scope) = scope_from_wire(scope, "scope", need, engine.phases(), &mut violations)
    else {
        return Err(Refusal::invalid(violations).into());
    };
    let row = scope.phase.and_then(|phase| engine.phases().get(phase));
    let actor = admission.permit(Some(scope.workflow), row)?;
    if row.is_some_and(|row| row.kind == VersioningType::AuditOnly) {
        let violations = Violations::one("scope.phase", "keeps no versions: it is audited only");
        return Err(Refusal::invalid(violations).into());
    }
    Ok(Admitted {
        request,
        method: actor.method.clone(),
        actor: Actor {
            user_id: actor.user_id,
            subject: actor.subject,
            acting_service: actor.acting_service,
            roles: actor.roles,
        },
        scope,
    })
}

/// # Errors
/// The message is longer than its method takes: the server's own limit is that of the longest.
pub(super) fn expect_size(request: &impl Message, most: usize) -> Result<(), Refusal> {
    let size = request.encoded_len();
    if size > most {
        let message = format!("the message has {size} bytes; at most {most} are taken");
        return Err(Refusal::limit_exceeded(message, None));
    }
    Ok(())
}

/// Runs a change in one phase: `parse` checks the request's fields, `act` does it.
///
/// # Errors
/// The status for the caller.
pub(super) async fn change<R, I, A>(
    engine: &Engine,
    request: Request<R>,
    parse: impl FnOnce(R, &PhaseRow, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut Change, I, PhaseRow) -> BoxFuture<'a, Result<A, Error>> + Send,
) -> Result<Response<A>, Status>
where
    R: Changing,
    I: Send + 'static,
    A: Answer,
{
    let admitted = admit(engine, request, PhaseNeed::Required)?;
    let workflow = admitted.scope.workflow;
    let done = match admitted.scope.scope() {
        Some(scope) => change_in(engine, admitted, scope, parse, act).await,
        None => Err(Error::Internal("a required phase is missing".to_owned())),
    };
    answer(done, workflow)
}

/// Runs an admitted change in a phase.
///
/// # Errors
/// Why it is refused.
pub(super) async fn change_in<R, I, A>(
    engine: &Engine,
    admitted: Admitted<R>,
    scope: Scope,
    parse: impl FnOnce(R, &PhaseRow, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut Change, I, PhaseRow) -> BoxFuture<'a, Result<A, Error>> + Send,
) -> Result<A, Error>
where
    R: Changing,
    I: Send + 'static,
    A: Answer,
{
    let row = engine.row(scope.phase)?.clone();
    let (actor, key, input) =
        checked(admitted, |request, violations| parse(request, &row, violations))?;
    engine.change(Order { scope, actor, key }, move |change| act(change, input, row)).await
}

/// Runs an admitted change of a whole workflow.
///
/// # Errors
/// Why it is refused.
pub(super) async fn change_workflow<R, I, A>(
    engine: &Engine,
    admitted: Admitted<R>,
    parse: impl FnOnce(R, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut WorkflowChange, I) -> BoxFuture<'a, Result<A, Error>> + Send,
) -> Result<A, Error>
where
    R: Changing,
    I: Send + 'static,
    A: Answer,
{
    let workflow = admitted.scope.workflow;
    let (actor, key, input) = checked(admitted, parse)?;
    let order = OrderOfWorkflow { workflow, actor, key };
    engine.change_workflow(order, move |change| act(change, input)).await
}

/// The request's identity and what it asks for, once all fields are checked.
///
/// # Errors
/// [`Error::Invalid`] names every field at fault.
fn checked<R: Changing, I>(
    admitted: Admitted<R>,
    parse: impl FnOnce(R, &mut Violations) -> Option<I>,
) -> Result<(Actor, RequestKey, I), Error> {
    let Admitted { request, actor, method, .. } = admitted;
    let mut violations = Violations::default();
    let request_id = identified(&request, &mut violations);
    // The wire's own form may differ from one client to the next; ours is always the same.
    let content_hash = Sha256::digest(request.encode_to_vec()).into();
    let input = parse(request, &mut violations);
    let (Some(request_id), Some(input), true) = (request_id, input, violations.is_empty()) else {
        return Err(Error::Invalid(violations));
    };
    let key = RequestKey { request_id, method, caller: actor.user_id, content_hash };
    Ok((actor, key, input))
}

/// The id of a request, by which it is done once.
pub(super) fn identified(request: &impl Changing, violations: &mut Violations) -> Option<Uuid> {
    let request_id = uuid(request.request_id(), "request_id", violations);
    if request_id.is_some_and(|id| id.is_nil()) {
        violations.add("request_id", "is the nil UUID: a fresh one identifies the request");
        return None;
    }
    request_id
}

/// The answer to a call, or the status of its refusal.
pub(super) fn answer<A>(done: Result<A, Error>, workflow: Workflow) -> Result<Response<A>, Status> {
    done.map(Response::new).map_err(|error| refusal(error, Some(workflow)).into())
}
