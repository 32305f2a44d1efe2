//! Whether the ledger's own rows are what its chain says: gates, and the end of a workflow.

use std::collections::HashMap;

use serde_json::Value;
use signoff_workflow::Workflow;
use sqlx::PgConnection;

use crate::{Closing, Contradictions, LedgerError, Record, closing, gates};

/// What a chain says of the ledger's own rows. A service's [`Witness`](crate::Witness) tells it
/// which records are about them, since the service knows what its other records are about.
#[derive(Debug)]
pub struct KeptRows {
    workflow: Workflow,
    /// What was said last about each gate, and by which record.
    gates: HashMap<String, (i64, Value)>,
    /// What was said about the end of the workflow, and by which record.
    closing: Option<(i64, Value)>,
}

impl KeptRows {
    /// Of a workflow.
    pub fn of(workflow: Workflow) -> Self {
        Self { workflow, gates: HashMap::new(), closing: None }
    }

    /// Follows a record, with what it says of its subject afterwards, as far as it is about the end
    /// of the workflow, and says whether it is.
    ///
    /// # Errors
    /// It comes after the end.
    pub fn ends(&mut self, record: &Record, after: Option<&Value>) -> Result<bool, String> {
        if self.closing.is_some() {
            return Err("it comes after the workflow was closed".to_owned());
        }
        if record.action != Closing::ACTION {
            return Ok(false);
        }
        self.closing = after.map(|after| (record.sequence, after.clone()));
        Ok(true)
    }

    /// Notes what a record says about the gate of a phase: its subject is the slug.
    pub fn gate(&mut self, record: &Record, after: Option<Value>) {
        self.gates.extend(after.map(|after| (record.subject.clone(), (record.sequence, after))));
    }

    /// Compares what was said with what is there.
    ///
    /// # Errors
    /// What the database says.
    pub async fn compare(
        &self,
        connection: &mut PgConnection,
        found: &mut Contradictions,
    ) -> Result<(), LedgerError> {
        let gates = gates::all(connection, self.workflow).await?;
        for slug in gates.keys().filter(|slug| !self.gates.contains_key(*slug)) {
            found.note(None, format!("the gate of {slug} is in no record"));
        }
        for (slug, (record, told)) in &self.gates {
            if gates.get(slug).map(gates::Gate::summary).as_ref() != Some(told) {
                found.note(Some(*record), format!("the gate of {slug} is not what was recorded"));
            }
        }
        let there = closing(connection, self.workflow).await?.as_ref().map(Closing::summary);
        if there.as_ref() != self.closing.as_ref().map(|(_, told)| told) {
            let record = self.closing.as_ref().map(|(record, _)| *record);
            found.note(record, "the end of the workflow is not what was recorded");
        }
        Ok(())
    }
}
