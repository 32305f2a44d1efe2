//! Changes of a whole workflow.

use futures::future::BoxFuture;
use serde_json::{Value, json};
use signoff_ledger::{Closing, Command, Entry, RequestKey};
use signoff_workflow::Workflow;

use super::{Answer, Engine, Started, entry};
use crate::domain::actor::Actor;
use crate::domain::error::Error;

/// The action of the record that closes a workflow.
pub(crate) const ACTION: &str = "workflow.closed";

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

impl Engine {
    /// Runs a change of a whole workflow, as [`change`](Self::change) runs one in a phase.
    ///
    /// # Errors
    /// Whatever refuses the change; nothing is written then.
    pub async fn change_workflow<A, F>(&self, order: OrderOfWorkflow, act: F) -> Result<A, Error>
    where
        A: Answer,
        F: for<'a> FnOnce(&'a mut WorkflowChange) -> BoxFuture<'a, Result<A, Error>> + Send,
    {
        let OrderOfWorkflow { workflow, actor, key } = order;
        let command = match self.begin(workflow, None, &key).await? {
            Started::Before(answer) => return Ok(answer),
            Started::New(command) => command,
        };
        let mut change = WorkflowChange { command, actor, key };
        let answer = act(&mut change).await?;
        change.command.commit(Some(answer.to_bytes())).await?;
        Ok(answer)
    }
}

impl WorkflowChange {
    /// Closes the workflow: it is read-only for ever.
    ///
    /// # Errors
    /// What the database says. That it is closed already was found before.
    pub async fn close(&mut self, reason: String) -> Result<(), Error> {
        let closing = self.command.close_workflow(self.actor.user_id, &reason).await?;
        let (subject, now) = (self.command.workflow().to_string(), self.command.now());
        let entry = Entry {
            reason: Some(reason),
            after: Some(summary(&closing)),
            ..entry(ACTION, subject, &self.actor, &self.key, now)
        };
        self.command.record(entry)?;
        Ok(())
    }
}

/// What the trail says about a closed workflow.
pub(crate) fn summary(closing: &Closing) -> Value {
    json!({ "closed_at": closing.at, "closed_by": closing.by, "reason": closing.reason })
}
