//! All phases: what somebody records in a form of their own.

use serde_json::Value;
use signoff_backend::Fault;
use uuid::Uuid;

use super::Change;
use crate::domain::error::Error;
use crate::domain::history::Change as OfHistory;
use crate::store::history::{self, Filter};
use crate::store::records;

/// To record something that the service has no form for.
#[derive(Clone, Debug)]
pub struct RecordChange {
    /// What: an object with a field or more.
    pub data: Value,
    /// Why.
    pub reason: Option<String>,
}

impl Change {
    /// Records something in the phase, as history has it then.
    ///
    /// # Errors
    /// The phase takes no change now.
    pub async fn record_change(&mut self, input: RecordChange) -> Result<OfHistory, Error> {
        self.work.admit()?;
        let (id, phase) = (Uuid::now_v7(), self.work.row().slug);
        let reason = input.reason.as_deref();
        let mark = self.mark("recorded", reason);
        records::insert(self.conn(), mark, (id, phase), &input.data).await?;
        self.record("change.recorded", id, reason).await?;
        let (workflow, filter) =
            (self.workflow(), Filter { subjects: Some(vec![id]), ..Filter::default() });
        let made = history::list(self.conn(), workflow, &filter, None, 1).await?.pop();
        made.ok_or_else(|| Fault::Internal(format!("{id} has no history")).into())
    }
}
