//! Changes of a whole workflow.

use signoff_ledger::{Closing, Command, Entry, RequestKey};
use signoff_workflow::Workflow;

use crate::work::entry;
use crate::{Actor, Fault};

/// A change of a whole workflow that somebody asks for.
#[derive(Clone, Debug)]
pub struct OrderOfWorkflow {
    /// What it is about.
    pub workflow: Workflow,
    /// Who asks.
    pub actor: Actor,
    /// The request's identity and content.
    pub key: RequestKey,
}

/// Such a change under way.
#[derive(Debug)]
pub struct WorkflowChange {
    command: Box<Command>,
    actor: Actor,
    key: RequestKey,
}

impl WorkflowChange {
    pub(crate) fn new(command: Box<Command>, order: OrderOfWorkflow) -> Self {
        Self { command, actor: order.actor, key: order.key }
    }

    /// Closes the workflow: it is read-only for ever.
    ///
    /// # Errors
    /// What the database says. That it is closed already was found before.
    pub async fn close(&mut self, reason: String) -> Result<(), Fault> {
        let closing = self.command.close_workflow(self.actor.user_id, &reason).await?;
        let (subject, now) = (self.command.workflow().to_string(), self.command.now());
        let entry = Entry {
            reason: Some(reason),
            after: Some(closing.summary()),
            ..entry(Closing::ACTION, subject, &self.actor, &self.key, now)
        };
        self.command.record(entry)?;
        Ok(())
    }

    pub(crate) async fn commit(self, answer: Vec<u8>) -> Result<(), Fault> {
        self.command.commit(Some(answer)).await?;
        Ok(())
    }
}
