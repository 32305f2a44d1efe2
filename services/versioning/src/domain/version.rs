//! A version's header and its lifecycle.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use signoff_backend::Fault;
use signoff_workflow::{Role, Scope};
use uuid::Uuid;

use super::counts::Counts;
use super::error::Error;
use super::fact::FinalDocument;
use super::metadata::Metadata;
use super::states::{Origin, VersionState};

/// Another version of the same line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRef {
    /// Its number.
    pub number: i32,
    /// Its id.
    pub version_id: Uuid,
}

/// The header of a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// What it is about.
    pub scope: Scope,
    /// The line's internal number.
    pub line_no: i64,
    /// 1, 2, 3 … without gaps.
    pub number: i32,
    /// Its id.
    pub version_id: Uuid,
    /// Where it stands.
    pub state: VersionState,
    /// Grows by one with every change.
    pub revision: i64,
    /// The baseline that it was revised from.
    pub parent: Option<VersionRef>,
    /// The line's approved version, whichever it is now.
    pub approved_version_id: Option<Uuid>,
    /// The version whose approval superseded it.
    pub superseded_by: Option<Uuid>,
    /// SHA-256 over the ordered content, where sign-offs bind to it.
    pub content_digest: Option<Vec<u8>>,
    /// The roles whose sign-off its approval needs, since it was submitted.
    pub required_sign_offs: Vec<Role>,
    /// Its rendered document, kept beside it.
    pub final_document: Option<FinalDocument>,
    /// What it says about itself, as stored.
    pub metadata: Option<Value>,
    /// The schema of `metadata`.
    pub metadata_schema: i16,
    /// Free-form.
    pub phase_data: Option<Value>,
    /// Its decisions by state.
    pub counts: Counts,
    /// The sources of what was put forward: one bit each.
    pub sources: i32,
    /// When and by whom it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: i64,
    /// Why it was made.
    pub creation_notes: Option<String>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was last submitted.
    pub submitted_at: Option<DateTime<Utc>>,
    /// Who submitted it last.
    pub submitted_by: Option<i64>,
    /// Everybody who ever submitted it, withdrawn or not.
    pub submitters: Vec<i64>,
    /// What the submitter said.
    pub submission_notes: Option<String>,
    /// When it was approved or rejected.
    pub reviewed_at: Option<DateTime<Utc>>,
    /// Who approved or rejected it.
    pub reviewed_by: Option<i64>,
    /// What they said.
    pub review_notes: Option<String>,
    /// The approver had created or submitted it.
    pub self_approved: bool,
    /// When a later one was approved.
    pub superseded_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Who gave it up.
    pub deleted_by: Option<i64>,
    /// Why.
    pub delete_reason: Option<String>,
    /// When it was made, as far as the record says.
    pub occurred_at: DateTime<Utc>,
    /// When that was written down here.
    pub recorded_at: DateTime<Utc>,
    /// Made here or imported.
    pub origin: Origin,
}

impl Version {
    /// The version as another one's reference.
    pub fn reference(&self) -> VersionRef {
        VersionRef { number: self.number, version_id: self.version_id }
    }

    /// The opaque tag that changes with every change.
    pub fn etag(&self) -> String {
        format!("{}.{}", self.number, self.revision)
    }

    /// # Errors
    /// A tag was given and is not the version's.
    pub fn expect_etag(&self, given: Option<&str>) -> Result<(), Error> {
        Ok(Fault::expect_etag(given, self.etag())?)
    }

    /// # Errors
    /// The version's state is none of `wanted`.
    pub fn expect_state(
        &self,
        wanted: &'static [VersionState],
        to: &'static str,
    ) -> Result<(), Error> {
        if wanted.contains(&self.state) {
            return Ok(());
        }
        Err(Error::VersionState {
            version_id: self.version_id,
            number: self.number,
            state: self.state,
            wanted,
            to,
        })
    }

    /// Whether this person created it, or ever submitted it.
    pub fn is_made_by(&self, user_id: i64) -> bool {
        self.created_by == user_id || self.submitters.contains(&user_id)
    }

    /// Its metadata, with the schema that it was written in.
    pub fn stored_metadata(&self) -> Option<Metadata> {
        let body = self.metadata.clone()?;
        Some(Metadata { schema: self.metadata_schema, body })
    }

    /// What the trail says about it before and after a change.
    pub fn summary(&self) -> Value {
        let counts = &self.counts;
        // Null where nothing is required: so are headers of which no record speaks of it.
        let required: Option<Vec<&str>> = (!self.required_sign_offs.is_empty())
            .then(|| self.required_sign_offs.iter().map(|role| role.name()).collect());
        json!({
            "version_id": self.version_id,
            "number": self.number,
            "state": self.state.name(),
            "revision": self.revision,
            "metadata_schema": self.metadata_schema,
            "content_digest": self.content_digest.as_ref().map(hex::encode),
            "required_sign_offs": required,
            "sources": self.sources,
            "occurred_at": self.occurred_at,
            "origin": self.origin.name(),
            "parent_number": self.parent.map(|parent| parent.number),
            "created_at": self.created_at,
            "created_by": self.created_by,
            "creation_notes": self.creation_notes,
            "submitted_at": self.submitted_at,
            "submitted_by": self.submitted_by,
            "submitters": self.submitters,
            "submission_notes": self.submission_notes,
            "reviewed_at": self.reviewed_at,
            "reviewed_by": self.reviewed_by,
            "review_notes": self.review_notes,
            "self_approved": self.self_approved,
            "superseded_at": self.superseded_at,
            "superseded_by_version_id": self.superseded_by,
            "deleted_at": self.deleted_at,
            "deleted_by": self.deleted_by,
            "delete_reason": self.delete_reason,
            "counts": {
                "total": counts.total,
                "pending": counts.pending,
                "approved": counts.approved,
                "rejected": counts.rejected,
                "modified": counts.modified,
                "proposed": counts.proposed,
                "carried": counts.carried,
                "counted": counts.counted,
                "counted_kept": counts.counted_kept,
            },
        })
    }
}

#[cfg(test)]
#[path = "version_tests.rs"]
pub(super) mod tests;
