//! Changes of a whole workflow.

use chrono::{DateTime, Utc};
use serde_json::Value;
use signoff_ledger::{Closing, Command, Entry, RequestKey};
use signoff_workflow::Workflow;
use sqlx::PgConnection;

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

    /// The workflow.
    pub fn workflow(&self) -> Workflow {
        self.command.workflow()
    }

    /// Who asks.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The time of the whole change.
    pub fn now(&self) -> DateTime<Utc> {
        self.command.now()
    }

    /// The transaction's connection.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.command.conn()
    }

    /// Adds a record of a change of the whole workflow to the trail.
    ///
    /// # Errors
    /// The record does not fit into the trail.
    pub fn record(
        &mut self,
        action: &'static str,
        subject: String,
        reason: Option<String>,
        (before, after): (Option<Value>, Option<Value>),
    ) -> Result<(), Fault> {
        let entry = Entry {
            reason,
            before,
            after,
            ..entry(action, subject, &self.actor, &self.key, self.command.now())
        };
        self.command.record(entry)?;
        Ok(())
    }

    /// Closes the workflow: it is read-only for ever.
    ///
    /// # Errors
    /// What the database says. That it is closed already was found before.
    pub async fn close(&mut self, reason: String) -> Result<(), Fault> {
        let closing = self.command.close_workflow(self.actor.user_id, &reason).await?;
        let subject = self.command.workflow().to_string();
        self.record(Closing::ACTION, subject, Some(reason), (None, Some(closing.summary())))
    }

    pub(crate) async fn commit(self, answer: Vec<u8>) -> Result<(), Fault> {
        self.command.commit(Some(answer)).await?;
        Ok(())
    }
}
