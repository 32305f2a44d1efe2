//! Test Execution: requests for action.

use serde_json::Value;
use signoff_backend::Fault;
use signoff_workflow::Violations;
use uuid::Uuid;

use super::{Change, expect_assigned};
use crate::domain::action::{Action, ActionType, Response};
use crate::domain::error::{Error, Kind};
use crate::store::actions;

/// To ask for something.
#[derive(Clone, Debug)]
pub struct RequestAction {
    /// What.
    pub action_type: ActionType,
    /// For which test case; for that of the execution, if it is not given.
    pub test_case_id: Option<Uuid>,
    /// Which execution gave rise to it.
    pub execution_id: Option<Uuid>,
    /// What exactly.
    pub details: Option<Value>,
    /// Why.
    pub reason: String,
}

/// To answer a request.
#[derive(Clone, Debug)]
pub struct RespondToAction {
    /// Which.
    pub action_id: Uuid,
    /// What the caller read.
    pub etag: Option<String>,
    /// How.
    pub response: Response,
}

impl Change {
    /// Asks the data owner for something.
    ///
    /// # Errors
    /// Nobody owns the lane, or the execution is another test case's.
    pub async fn request_action(&mut self, input: RequestAction) -> Result<Action, Error> {
        self.work.admit()?;
        let of_execution = match input.execution_id {
            Some(id) => Some(self.execution(id).await?.test_case_id),
            None => None,
        };
        let test_case_id = match (input.test_case_id, of_execution) {
            (Some(given), Some(of)) if given != of => {
                let what = format!("is of another test case: {of}");
                return Err(Fault::Invalid(Violations::one("execution_id", what)).into());
            }
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => {
                let what = "is required, unless an execution is named";
                return Err(Fault::Invalid(Violations::one("test_case_id", what)).into());
            }
        };
        let case = self.test_case(test_case_id).await?;
        expect_assigned(std::slice::from_ref(&case))?;
        let last = self.last(1, Some(&input.reason));
        let new = Action {
            id: Uuid::now_v7(),
            action_type: input.action_type,
            test_case_id,
            execution_id: input.execution_id,
            action_details: input.details,
            requested_by: last.by,
            requested_at: last.at,
            request_reason: input.reason,
            responded: None,
            last,
        };
        let mark = self.mark("requested", None);
        actions::insert(self.conn(), mark, &new).await?;
        self.record("action.requested", new.id, Some(&new.request_reason)).await?;
        Ok(new)
    }

    /// Answers a request, once, as a data owner of its lane.
    ///
    /// # Errors
    /// It was answered, or the caller does not own the lane.
    pub async fn respond_to_action(&mut self, input: RespondToAction) -> Result<Action, Error> {
        self.admit_owner().await?;
        let workflow = self.workflow();
        let action = actions::by_id(self.conn(), workflow, input.action_id)
            .await?
            .ok_or_else(|| Error::not_found(Kind::Action, input.action_id))?;
        let case = self.test_case(action.test_case_id).await?;
        expect_assigned(std::slice::from_ref(&case))?;
        self.expect_own(case.lob_id).await?;
        action.last.expect_etag(input.etag.as_deref())?;
        action.expect_open()?;
        let notes = input.response.notes.clone();
        let mark = self.mark("responded", notes.as_deref());
        actions::respond(self.conn(), mark, action.id, &input.response).await?;
        self.record("action.responded", action.id, notes.as_deref()).await?;
        let last = self.last(action.last.revision + 1, notes.as_deref());
        let responded = Some((input.response, last.by, last.at));
        Ok(Action { responded, last, ..action })
    }
}
