//! The way of every call: access, then fields, then the command or the query.

use futures::future::BoxFuture;
use prost::Message;
use sha2::{Digest, Sha256};
use signoff_chassis::{Admission, Refusal};
use signoff_contract::convert::{PhaseNeed, RequestScope, scope_from_wire, uuid};
use signoff_contract::requests::{Changing, Scoped};
use signoff_ledger::RequestKey;
use signoff_workflow::{PhaseRow, Scope, Violations, Workflow};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    Actor, Answer, Backend, Fault, Keeper, Order, OrderOfWorkflow, ServiceError, WorkflowChange,
};

/// Longest message of most methods, in bytes.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// A call whose caller may make it.
#[derive(Clone, Debug)]
pub struct Admitted<R> {
    /// What is asked.
    pub request: R,
    /// Who asks.
    pub actor: Actor,
    /// The full name of the RPC.
    pub method: String,
    /// What it is about.
    pub scope: RequestScope,
}

impl<R> Admitted<R> {
    /// The phase that it is about, where one is required.
    ///
    /// # Errors
    /// None was required.
    pub fn in_phase(&self) -> Result<Scope, Fault> {
        let missing = || Fault::Internal("a required phase is missing".to_owned());
        self.scope.scope().ok_or_else(missing)
    }
}

/// Checks the caller's access to what the request is about: one of their roles must let them.
///
/// # Errors
/// The status for the caller.
pub fn admit<B: Keeper, R: Scoped>(
    backend: &B,
    request: Request<R>,
    need: PhaseNeed,
) -> Result<Admitted<R>, Status> {
    admit_up_to(MAX_MESSAGE, backend, request, need)
}

/// The same, for requests of at most so many bytes.
///
/// # Errors
/// The status for the caller.
pub fn admit_up_to<B: Keeper, R: Scoped>(
    most: usize,
    backend: &B,
    request: Request<R>,
    need: PhaseNeed,
) -> Result<Admitted<R>, Status> {
    let admission = Admission::from(&request)?;
    let admitted = admit_whoever(most, &admission, backend, request, need)?;
    if !admitted.actor.by_role {
        return Err(admission.lacks_role().into());
    }
    Ok(admitted)
}

/// The same where the method's rule may also let data owners pass: whether the caller is one, if no
/// role lets them, the service must look up.
///
/// # Errors
/// The status for the caller.
pub fn admit_data_owner<B: Keeper, R: Scoped>(
    backend: &B,
    request: Request<R>,
    need: PhaseNeed,
) -> Result<Admitted<R>, Status> {
    let admission = Admission::from(&request)?;
    admit_whoever(MAX_MESSAGE, &admission, backend, request, need)
}

fn admit_whoever<B: Keeper, R: Scoped>(
    most: usize,
    admission: &Admission,
    backend: &B,
    request: Request<R>,
    need: PhaseNeed,
) -> Result<Admitted<R>, Status> {
    let request = request.into_inner();
    expect_size(&request, most)?;
    let mut violations = Violations::default();
    let scope = request.scope().cloned();
    let Some(scope) = scope_from_wire(scope, "scope", need, backend.phases(), &mut violations)
    else {
        return Err(Refusal::invalid(violations).into());
    };
    let row = scope.phase.and_then(|phase| backend.phases().get(phase));
    let actor = admission.permit(Some(scope.workflow), row)?;
    if let Some(why) = row.and_then(B::refuses_phase) {
        return Err(Refusal::invalid(Violations::one("scope.phase", why)).into());
    }
    Ok(Admitted {
        request,
        method: actor.method.clone(),
        actor: Actor {
            user_id: actor.user_id,
            subject: actor.subject,
            acting_service: actor.acting_service,
            roles: actor.roles,
            by_role: actor.by_role,
        },
        scope,
    })
}

