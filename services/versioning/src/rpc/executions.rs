//! The test executions that observations name: each must be there, and be concluded.
//!
//! The audit service is asked when a request's fields are in order and before its transaction: no
//! lock and no connection waits for another service. That is safe, since a concluded execution never
//! changes and never goes: what is true when it is asked is true when the observation is written.

use std::collections::HashSet;
use std::fmt;

use futures::future::BoxFuture;
use signoff_backend::rpc::{MAX_MESSAGE, admit_up_to, answer, ordered};
use signoff_backend::{Answer, Backend as _, Keeper as _, Order};
use signoff_contract::convert::PhaseNeed;
use signoff_contract::requests::{Changing, Scoped};
use signoff_workflow::{PhaseRow, Violations, Workflow};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::commands::{
    AddDecisions, Change, CreateVersion, Engine, ReviewDecisions, ReviseVersion, UpdateDecision,
};
use crate::domain::error::Error;
use crate::domain::item::Recommendation;
use crate::domain::payload::{Content, Observation};

/// Where a request has a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a decision that is put forward, counted from 0.
    Decision(usize),
    /// In a review, counted from 0.
    Review(usize),
    /// In an edit.
    Edit,
}

/// An execution that a request names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    /// In which payload.
    pub place: Place,
    /// Which of the payload's executions, counted from 0.
    pub number: usize,
    /// It.
    pub id: Uuid,
}

impl Named {
    /// All that a content names.
    pub(super) fn all_of(place: Place, content: &Content) -> impl Iterator<Item = Self> {
        Observation::executions_of(content).enumerate().map(move |(number, id)| Self {
            place,
            number,
            id,
        })
    }

    /// The path of its field within what is at its place.
    pub(super) fn field(&self) -> String {
        let payload = match self.place {
            Place::Decision(_) | Place::Edit => "payload",
            Place::Review(_) => "modified_payload",
        };
        format!("{payload}.observation.execution_ids[{}]", self.number)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Decision(i) => write!(f, "decisions[{i}].")?,
            Place::Review(i) => write!(f, "reviews[{i}].")?,
            Place::Edit => {}
        }
        f.write_str(&self.field())
    }
}

/// What a command is given that may hold observations.
pub(super) trait Observing {
    /// The executions that it names.
    fn executions(&self) -> Vec<Named>;
}

fn put_forward(items: &[Recommendation]) -> Vec<Named> {
    let items = items.iter().enumerate();
    items.flat_map(|(i, item)| Named::all_of(Place::Decision(i), &item.content)).collect()
}

impl Observing for CreateVersion {
    fn executions(&self) -> Vec<Named> {
        put_forward(&self.items)
    }
}

impl Observing for ReviseVersion {
    fn executions(&self) -> Vec<Named> {
        put_forward(&self.items)
    }
}

impl Observing for AddDecisions {
    fn executions(&self) -> Vec<Named> {
        put_forward(&self.items)
    }
}

impl Observing for UpdateDecision {
    fn executions(&self) -> Vec<Named> {
        Named::all_of(Place::Edit, &self.replacement.content).collect()
    }
}

impl Observing for ReviewDecisions {
    fn executions(&self) -> Vec<Named> {
        let reviews = self.reviews.iter().enumerate();
        reviews
            .filter_map(|(i, (_, opinion))| Some((i, opinion.change.as_ref()?)))
            .flat_map(|(i, change)| Named::all_of(Place::Review(i), &change.replacement.content))
            .collect()
    }
}

/// What is at fault with the executions that a request names.
#[derive(Debug, Default)]
pub(super) struct Unfit {
    unknown: Violations,
    first_unknown: Option<Uuid>,
    open: Violations,
    seen_open: HashSet<Uuid>,
    by_row: bool,
}

/// Why an observation cannot name an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Unknown,
    Open,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "is no test execution of this workflow",
            Self::Open => "is a test execution that is not concluded",
        })
    }
}

impl Unfit {
    /// Of the rows of a stream, which are told by their numbers, too.
    pub(super) fn of_rows() -> Self {
        Self { by_row: true, ..Self::default() }
    }

