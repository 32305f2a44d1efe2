//! Which documents were submitted, what was asked of data owners, and who signed the report: read at the end.

use anyhow::Result;
use serde::Serialize;
use signoff_workflow::Phase;

use super::people::{Cast, Person};
use crate::words::word;

/// Something that was asked of a data owner.
#[derive(Debug, Serialize)]
pub(super) struct Action {
    pub(super) action_type: String,
    pub(super) requested_by: i64,
    pub(super) responded_by: i64,
    pub(super) response_status: String,
    /// From request to response.
    pub(super) turnaround_time_hours: f64,
    pub(super) impact_on_timeline: String,
    pub(super) request_reason: String,
}

/// One submission of a document.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) file_name: String,
    pub(super) document_version: i32,
    pub(super) submission_type: String,
    pub(super) status: String,
    pub(super) is_current: bool,
    pub(super) test_cases: i64,
    pub(super) submitted_by: i64,
    pub(super) reviewed_by: i64,
    /// In hexadecimal.
    pub(super) sha256: String,
}

/// A signature.
#[derive(Debug, Serialize)]
pub(super) struct SignOff {
    pub(super) role: String,
    pub(super) user_id: i64,
    pub(super) status: String,
    /// Who handed it on; 0 for nobody.
    pub(super) delegated_from: i64,
    pub(super) delegation_reason: String,
    /// What was signed, in hexadecimal.
    pub(super) content_digest: String,
}

/// Everything that was asked of data owners.
pub(super) async fn actions(reader: &Person) -> Result<Vec<Action>> {
    let actions = reader.audit_at(Phase::TEST_EXECUTION).actions().await?;
    let action = |one: signoff_contract::audit::v1::Action| Action {
        action_type: word(one.action_type().as_str_name(), "ACTION_TYPE_"),
        response_status: word(one.response_status().as_str_name(), "RESPONSE_STATUS_"),
        impact_on_timeline: word(one.impact_on_timeline().as_str_name(), "TIMELINE_IMPACT_"),
        requested_by: one.requested_by,
        responded_by: one.responded_by,
        turnaround_time_hours: one.turnaround_time_hours,
        request_reason: one.request_reason,
    };
    Ok(actions.into_iter().map(action).collect())
}

/// Every document, in the order in which they were submitted.
pub(super) async fn documents(reader: &Person) -> Result<Vec<Document>> {
    let documents = reader.audit_at(Phase::REQUEST_INFO).documents().await?;
    let document = |one: signoff_contract::audit::v1::Document| Document {
        submission_type: word(one.submission_type().as_str_name(), "SUBMISSION_TYPE_"),
        status: word(one.status().as_str_name(), "DOCUMENT_STATUS_"),
        file_name: one.file_name,
        document_version: one.document_version,
        is_current: one.is_current,
        test_cases: one.test_cases,
        submitted_by: one.submitted_by,
        reviewed_by: one.reviewed_by,
        sha256: hex::encode(one.sha256),
    };
    Ok(documents.into_iter().map(document).collect())
}

/// Every signature of the approved report.
pub(super) async fn sign_offs(reader: &Person) -> Result<Vec<SignOff>> {
    let mut desk = reader.at(Phase::FINALIZE_TEST_REPORT);
    let current = desk.status().await?.current_version_id;
    let sign_off = |one: signoff_contract::versioning::v1::SignOff| SignOff {
        role: word(one.role().as_str_name(), "ROLE_"),
        user_id: one.user_id,
        status: word(one.status().as_str_name(), "SIGN_OFF_STATUS_"),
        delegated_from: one.delegated_from,
        delegation_reason: one.delegation_reason,
        content_digest: hex::encode(one.content_digest),
    };
    Ok(desk.signatures(&current).await?.into_iter().map(sign_off).collect())
}

impl Document {
    /// For people.
    pub(super) fn row(&self) -> [String; 8] {
        [
            self.file_name.clone(),
            self.document_version.to_string(),
            self.submission_type.clone(),
            self.status.clone(),
            if self.is_current { "yes" } else { "" }.to_owned(),
            self.test_cases.to_string(),
            Cast::name_of(self.submitted_by),
            Cast::name_of(self.reviewed_by),
        ]
    }
}

impl Action {
    /// For people.
    pub(super) fn row(&self) -> [String; 6] {
        [
            self.action_type.clone(),
            Cast::name_of(self.requested_by),
            Cast::name_of(self.responded_by),
            self.response_status.clone(),
            format!("{:.1} s", self.turnaround_time_hours * 3_600.0),
            self.impact_on_timeline.clone(),
        ]
    }
}

impl SignOff {
    /// For people.
    pub(super) fn row(&self) -> [String; 5] {
        [
            self.role.clone(),
            Cast::name_of(self.user_id),
            self.status.clone(),
            Cast::name_of(self.delegated_from),
            self.delegation_reason.clone(),
        ]
    }
}
