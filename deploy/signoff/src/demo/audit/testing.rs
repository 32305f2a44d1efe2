//! What testers do with test cases, and what they ask of data owners.

use signoff_contract::audit::v1 as wire;
use tonic::Status;

use super::AuditDesk;
use crate::demo::desk::{held, request_id};

/// What a test found.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Passed, failed, or neither.
    pub(crate) result: wire::ExecutionResult,
    /// What the document says.
    pub(crate) expected: String,
    /// What the report says.
    pub(crate) found: String,
    /// How far they may be apart.
    pub(crate) tolerance: String,
    /// Why it did not pass.
    pub(crate) rationale: String,
}

/// What a data owner answers to a request.
pub(crate) struct Answer {
    /// Whether it is done.
    pub(crate) status: wire::ResponseStatus,
    /// In their words.
    pub(crate) notes: &'static str,
    /// What it does to the timeline.
    pub(crate) impact: wire::TimelineImpact,
}

impl AuditDesk {
    /// Begins to test a case on a submission.
    pub(crate) async fn start(
        &mut self,
        test_case_id: &str,
        submission_id: &str,
    ) -> Result<wire::Execution, Status> {
        let request = wire::StartExecutionRequest {
            scope: Some(self.scope.clone()),
            test_case_id: test_case_id.to_owned(),
            submission_id: submission_id.to_owned(),
            request_id: request_id(),
        };
        held(self.executions.start_execution(request).await?.into_inner().execution)
    }

    /// Concludes an execution.
    pub(crate) async fn conclude(
        &mut self,
        execution: &wire::Execution,
        outcome: Outcome,
    ) -> Result<wire::Execution, Status> {
        let request = wire::RecordResultRequest {
            scope: Some(self.scope.clone()),
            execution_id: execution.execution_id.clone(),
            result: outcome.result.into(),
            expected: outcome.expected,
            found: outcome.found,
            tolerance: outcome.tolerance,
            rationale: outcome.rationale,
            etag: execution.etag.clone(),
            request_id: request_id(),
        };
        held(self.executions.record_result(request).await?.into_inner().execution)
    }

    /// Asks the data owner of a case for something.
    pub(crate) async fn ask(
        &mut self,
        what: wire::ActionType,
        test_case_id: &str,
        execution_id: Option<&str>,
        reason: &str,
    ) -> Result<wire::Action, Status> {
        let request = wire::RequestActionRequest {
            scope: Some(self.scope.clone()),
            action_type: what.into(),
            test_case_id: test_case_id.to_owned(),
            execution_id: execution_id.unwrap_or_default().to_owned(),
            action_details: None,
            request_reason: reason.to_owned(),
            request_id: request_id(),
        };
        held(self.executions.request_action(request).await?.into_inner().action)
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &mut self,
        action: &wire::Action,
        answer: Answer,
    ) -> Result<wire::Action, Status> {
        let request = wire::RespondToActionRequest {
            scope: Some(self.scope.clone()),
            action_id: action.action_id.clone(),
            response_status: answer.status.into(),
            response_notes: answer.notes.to_owned(),
            impact_on_timeline: answer.impact.into(),
            etag: action.etag.clone(),
            request_id: request_id(),
        };
        held(self.executions.respond_to_action(request).await?.into_inner().action)
    }
}
