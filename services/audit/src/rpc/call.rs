//! The way of the calls of this service: each change is of one phase, and some callers are data
//! owners rather than holders of a role.

use futures::future::BoxFuture;
use signoff_backend::rpc::{Admitted, Page, admit, admit_data_owner, answer, change_admitted};
use signoff_backend::{Answer, Fault, Keeper as _};
use signoff_chassis::Refusal;
use signoff_contract::convert::PhaseNeed;
use signoff_contract::requests::{Changing, Paged, Scoped};
use signoff_ledger::Lease;
use signoff_workflow::{Phase, Violations, Workflow};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::commands::{Change, Engine};
use crate::domain::error::Error;
use crate::store::assignments;

pub(super) type Answered<A> = Result<Response<A>, Status>;

/// Whom a method is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Holders of a role that its rule names.
    Roles,
    /// The same, and data owners in their own lanes.
    DataOwners,
}

/// Runs a change in this phase: `parse` checks the request's fields, `act` does it.
pub(super) async fn change<R, I, A>(
    engine: &Engine,
    request: Request<R>,
    (phase, whom): (Phase, For),
    parse: impl FnOnce(R, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut Change, I) -> BoxFuture<'a, Result<A, Error>> + Send,
) -> Answered<A>
where
    R: Changing + Scoped,
    I: Send + 'static,
    A: Answer,
{
    let admitted = match whom {
        For::Roles => admit(engine, request, PhaseNeed::Required)?,
        For::DataOwners => admit_data_owner(engine, request, PhaseNeed::Required)?,
    };
    if admitted.scope.phase != Some(phase) {
        let row = engine.phases().get(phase);
        let name = row.map_or("another phase", |row| row.display_name);
        let violations = Violations::one("scope.phase", format!("must be that of {name}"));
        return Err(Refusal::invalid(violations).into());
    }
    change_admitted(
        engine,
        admitted,
        |request, _, violations| parse(request, violations),
        |change, input, _| act(change, input),
    )
    .await
}

/// A read.
pub(super) struct Reading<R> {
    /// What is asked.
    pub request: R,
    /// Of which workflow.
    pub workflow: Workflow,
    /// Of which phase, if it is of one.
    pub phase: Option<Phase>,
    /// The only lanes that the caller sees, if they see not all.
    pub visible: Option<Vec<Uuid>>,
    method: String,
    connection: Lease,
}

impl<R> Reading<R> {
    /// From what it reads.
    pub(super) fn conn(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// # Errors
    /// The caller sees other lanes only.
    pub(super) fn expect_visible(&self, lobs: &[Uuid]) -> Result<(), Error> {
        match &self.visible {
            Some(own) if !lobs.iter().any(|lob| own.contains(lob)) => {
                let lane = lobs.first().map(ToString::to_string).unwrap_or_default();
                let what = "you have no active assignment for it";
                Err(Error::NotTheOwner(Violations::one(lane, what)))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl<R: Paged> Reading<R> {
    /// The page that is asked for.
    pub(super) fn page(&self) -> Result<Page, Fault> {
        self.page_beside(Some(()), Violations::default()).map(|((), page)| page)
    }

    /// What else was read of the request, and the page: refused together.
    pub(super) fn page_beside<T>(
        &self,
        read: Option<T>,
        violations: Violations,
    ) -> Result<(T, Page), Fault> {
        Page::beside(&self.method, &self.request, read, violations)
    }
}

/// Runs a read.
pub(super) async fn read<R, A>(
    engine: &Engine,
    request: Request<R>,
    whom: For,
    act: impl for<'a> FnOnce(&'a mut Reading<R>) -> BoxFuture<'a, Result<A, Error>> + Send,
) -> Answered<A>
where
    R: Scoped,
{
    let admitted = match whom {
        For::Roles => admit(engine, request, PhaseNeed::Optional)?,
        For::DataOwners => admit_data_owner(engine, request, PhaseNeed::Optional)?,
    };
    let workflow = admitted.scope.workflow;
    let done = async {
        let mut reading = reading(engine, admitted).await?;
        act(&mut reading).await
    };
    answer(engine, done.await, workflow)
}

async fn reading<R>(engine: &Engine, admitted: Admitted<R>) -> Result<Reading<R>, Error> {
    let Admitted { request, actor, method, scope } = admitted;
    let mut connection = engine.pool().acquire().await?;
    let visible = if actor.by_role {
        None
    } else {
        let person = actor.user_id;
        let own = assignments::owned_by(&mut connection, scope.workflow, person, None).await?;
        if own.is_empty() {
            let none = Violations::one("lane", "you own none of this workflow now");
            return Err(Error::NotTheOwner(none));
        }
        Some(own)
    };
    let (workflow, phase) = (scope.workflow, scope.phase);
    Ok(Reading { request, workflow, phase, visible, method, connection })
}

/// What was read of a request, if nothing in it is at fault.
pub(super) fn faultless<T>(read: Option<T>, violations: Violations) -> Result<T, Error> {
    match read {
        Some(read) if violations.is_empty() => Ok(read),
        Some(_) | None => Err(Fault::Invalid(violations).into()),
    }
}