/// # Errors
/// The message is longer than its method takes: the server's own limit is that of the longest.
pub fn expect_size(request: &impl Message, most: usize) -> Result<(), Refusal> {
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
pub async fn change<B, R, I, A>(
    backend: &B,
    request: Request<R>,
    parse: impl FnOnce(R, &PhaseRow, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut B::Change, I, PhaseRow) -> BoxFuture<'a, Result<A, B::Error>>
    + Send,
) -> Result<Response<A>, Status>
where
    B: Backend,
    R: Changing + Scoped,
    I: Send + 'static,
    A: Answer,
{
    change_up_to(MAX_MESSAGE, backend, request, parse, act).await
}

/// The same, for requests of at most so many bytes.
///
/// # Errors
/// The status for the caller.
pub async fn change_up_to<B, R, I, A>(
    most: usize,
    backend: &B,
    request: Request<R>,
    parse: impl FnOnce(R, &PhaseRow, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut B::Change, I, PhaseRow) -> BoxFuture<'a, Result<A, B::Error>>
    + Send,
) -> Result<Response<A>, Status>
where
    B: Backend,
    R: Changing + Scoped,
    I: Send + 'static,
    A: Answer,
{
    let admitted = admit_up_to(most, backend, request, PhaseNeed::Required)?;
    change_admitted(backend, admitted, parse, act).await
}

/// Runs an admitted change in the phase that it is about, and answers.
///
/// # Errors
/// The status for the caller.
pub async fn change_admitted<B, R, I, A>(
    backend: &B,
    admitted: Admitted<R>,
    parse: impl FnOnce(R, &PhaseRow, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut B::Change, I, PhaseRow) -> BoxFuture<'a, Result<A, B::Error>>
    + Send,
) -> Result<Response<A>, Status>
where
    B: Backend,
    R: Changing,
    I: Send + 'static,
    A: Answer,
{
    let workflow = admitted.scope.workflow;
    let done = match admitted.in_phase() {
        Ok(scope) => change_in(backend, admitted, scope, parse, act).await,
        Err(fault) => Err(fault.into()),
    };
    answer(backend, done, workflow)
}

/// Runs an admitted change in a phase.
///
/// # Errors
/// Why it is refused.
pub async fn change_in<B, R, I, A>(
    backend: &B,
    admitted: Admitted<R>,
    scope: Scope,
    parse: impl FnOnce(R, &PhaseRow, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut B::Change, I, PhaseRow) -> BoxFuture<'a, Result<A, B::Error>>
    + Send,
) -> Result<A, B::Error>
where
    B: Backend,
    R: Changing,
    I: Send + 'static,
    A: Answer,
{
    let row = backend.row(scope.phase)?.clone();
    let (order, input) = ordered(admitted, scope, &row, parse)?;
    backend.change(order, move |change| act(change, input, row)).await
}

/// The change that an admitted request orders, and what it asks for, once all fields are checked.
///
/// # Errors
/// [`Fault::Invalid`] names every field at fault.
pub fn ordered<R: Changing, I>(
    admitted: Admitted<R>,
    scope: Scope,
    row: &PhaseRow,
    parse: impl FnOnce(R, &PhaseRow, &mut Violations) -> Option<I>,
) -> Result<(Order, I), Fault> {
    let (actor, key, input) =
        checked(admitted, |request, violations| parse(request, row, violations))?;
    Ok((Order { scope, actor, key }, input))
}

/// Runs an admitted change of a whole workflow.
///
/// # Errors
/// Why it is refused.
pub async fn change_workflow<B, R, I, A>(
    backend: &B,
    admitted: Admitted<R>,
    parse: impl FnOnce(R, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut WorkflowChange, I) -> BoxFuture<'a, Result<A, B::Error>> + Send,
) -> Result<A, B::Error>
where
    B: Keeper,
    R: Changing,
    I: Send + 'static,
    A: Answer,
{
    let workflow = admitted.scope.workflow;
    let (actor, key, input) = checked(admitted, parse)?;
    let order = OrderOfWorkflow { workflow, actor, key };
    backend.change_workflow(order, move |change| act(change, input)).await
}

/// The request's identity and what it asks for, once all fields are checked.
///
/// # Errors
/// [`Fault::Invalid`] names every field at fault.
fn checked<R: Changing, I>(
    admitted: Admitted<R>,
    parse: impl FnOnce(R, &mut Violations) -> Option<I>,
) -> Result<(Actor, RequestKey, I), Fault> {
    let Admitted { request, actor, method, .. } = admitted;
    let mut violations = Violations::default();
    let request_id = identified(&request, &mut violations);
    // The wire's own form may differ from one client to the next; ours is always the same.
    let content_hash = Sha256::digest(request.encode_to_vec()).into();
    let input = parse(request, &mut violations);
    let (Some(request_id), Some(input), true) = (request_id, input, violations.is_empty()) else {
        return Err(Fault::Invalid(violations));
    };
    let key = RequestKey { request_id, method, caller: actor.user_id, content_hash };
    Ok((actor, key, input))
}

/// The id of a request, by which it is done once.
pub fn identified(request: &impl Changing, violations: &mut Violations) -> Option<Uuid> {
    let request_id = uuid(request.request_id(), "request_id", violations);
    if request_id.is_some_and(|id| id.is_nil()) {
        violations.add("request_id", "is the nil UUID: a fresh one identifies the request");
        return None;
    }
    request_id
}

/// The answer of a service to a call, or the status of its refusal.
///
/// # Errors
/// The status for the caller.
pub fn answer<B: Keeper, A>(
    _: &B,
    done: Result<A, B::Error>,
    workflow: Workflow,
) -> Result<Response<A>, Status> {
    done.map(Response::new).map_err(|error| error.refusal(Some(workflow)).into())
}
