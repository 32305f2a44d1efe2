//! Requests for action, and the one response of each (seed 002, part G).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::LastChange;
use super::error::{Error, Refused};
use super::words::words;

words! {
    /// What is asked for.
    ActionType, "action type":
    /// A document.
    DocumentRequest = "document_request",
    /// Other data.
    DataUpdateRequest = "data_update_request",
    /// That the case be tested again.
    TestRerun = "test_rerun",
}

words! {
    /// How a request was answered.
    ResponseStatus, "response status":
    /// It was done.
    Fulfilled = "fulfilled",
    /// It was not.
    Rejected = "rejected",
    /// Some of it was.
    Partial = "partial",
}

words! {
    /// What a request did to the timeline.
    TimelineImpact, "impact on the timeline":
    /// Nothing.
    None = "none",
    /// A little.
    MinorDelay = "minor_delay",
    /// Much.
    MajorDelay = "major_delay",
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// In a word.
    pub status: ResponseStatus,
    /// In more.
    pub notes: Option<String>,
    /// What the request did to the timeline, if whoever answers says.
    pub impact: Option<TimelineImpact>,
}

/// A request for action.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its id.
    pub id: Uuid,
    /// What is asked for.
    pub action_type: ActionType,
    /// For which test case.
    pub test_case_id: Uuid,
    /// The execution that gave rise to it.
    pub execution_id: Option<Uuid>,
    /// What exactly.
    pub action_details: Option<Value>,
    /// By whom.
    pub requested_by: i64,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// Why.
    pub request_reason: String,
    /// The answer, who gave it, and when.
    pub responded: Option<(Response, i64, DateTime<Utc>)>,
    /// Its last change.
    pub last: LastChange,
}

impl Action {
    /// # Errors
    /// It was answered.
    pub fn expect_open(&self) -> Result<(), Error> {
        match &self.responded {
            None => Ok(()),
            Some((response, ..)) => {
                let what = format!("has its response: {}", response.status.name());
                Err(Error::refused(Refused::ActionState, self.id, what))
            }
        }
    }

    /// From request to response, in hours.
    pub fn turnaround_hours(&self) -> Option<f64> {
        let (.., at) = self.responded.as_ref()?;
        Some((*at - self.requested_at).as_seconds_f64() / TimeDelta::hours(1).as_seconds_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turnaround_is_in_hours() {
        let at = |minutes| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let response = Response {
            status: ResponseStatus::Partial,
            notes: None,
            impact: Some(TimelineImpact::None),
        };
        let mut action = Action {
            id: Uuid::nil(),
            action_type: ActionType::TestRerun,
            test_case_id: Uuid::nil(),
            execution_id: None,
            action_details: None,
            requested_by: 1,
            requested_at: at(30),
            request_reason: "why".to_owned(),
            responded: None,
            last: LastChange { revision: 1, by: 1, at: at(30), reason: None },
        };
        assert_eq!((action.turnaround_hours(), action.expect_open().is_ok()), (None, true));
        action.responded = Some((response, 2, at(120)));
        assert_eq!((action.turnaround_hours(), action.expect_open().is_ok()), (Some(1.5), false));
    }
}
