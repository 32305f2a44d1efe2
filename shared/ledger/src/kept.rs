//! Whether the ledger's own rows are what its chain says: gates, and the end of a workflow.

use std::collections::HashMap;

use serde_json::Value;
use signoff_workflow::Workflow;
use sqlx::PgConnection;

use crate::{Closing, Record, Testimony, closing, gates};

/// What a chain says of the ledger's own rows. A service's [`Witness`](crate::Witness) tells it
/// which records are about them, since the service knows what its other records are about.
#[derive(Debug)]
pub struct KeptRows {
    workflow: Workflow,
    /// What was said last about each gate.
    gates: HashMap<String, Value>,
    /// What was said about the end of the workflow.
    closing: Option<Value>,
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
        self.closing = after.cloned();
        Ok(true)
    }

    /// Notes what a record says about the gate of a phase, by its slug.
    pub fn gate(&mut self, slug: &str, after: Option<Value>) {
        self.gates.extend(after.map(|after| (slug.to_owned(), after)));
    }

    /// Compares what was said with what is there.
    ///
    /// # Errors
    /// What the database says.
    pub async fn compare(&self, connection: &mut PgConnection) -> Testimony {
        let slugs: Vec<&str> = self.gates.keys().map(String::as_str).collect();
        for (slug, gate) in gates::load(connection, self.workflow, &slugs).await? {
            if self.gates.get(&slug) != Some(&gate.summary()) {
                return Ok(Err(format!("the gate of {slug} is not what was recorded")));
            }
        }
        let closing = closing(connection, self.workflow).await?;
        if closing.as_ref().map(Closing::summary) != self.closing {
            return Ok(Err("the end of the workflow is not what was recorded".to_owned()));
        }
        Ok(Ok(()))
    }
}