    /// Asks for all of these, and notes what is at fault; and gives each that is.
    pub(super) async fn ask(
        &mut self,
        engine: &Engine,
        workflow: Workflow,
        named: &[Named],
    ) -> Result<Vec<(Named, Fit)>, Error> {
        let mut ids: Vec<Uuid> = named.iter().map(|of| of.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let concluded = engine.executions.concluded(workflow, &ids).await?;
        let unfit = named.iter().filter_map(|of| match concluded.get(&of.id) {
            Some(true) => None,
            Some(false) => Some((*of, Fit::Open)),
            None => Some((*of, Fit::Unknown)),
        });
        Ok(unfit.inspect(|(of, why)| self.add(of, *why)).collect())
    }

    fn add(&mut self, of: &Named, why: Fit) {
        let id = of.id;
        let row = match of.place {
            Place::Decision(i) if self.by_row => format!("row {}: ", i + 1),
            Place::Decision(_) | Place::Review(_) | Place::Edit => String::new(),
        };
        match why {
            Fit::Unknown => {
                self.first_unknown.get_or_insert(id);
                self.unknown.add(of.to_string(), format!("{row}{id} {why}"));
            }
            Fit::Open if self.seen_open.insert(id) => {
                self.open.add(id.to_string(), format!("{row}{of} {why}"));
            }
            Fit::Open => {}
        }
    }

    /// # Errors
    /// Something is at fault. What is unknown comes first.
    pub(super) fn refuse(self) -> Result<(), Error> {
        if let Some(first) = self.first_unknown {
            return Err(Error::ExecutionsUnknown { first, named: self.unknown });
        }
        self.open.or(()).map_err(Error::ExecutionsOpen)
    }
}

/// Runs a change whose payloads may be observations.
pub(super) async fn change<R, I, A>(
    engine: &Engine,
    request: Request<R>,
    parse: impl FnOnce(R, &PhaseRow, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut Change, I, PhaseRow) -> BoxFuture<'a, Result<A, Error>> + Send,
) -> Result<Response<A>, Status>
where
    R: Changing + Scoped,
    I: Observing + Send + Sync + 'static,
    A: Answer,
{
    change_up_to(MAX_MESSAGE, engine, request, parse, act).await
}

/// The same, for requests of at most so many bytes.
pub(super) async fn change_up_to<R, I, A>(
    most: usize,
    engine: &Engine,
    request: Request<R>,
    parse: impl FnOnce(R, &PhaseRow, &mut Violations) -> Option<I>,
    act: impl for<'a> FnOnce(&'a mut Change, I, PhaseRow) -> BoxFuture<'a, Result<A, Error>> + Send,
) -> Result<Response<A>, Status>
where
    R: Changing + Scoped,
    I: Observing + Send + Sync + 'static,
    A: Answer,
{
    let admitted = admit_up_to(most, engine, request, PhaseNeed::Required)?;
    let workflow = admitted.scope.workflow;
    let done = async {
        let scope = admitted.in_phase()?;
        let row = engine.row(scope.phase)?.clone();
        let (order, input) = ordered(admitted, scope, &row, parse)?;
        expect_concluded(engine, &order, &input.executions()).await?;
        engine.change(order, move |change| act(change, input, row)).await
    };
    answer(engine, done.await, workflow)
}

/// # Errors
/// An execution is unknown or not concluded, or nobody says so. A request that was done before is
/// not asked about: it gets its first answer.
async fn expect_concluded(engine: &Engine, order: &Order, named: &[Named]) -> Result<(), Error> {
    if named.is_empty() || was_done(engine, order).await? {
        return Ok(());
    }
    let mut unfit = Unfit::default();
    let asked = match unfit.ask(engine, order.scope.workflow, named).await {
        Ok(_) => unfit.refuse(),
        Err(away) => Err(away),
    };
    match asked {
        // The same request may have been done just now.
        Err(_) if was_done(engine, order).await? => Ok(()),
        asked => asked,
    }
}

/// Whether a request of this id was done before.
pub(super) async fn was_done(engine: &Engine, order: &Order) -> Result<bool, Error> {
    Ok(engine.ledger().knows(order.scope.workflow, order.key.request_id).await?)
}
