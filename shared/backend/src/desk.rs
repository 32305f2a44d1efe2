//! What a service works at: its ledger, and the phases that it serves.

use std::sync::Arc;

use signoff_ledger::{Begun, Command, Instance, Ledger, Pool, RequestKey};
use signoff_workflow::{Phase, PhaseRow, PhaseTable, Scope, Workflow};

use crate::{Actor, Answer, Fault};

/// A ledger, and what of the phase table it is for. Clones share all of it.
#[derive(Clone, Debug)]
pub struct Desk {
    ledger: Ledger,
    instance: Instance,
    phases: Arc<PhaseTable>,
    served: Arc<[Phase]>,
}

/// A change that somebody asks for.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it is about.
    pub scope: Scope,
    /// Who asks.
    pub actor: Actor,
    /// The request's identity and content.
    pub key: RequestKey,
}

/// A command that begins, or that was done before.
pub(crate) enum Started<A> {
    /// With this answer.
    Before(A),
    /// It is new.
    New(Box<Command>),
}

impl Desk {
    /// Over a ledger, for these of the table's phases; `instance` is what the ledger's connections
    /// say of themselves.
    pub fn new(ledger: Ledger, instance: Instance, phases: PhaseTable, served: &[Phase]) -> Self {
        Self { ledger, instance, phases: Arc::new(phases), served: served.into() }
    }

    /// The trail, and the way into commands.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where readers read.
    pub fn pool(&self) -> &Pool {
        self.ledger.pool()
    }

    /// The process that this is, as the database server knows it.
    pub fn instance(&self) -> Instance {
        self.instance
    }

    /// The table of phases.
    pub fn phases(&self) -> &PhaseTable {
        &self.phases
    }

    /// The same, to be kept.
    pub(crate) fn shared_phases(&self) -> Arc<PhaseTable> {
        Arc::clone(&self.phases)
    }

    /// The row of a phase that is served here.
    ///
    /// # Errors
    /// [`Fault::NotServed`].
    pub fn row(&self, phase: Phase) -> Result<&PhaseRow, Fault> {
        self.phases
            .get(phase)
            .filter(|row| self.served.contains(&row.phase))
            .ok_or(Fault::NotServed(phase))
    }

    /// Begins a command, or finds the answer that the same request got before.
    pub(crate) async fn begin<A: Answer>(
        &self,
        workflow: Workflow,
        phase: Option<&str>,
        key: &RequestKey,
    ) -> Result<Started<A>, Fault> {
        match self.ledger.begin(workflow, phase, Some(key)).await? {
            Begun::Replay(bytes) => Ok(Started::Before(A::from_bytes(&bytes)?)),
            Begun::New(command) => Ok(Started::New(command)),
        }
    }
}
