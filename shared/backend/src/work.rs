//! A change under way, as far as every service knows it: the command, who asks, and its record.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;
use signoff_ledger::gates::ChangeRefused;
use signoff_ledger::{Command, DetailRows, Entry, Origin, RequestKey, TrailActor};
use signoff_workflow::{PhaseRow, PhaseTable, Scope};
use sqlx::PgConnection;

use crate::{Actor, Closed, Fault, Order};

/// A change under way in one phase. A service's own change holds it, and adds its commands.
#[derive(Debug)]
pub struct Work {
    pub(crate) command: Box<Command>,
    scope: Scope,
    pub(crate) row: PhaseRow,
    pub(crate) phases: Arc<PhaseTable>,
    pub(crate) actor: Actor,
    key: RequestKey,
}

impl Work {
    pub(crate) fn new(
        command: Box<Command>,
        row: PhaseRow,
        phases: Arc<PhaseTable>,
        order: Order,
    ) -> Self {
        let Order { scope, actor, key } = order;
        Self { command, scope, row, phases, actor, key }
    }

    /// What the change is about.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The row of its phase.
    pub fn row(&self) -> &PhaseRow {
        &self.row
    }

    /// The table of phases.
    pub fn phases(&self) -> &PhaseTable {
        &self.phases
    }

    /// Who asks.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The time of the whole change.
    pub fn now(&self) -> DateTime<Utc> {
        self.command.now()
    }

    /// The ledger's command: the gate of the phase, and the head of the chain.
    pub fn command(&self) -> &Command {
        &self.command
    }

    /// The same, to load other gates with and to write details ahead of their record.
    pub fn command_mut(&mut self) -> &mut Command {
        &mut self.command
    }

    /// The transaction's connection.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.command.conn()
    }

    /// # Errors
    /// The phase takes no change now.
    pub fn admit(&self) -> Result<(), Fault> {
        self.command
            .gate()
            .admits_change()
            .map_err(|refused| self.refuses_change(&self.row, refused))
    }

    /// Admits what mends a stale phase.
    ///
    /// # Errors
    /// The phase takes no such change now.
    pub fn admit_mending(&self) -> Result<(), Fault> {
        self.command
            .gate()
            .admits_mending()
            .map_err(|refused| self.refuses_change(&self.row, refused))
    }

    /// Why the gate of a phase, this one or another of the workflow, lets no change in.
    pub fn refuses_change(&self, row: &PhaseRow, refused: ChangeRefused) -> Fault {
        let reason = match refused {
            ChangeRefused::NotStarted => Closed::NotStarted,
            ChangeRefused::Reopening => Closed::Reopening,
            ChangeRefused::Stale { because } => Closed::Stale(self.display_name(&because)),
            ChangeRefused::Sealed { holders } => self.sealed_by(&holders),
        };
        Fault::PhaseClosed { phase: row.display_name.to_owned(), reason }
    }

    pub(crate) fn closed(&self, reason: Closed) -> Fault {
        Fault::PhaseClosed { phase: self.row.display_name.to_owned(), reason }
    }

    pub(crate) fn sealed_by(&self, holders: &BTreeMap<String, i64>) -> Closed {
        Closed::Sealed(holders.keys().map(|slug| self.display_name(slug)).collect())
    }

    pub(crate) fn display_name(&self, slug: &str) -> String {
        self.phases.by_slug(slug).map_or(slug, |row| row.display_name).to_owned()
    }

    /// Adds a record of a change in a phase, by its slug, to the trail.
    ///
    /// # Errors
    /// The record does not fit into the trail.
    pub fn record_in(
        &mut self,
        phase: &str,
        action: &'static str,
        subject: String,
        reason: Option<&str>,
        (before, after): (Option<Value>, Option<Value>),
        details: Vec<DetailRows>,
    ) -> Result<(), Fault> {
        let entry = Entry {
            phase: Some(phase.to_owned()),
            reason: reason.map(str::to_owned),
            before,
            after,
            details,
            ..entry(action, subject, &self.actor, &self.key, self.command.now())
        };
        self.command.record(entry)?;
        Ok(())
    }

    /// Ends the change: what was written and recorded is there, with its answer.
    pub(crate) async fn commit(self, answer: Vec<u8>) -> Result<(), Fault> {
        self.command.commit(Some(answer)).await?;
        Ok(())
    }
}

/// A record of what somebody does now: who, by which request; and nothing more.
pub(crate) fn entry(
    action: &'static str,
    subject: String,
    actor: &Actor,
    key: &RequestKey,
    now: DateTime<Utc>,
) -> Entry {
    Entry {
        phase: None,
        action,
        actor: TrailActor {
            user_id: actor.user_id,
            subject: actor.subject.clone(),
            acting_service: actor.acting_service.clone(),
            roles: actor.roles.iter().map(|role| role.name().to_owned()).collect(),
        },
        method: key.method.clone(),
        request_id: Some(key.request_id),
        subject,
        reason: None,
        before: None,
        after: None,
        occurred_at: now,
        origin: Origin::Native,
        details: Vec::new(),
    }
}

/// The fields of two JSON objects that differ, as they are in each; some of them always.
pub fn differing(before: Value, after: Value, always: &[&str]) -> (Value, Value) {
    let (Value::Object(mut before), Value::Object(mut after)) = (before, after) else {
        return (Value::Null, Value::Null);
    };
    let same: Vec<String> = before
        .iter()
        .filter(|(field, value)| {
            !always.contains(&field.as_str()) && after.get(*field) == Some(*value)
        })
        .map(|(field, _)| field.clone())
        .collect();
    for field in &same {
        before.remove(field);
        after.remove(field);
    }
    (Value::Object(before), Value::Object(after))
}
