//! Workflows that are closed: read-only for ever.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use signoff_workflow::Workflow;
use sqlx::{PgConnection, Row};

use crate::{Command, LedgerError};

/// That a workflow was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: i64,
    /// Why.
    pub reason: String,
}

impl Closing {
    /// The action of the record that closes a workflow.
    pub const ACTION: &str = "workflow.closed";

    /// What the trail says about it.
    pub fn summary(&self) -> Value {
        json!({ "closed_at": self.at, "closed_by": self.by, "reason": self.reason })
    }
}

/// Whether a workflow is closed, for those who only look.
///
/// # Errors
/// What the database says.
pub async fn closing(
    connection: &mut PgConnection,
    workflow: Workflow,
) -> Result<Option<Closing>, LedgerError> {
    let row = sqlx::query(
        "select closed_at, closed_by, reason from closed_workflows \
         where cycle_id = $1 and report_id = $2",
    )
    .bind(workflow.cycle_id)
    .bind(workflow.report_id)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Closing {
        at: row.try_get("closed_at")?,
        by: row.try_get("closed_by")?,
        reason: row.try_get("reason")?,
    }))
}

impl Command {
    /// Closes the workflow: this command is its last. Its own record must be in the same
    /// transaction; nobody adds another one afterwards.
    ///
    /// # Errors
    /// What the database says.
    pub async fn close_workflow(&mut self, by: i64, reason: &str) -> Result<Closing, LedgerError> {
        let closing = Closing { at: self.now(), by, reason: reason.to_owned() };
        let workflow = self.workflow();
        sqlx::query(
            "insert into closed_workflows (cycle_id, report_id, closed_at, closed_by, reason) \
             values ($1, $2, $3, $4, $5)",
        )
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .bind(closing.at)
        .bind(closing.by)
        .bind(&closing.reason)
        .execute(self.conn())
        .await?;
        Ok(closing)
    }
}
