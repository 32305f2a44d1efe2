//! What a service is to the code that all services share.

use futures::future::BoxFuture;
use signoff_ledger::{Begun, Ledger, Pool, Witness};
use signoff_workflow::{Phase, PhaseRow, PhaseTable, Workflow};
use sqlx::PgConnection;

use crate::desk::Started;
use crate::workflow::{OrderOfWorkflow, WorkflowChange};
use crate::{Answer, Asked, Desk, Fault, Order, ServiceError, Standing, Subject, Work};

/// A service that keeps a trail: a desk, and what is its own beside it.
pub trait Keeper: Clone + Send + Sync + 'static {
    /// Why it refuses a command.
    type Error: ServiceError;

    /// Where it works.
    fn desk(&self) -> &Desk;

    /// What compares its rows with a workflow's chain.
    fn witness(&self, workflow: Workflow) -> impl Witness;

    /// Why a phase can be none of its phases, whatever it is set up for; `None` if it may be one.
    fn refuses_phase(row: &PhaseRow) -> Option<&'static str>;

    /// The table of phases.
    fn phases(&self) -> &PhaseTable {
        self.desk().phases()
    }

    /// Where readers read.
    fn pool(&self) -> &Pool {
        self.desk().pool()
    }

    /// The trail.
    fn ledger(&self) -> &Ledger {
        self.desk().ledger()
    }

    /// The row of a phase that it serves.
    ///
    /// # Errors
    /// [`Fault::NotServed`].
    fn row(&self, phase: Phase) -> Result<&PhaseRow, Fault> {
        self.desk().row(phase)
    }

    /// Runs a change of a whole workflow, or gives the answer that the same request got before. What
    /// `act` writes is there with its trail record and its answer, or not at all.
    ///
    /// # Errors
    /// Whatever refuses the change; nothing is written then.
    fn change_workflow<A, F>(
        &self,
        order: OrderOfWorkflow,
        act: F,
    ) -> impl Future<Output = Result<A, Self::Error>> + Send
    where
        A: Answer,
        F: for<'a> FnOnce(&'a mut WorkflowChange) -> BoxFuture<'a, Result<A, Self::Error>> + Send,
    {
        async move {
            let started = self.desk().begin(order.workflow, None, &order.key).await?;
            let command = match started {
                Started::Before(answer) => return Ok(answer),
                Started::New(command) => command,
            };
            let mut change = WorkflowChange::new(command, order);
            let answer = act(&mut change).await?;
            change.commit(answer.to_bytes()).await?;
            Ok(answer)
        }
    }
}

/// A service that keeps phases: their gates, and what is done in them.
pub trait Backend: Keeper {
    /// A change of it under way: the work, and what its own commands need beside it.
    type Change: AsMut<Work> + Into<Work> + Send + 'static;

    /// Its own change around work that has begun.
    fn change_of(&self, work: Work) -> Self::Change;

    /// What a phase stands at and lacks, in the transaction of a command or on a snapshot.
    fn standing(
        &self,
        conn: &mut PgConnection,
        of: Subject<'_>,
        asked: Asked<'_>,
    ) -> impl Future<Output = Result<Standing, Self::Error>> + Send;

    /// Runs a change, or gives the answer that the same request got before. What `act` writes is
    /// there with its trail record and its answer, or not at all.
    ///
    /// # Errors
    /// Whatever refuses the change; nothing is written then.
    fn change<A, F>(
        &self,
        order: Order,
        act: F,
    ) -> impl Future<Output = Result<A, Self::Error>> + Send
    where
        A: Answer,
        F: for<'a> FnOnce(&'a mut Self::Change) -> BoxFuture<'a, Result<A, Self::Error>> + Send,
    {
        async move {
            let desk = self.desk();
            let row = desk.row(order.scope.phase)?.clone();
            let started = desk.begin(order.scope.workflow, Some(row.slug), &order.key).await?;
            let command = match started {
                Started::Before(answer) => return Ok(answer),
                Started::New(command) => command,
            };
            let mut change = self.change_of(Work::new(command, row, desk.shared_phases(), order));
            let answer = act(&mut change).await?;
            let work: Work = change.into();
            work.commit(answer.to_bytes()).await?;
            Ok(answer)
        }
    }

    /// Runs a change and undoes it: what it would answer, and whether it would be refused.
    ///
    /// # Errors
    /// Whatever refuses it.
    fn rehearse<T, F>(
        &self,
        order: Order,
        act: F,
    ) -> impl Future<Output = Result<T, Self::Error>> + Send
    where
        T: Send,
        F: for<'a> FnOnce(&'a mut Self::Change) -> BoxFuture<'a, Result<T, Self::Error>> + Send,
    {
        async move {
            let desk = self.desk();
            let row = desk.row(order.scope.phase)?.clone();
            match desk.ledger().begin(order.scope.workflow, Some(row.slug), None).await? {
                Begun::Replay(_) => {
                    Err(Fault::Internal("a replay without a key".to_owned()).into())
                }
                Begun::New(command) => {
                    let work = Work::new(command, row, desk.shared_phases(), order);
                    act(&mut self.change_of(work)).await
                }
            }
        }
    }
}
